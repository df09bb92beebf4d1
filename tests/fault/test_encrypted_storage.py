"""kill -9 of the server while encrypted storage is made and copied: it is taken up where it was, and nothing stays behind."""
import os
import random
import time
from pathlib import Path

import psycopg
from harness.clients import Clients
from harness.leaks import lines_of
from harness.waiting import eventually

REGION = "us-west-1"
PASSWORD = "correcthorsebattery"
KILLS = max(3, int(os.environ.get("LANDFALL_TEST_KILLS", "0")) // 20)  # of copies
SEED = int(os.environ.get("LANDFALL_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
MEGABYTES = 100


class Killed:
    """A server that dies a moment after each call."""

    def __init__(self, server, chance: random.Random):
        self.server, self.chance = server, chance
        self.rds, self.kms = (Clients(server.environment(), REGION)(name) for name in ("rds", "kms"))

    def after(self, call, most_s: float, **parameters) -> None:
        call(**parameters)
        time.sleep(self.chance.uniform(0, most_s))
        self.server.restart()

    def instance(self, name: str) -> dict:
        return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def available(self, name: str) -> str:
        eventually(lambda: self.instance(name)["DBInstanceStatus"] == "available", 120, what=f"{name} available")
        return self.instance(name)["Endpoint"]["Address"]

    def leftovers(self) -> list[str]:
        copies = self.server.data / "volumes/copies"
        mounted = [line.split()[4] for line in lines_of("/proc/self/mountinfo") if line.split()[4].startswith(f"{copies}/")]
        half = [str(path) for folder in ("volumes", "snapshots") for path in (self.server.data / "volumes" / folder).glob("*.new")]
        return mounted + half + [str(path) for path in Path(copies).iterdir()]


def connect(address: str) -> psycopg.Connection:
    return psycopg.connect(host=address, user="keeper", password=PASSWORD, dbname="app", autocommit=True, connect_timeout=5)


def test_kills_while_it_is_made_and_copied(own_server):
    print("LANDFALL_TEST_SEED", SEED)
    world = Killed(own_server, random.Random(SEED))
    rds, kms = world.rds, world.kms
    world.after(rds.create_db_instance, 3, DBInstanceIdentifier="first", DBInstanceClass="db.t4g.micro", Engine="postgres",
                EngineVersion="16.6", AllocatedStorage=20, MasterUsername="keeper", MasterUserPassword=PASSWORD, DBName="app",
                PubliclyAccessible=True, BackupRetentionPeriod=0, StorageEncrypted=True)
    group = world.instance("first")["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    Clients(own_server.environment(), REGION)("ec2").authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="0.0.0.0/0")
    with eventually(lambda: connect(world.available("first")), 60) as connection:
        connection.execute("create table bulk as select n, repeat(md5(n::text), 32) as text "
                           f"from generate_series(1, {MEGABYTES * 1000}) n")
        checksum = connection.execute("select count(*), sum(hashtext(text)::bigint) from bulk").fetchone()
    world.after(rds.create_db_snapshot, 2, DBInstanceIdentifier="first", DBSnapshotIdentifier="taken")
    ready = rds.get_waiter("db_snapshot_available")
    ready.wait(DBSnapshotIdentifier="taken", WaiterConfig={"Delay": 1})
    source = "taken"
    for number in range(KILLS):
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        copy = f"copy-{number}"
        world.after(rds.copy_db_snapshot, 3, SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=copy, KmsKeyId=key)
        ready.wait(DBSnapshotIdentifier=copy, WaiterConfig={"Delay": 1})
        assert world.leftovers() == []
        source = copy  # a copy of a copy of a copy
    world.after(rds.restore_db_instance_from_db_snapshot, 3, DBInstanceIdentifier="last", DBSnapshotIdentifier=source,
                PubliclyAccessible=True, BackupRetentionPeriod=0)
    with eventually(lambda: connect(world.available("last")), 60) as connection:
        assert connection.execute("select count(*), sum(hashtext(text)::bigint) from bulk").fetchone() == checksum

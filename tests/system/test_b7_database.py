"""Row B7: PostgreSQL 16.10 in private subnets, encrypted, with automatic backups; it survives what A2's database survives."""
import os
import signal
import subprocess

import pytest
from harness.networks import Network
from harness.packets import Place
from harness.waiting import eventually
from system.test_a2_survival import MOST, Database, cut_power

PASSWORD = "correcthorsebattery"


class Private(Network):
    """Two private subnets for the database, a public one, and the groups of the document: service -> database."""

    def __init__(self, ec2):
        super().__init__(ec2, "10.0.0.0/16")
        gateway = self.internet_gateway()
        public = self.subnet("10.0.1.0/24", "us-west-1a")
        self.private = [self.subnet("10.0.10.0/24", "us-west-1a"), self.subnet("10.0.11.0/24", "us-west-1c")]
        ec2.create_route(RouteTableId=self.route_table(public), DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        self.service_group, self.other_group = self.group("service"), self.group("other")
        self.database_group = self.group("database")
        self.allow(self.database_group, 5432, self.service_group)
        self.service = self.interface(self.private[0], self.service_group)
        self.other = self.interface(public, self.other_group)
        self.elastic_address(self.other)


@pytest.fixture
def network(clients):
    made = Private(clients("ec2"))
    yield made
    made.remove()


def psql(place: Place, name: str, address: str, ca: str, sql: str) -> subprocess.CompletedProcess:
    """From inside an interface's network, by the endpoint's name as its certificate has it."""
    return subprocess.run(
        ["nsenter", f"--net={place.namespace}", "psql", "-XAt", "-c", sql,
         f"host={name} hostaddr={address} user=frameratr dbname=frameratr sslmode=verify-full sslrootcert={ca} connect_timeout=3"],
        capture_output=True, text=True, timeout=30, env={**os.environ, "PGPASSWORD": PASSWORD})


def test_b7_private_encrypted_with_backups(aws, clients, server, network):
    rds, host = clients("rds"), Place()
    subnets = " ".join(network.private)
    aws(f"aws rds create-db-subnet-group --db-subnet-group-name frameratr --db-subnet-group-description private "
        f"--subnet-ids {subnets}")
    aws("aws rds create-db-instance --db-instance-identifier frameratr-db --engine postgres --engine-version 16.10 "
        "--db-instance-class db.t3.micro --allocated-storage 20 --storage-type gp3 --storage-encrypted --db-name frameratr "
        f"--master-username frameratr --master-user-password {PASSWORD} --db-subnet-group-name frameratr "
        f"--vpc-security-group-ids {network.database_group} --no-publicly-accessible --backup-retention-period 7 "
        "--preferred-backup-window 03:00-04:00 --copy-tags-to-snapshot --tags Key=Name,Value=frameratr-db")
    try:
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="frameratr-db", WaiterConfig={"Delay": 1})
        said = rds.describe_db_instances(DBInstanceIdentifier="frameratr-db")["DBInstances"][0]
        assert said["StorageEncrypted"] and said["KmsKeyId"] and not said["PubliclyAccessible"]
        assert said["DBSubnetGroup"]["VpcId"] == network.vpc
        interface = [one for one in clients("ec2").describe_network_interfaces()["NetworkInterfaces"]
                     if one["SubnetId"] in network.private and one["Description"] == "RDSNetworkInterface"]
        assert len(interface) == 1 and "Association" not in interface[0]
        name, address = said["Endpoint"]["Address"], interface[0]["PrivateIpAddress"]
        ca = str(server.data / "ca/ca.crt")
        answer = psql(network.service, name, address, ca, "show server_version")
        assert answer.stdout.strip() == "16.10", answer.stderr
        for place in (network.other, host):
            try:
                assert not place.reaches(address, 5432)
            except OSError:
                assert place is host  # no route at all, which is as good
        psql(network.service, name, address, ca, "create table frames (n int); insert into frames values (1)")
        automated = rds.describe_db_snapshots(DBInstanceIdentifier="frameratr-db", SnapshotType="automated")["DBSnapshots"]
        assert len(automated) == 1 and automated[0]["Encrypted"]
        # The stack goes as Terraform destroys it: with a last snapshot.
        aws("aws rds delete-db-instance --db-instance-identifier frameratr-db --final-db-snapshot-identifier frameratr-last")
        aws("aws rds wait db-instance-deleted --db-instance-identifier frameratr-db")
        last = rds.describe_db_snapshots(DBSnapshotIdentifier="frameratr-last")["DBSnapshots"][0]
        assert (last["Encrypted"], last["Status"]) == (True, "available")
        assert {"Key": "Name", "Value": "frameratr-db"} in last["TagList"]
        rds.delete_db_snapshot(DBSnapshotIdentifier="frameratr-last")
    finally:
        there = [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]]
        if "frameratr-db" in there:
            rds.delete_db_instance(DBInstanceIdentifier="frameratr-db", SkipFinalSnapshot=True)
            rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="frameratr-db", WaiterConfig={"Delay": 1})
        rds.delete_db_subnet_group(DBSubnetGroupName="frameratr")


def test_an_encrypted_database_survives_kills_and_a_power_cut(own_server):
    database = Database(own_server, StorageEncrypted=True, BackupRetentionPeriod=1)
    done = database.insert_until(own_server.kill)
    try:
        assert len(done) == MOST and database.numbers() == set(done)  # nothing was noticed
    finally:
        own_server.start()
    assert database.describe()["DBInstanceStatus"] == "available"
    more = database.insert_until(lambda: os.kill(database.processes()[0], signal.SIGKILL))
    assert 200 <= len(more) < MOST
    assert set(done + more) <= eventually(database.numbers, 60, what="the database back")
    # Everything stopped, the mounts and the kernel's keys gone.
    again = database.insert_until(lambda: cut_power(own_server))
    assert 200 <= len(again) < MOST
    own_server.start()
    assert set(done + more + again) <= eventually(database.numbers, 90, what="the database back")
    eventually(lambda: database.describe()["DBInstanceStatus"] == "available", 30)

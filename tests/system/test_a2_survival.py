"""Row A2: a database's data survives kill -9 of the server, of the container, and a power cut."""
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from harness.clients import Clients
from harness.leaks import control_groups, lines_of, names_in, tag_of
from harness.waiting import eventually

REGION = "us-west-1"
MOST = 1000  # insertions in one go
PASSWORD = "correcthorsebattery"


class Database:
    def __init__(self, server, **changes):
        self.server = server
        self.rds = Clients(server.environment(), REGION)("rds")
        wanted = {"DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "EngineVersion": "16.6", "AllocatedStorage": 20,
                  "MasterUsername": "keeper", "MasterUserPassword": PASSWORD, "DBName": "app", "PubliclyAccessible": True,
                  "BackupRetentionPeriod": 0, **changes}
        self.rds.create_db_instance(DBInstanceIdentifier="kept", **wanted)
        group = self.describe()["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
        Clients(server.environment(), REGION)("ec2").authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="0.0.0.0/0")
        self.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="kept", WaiterConfig={"Delay": 1})
        self.address = self.describe()["Endpoint"]["Address"]
        with self.connect() as connection:
            connection.execute("create table kept (n int primary key)")

    def describe(self) -> dict:
        return self.rds.describe_db_instances(DBInstanceIdentifier="kept")["DBInstances"][0]

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(host=self.address, user="keeper", password=PASSWORD, dbname="app", autocommit=True,
                               connect_timeout=3)

    def insert_until(self, stop) -> list[int]:
        """Every number whose insertion was acknowledged before the connection broke."""
        done: list[int] = []
        with self.connect() as connection:
            begin = connection.execute("select coalesce(max(n), 0) from kept").fetchone()[0]
            try:
                for number in range(begin + 1, begin + 1 + MOST):
                    connection.execute("insert into kept values (%s)", (number,))
                    done.append(number)
                    if len(done) == 200:
                        stop()
            except psycopg.OperationalError:
                pass
        return done

    def numbers(self) -> set[int]:
        with self.connect() as connection:
            return {row[0] for row in connection.execute("select n from kept").fetchall()}

    def processes(self) -> list[int]:
        """Of the container: the server's own first."""
        tag, found = tag_of(self.server.data), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                group = Path(f"/proc/{pid}/cgroup").read_text()
                started = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
            except OSError:
                continue
            if f"landfall-{tag}/rds-" in group:
                found.append((started, int(pid)))
        return [pid for _, pid in sorted(found)]


@pytest.fixture
def database(own_server) -> Database:
    return Database(own_server)


def cut_power(server) -> None:
    """What a power cut leaves: files, as far as they were synced, and nothing of the kernel's."""
    tag = tag_of(server.data)
    server.kill()
    for _ in range(3):  # monitors first or last: none may start another
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
                ours = f"{tag}-" in words or f"{server.data}/" in words or f"landfall-{tag}" in Path(f"/proc/{pid}/cgroup").read_text()
                if ours and int(pid) != os.getpid():
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.2)
    for line in reversed(lines_of("/proc/self/mountinfo")):
        point = line.split()[4]
        if point.startswith(str(server.data) + "/") or f"landfall-{tag}" in point:
            subprocess.run(["umount", "-l", point], check=False)
    for name in names_in("/run/netns"):
        if f"-{tag}" in name:
            subprocess.run(["ip", "netns", "delete", name], check=False)
    subprocess.run(["rm", "-rf", f"/run/landfall-{tag}"], check=True)
    for group in control_groups(tag):
        for folder in sorted((path for path in Path(group).rglob("*") if path.is_dir()), key=lambda p: -len(str(p))):
            os.rmdir(folder)
        os.rmdir(group)


def test_kill_9_of_the_server_is_not_noticed(database):
    done = database.insert_until(database.server.kill)
    try:
        # Nothing broke: the connection went on without the server.
        assert len(done) == MOST and database.numbers() == set(done)
    finally:
        database.server.start()
    assert database.describe()["DBInstanceStatus"] == "available"
    assert database.numbers() == set(done)


def test_kill_9_of_the_container_loses_nothing(database):
    for _ in range(2):
        done = database.insert_until(lambda: os.kill(database.processes()[0], signal.SIGKILL))
        assert 200 <= len(done) < MOST
        found = eventually(database.numbers, 60, what="the database back")
        # The last may have been committed and its answer lost.
        assert set(done) <= found
    eventually(lambda: database.describe()["DBInstanceStatus"] == "available", 30)


def test_a_power_cut_loses_nothing(database):
    done = database.insert_until(lambda: cut_power(database.server))
    assert 200 <= len(done) < MOST
    database.server.start()
    assert set(done) <= eventually(database.numbers, 90, what="the database back")
    eventually(lambda: database.describe()["DBInstanceStatus"] == "available", 30)

"""A database to test with, reachable from outside."""
import ssl
import subprocess
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from harness.waiting import eventually

PASSWORD = "correcthorsebattery"
USER = "zapier_user"
QUICKLY = {"Delay": 1, "MaxAttempts": 120}


@dataclass
class Database:
    """A DB instance under test, by its identifier."""

    rds: Any
    name: str
    ca: str

    def describe(self) -> dict:
        return self.rds.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"][0]

    def wait(self, status: str = "available") -> "Database":
        if status == "available":
            self.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=self.name, WaiterConfig=QUICKLY)
        else:
            eventually(lambda: self.describe()["DBInstanceStatus"] == status, 60, what=f"{self.name} {status}")
        return self

    def connect(self, **options: Any) -> psycopg.Connection:
        endpoint = self.describe()["Endpoint"]
        wanted = {"user": USER, "password": PASSWORD, "dbname": "app", "sslmode": "verify-full", "sslrootcert": self.ca,
                  "connect_timeout": 5, **options}
        return psycopg.connect(host=endpoint["Address"], port=endpoint["Port"], autocommit=True, **wanted)

    def query(self, sql: str, **options: Any) -> list[tuple]:
        with self.connect(**options) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql: str, **options: Any) -> Any:
        return self.query(sql, **options)[0][0]

    def delete(self, **how: Any) -> None:
        self.rds.delete_db_instance(DBInstanceIdentifier=self.name, **(how or {"SkipFinalSnapshot": True}))


@pytest.fixture(scope="session")
def ca(server) -> str:
    """What a client must trust: the installation's own authority."""
    return str(server.data / "ca/ca.crt")


@pytest.fixture(scope="session")
def rds(clients):
    return clients("rds")


@pytest.fixture(scope="session")
def open_group(clients) -> str:
    """A security group of the default VPC that lets everybody in on 5432."""
    ec2 = clients("ec2")
    clients("rds").describe_db_subnet_groups()
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="rds-open", Description="5432", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    return group


@pytest.fixture(scope="session")
def make(rds, open_group, ca):
    """make(name, **changes): begins to create an instance. They are gone after the session."""
    made: list[Database] = []

    def begin(name: str, **changes: Any) -> Database:
        wanted = {"DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "EngineVersion": "16.6", "AllocatedStorage": 20,
                  "MasterUsername": USER, "MasterUserPassword": PASSWORD, "DBName": "app", "PubliclyAccessible": True,
                  "VpcSecurityGroupIds": [open_group], "BackupRetentionPeriod": 0, **changes}
        rds.create_db_instance(DBInstanceIdentifier=name, **wanted)
        made.append(Database(rds, name, ca))
        return made[-1]

    begin.adopt = lambda name: made.append(Database(rds, name, ca)) or made[-1]
    yield begin
    there = {one["DBInstanceIdentifier"]: one for one in rds.describe_db_instances()["DBInstances"]}
    for database in made:
        if there.get(database.name, {}).get("DBInstanceStatus", "deleting") != "deleting":
            database.delete()


@pytest.fixture(scope="session")
def database(make) -> Database:
    """The session's instance; tests leave it as it was."""
    return make("shared", BackupRetentionPeriod=1).wait()


def subject_names(host: str, port: int, ca: str) -> dict:
    """The certificate that PostgreSQL shows after its own request for TLS."""
    import socket
    with socket.create_connection((host, port), timeout=5) as plain:
        plain.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        assert plain.recv(1) == b"S"
        with ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname=host) as secure:
            return secure.getpeercert()


def psql(*words: str, **environment: str) -> subprocess.CompletedProcess:
    import os
    return subprocess.run(["psql", *words], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "PGPASSWORD": PASSWORD, "PGCONNECT_TIMEOUT": "3", **environment})

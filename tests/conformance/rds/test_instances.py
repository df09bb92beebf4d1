"""DB instances: from creating to deleting. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_CommonTasks.Connect.html and the API reference."""
import datetime
import socket

import psycopg
import pytest
from botocore.exceptions import ClientError
from conformance.rds.conftest import PASSWORD, USER, psql, subject_names
from harness.waiting import eventually


def code_of(call, **parameters) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"]


def test_what_is_described_is_true(database):
    said = database.describe()
    assert said["DBInstanceArn"].endswith(":db:shared")
    assert (said["Engine"], said["EngineVersion"], said["DBInstanceClass"]) == ("postgres", "16.6", "db.t4g.micro")
    assert (said["AllocatedStorage"], said["StorageType"], said["MultiAZ"]) == (20, "gp2", False)
    assert said["PubliclyAccessible"] and not said["StorageEncrypted"]
    assert [group["DBParameterGroupName"] for group in said["DBParameterGroups"]] == ["default.postgres16"]
    assert database.value("show server_version") == "16.6"
    # The class's memory: buffers take a quarter of 1 GiB.
    assert database.value("show shared_buffers") == "256MB"
    assert database.value("show max_connections") == "112"
    assert database.query("select current_user, current_database()") == [(USER, "app")]
    assert database.value("select pg_has_role(current_user, 'rds_superuser', 'member')")
    assert not database.value("select rolsuper from pg_roles where rolname = current_user")


def test_tls_is_the_instances_own_and_demanded(database, ca, rds):
    endpoint = database.describe()["Endpoint"]
    assert database.value("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    names = subject_names(endpoint["Address"], endpoint["Port"], ca)["subjectAltName"]
    assert names == (("DNS", endpoint["Address"]),)
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        database.connect(sslmode="disable")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        database.connect(sslrootcert="/etc/ssl/certs/ca-certificates.crt")
    described = rds.describe_certificates()
    assert described["Certificates"][0]["CertificateIdentifier"] == database.describe()["CACertificateIdentifier"]
    assert database.describe()["CertificateDetails"]["ValidTill"] > datetime.datetime.now(datetime.timezone.utc)


def test_a_wrong_password_and_the_administrator_are_refused(database):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        database.connect(password="wrong-wrong")
    with pytest.raises(psycopg.OperationalError, match="rejects|no pg_hba.conf entry"):
        database.connect(user="rdsadmin")


def test_the_security_group_decides(database, clients, open_group):
    endpoint = database.describe()["Endpoint"]["Address"]
    line = ["-h", endpoint, "-p", "5432", "-U", USER, "-Atc", "select 1", "app"]
    assert psql(*line).stdout.strip() == "1"
    rule = {"GroupId": open_group, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
    clients("ec2").revoke_security_group_ingress(**rule)
    try:
        eventually(lambda: "timeout expired" in psql(*line).stderr, 20, what="5432 closed")
    finally:
        clients("ec2").authorize_security_group_ingress(**rule)
    eventually(lambda: psql(*line).stdout.strip() == "1", 10, what="5432 open again")


@pytest.mark.parametrize("change, code", [
    ({"DBInstanceIdentifier": "shared"}, "DBInstanceAlreadyExists"),
    ({"DBInstanceIdentifier": "9lives"}, "InvalidParameterValue"),
    ({"DBInstanceIdentifier": "a--b"}, "InvalidParameterValue"),
    ({"Engine": "mysql"}, "InvalidParameterValue"),
    ({"EngineVersion": "16.99"}, "InvalidParameterCombination"),
    ({"DBInstanceClass": "db.huge"}, "InvalidParameterValue"),
    ({"AllocatedStorage": 19}, "InvalidParameterValue"),
    ({"MasterUsername": "admin"}, "InvalidParameterValue"),
    ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
    ({"MasterUserPassword": "with space 12"}, "InvalidParameterValue"),
    ({"DBName": "1x"}, "InvalidParameterValue"),
    ({"BackupRetentionPeriod": 36}, "InvalidParameterValue"),
    ({"DBParameterGroupName": "nowhere"}, "DBParameterGroupNotFound"),
    ({"DBSubnetGroupName": "nowhere"}, "DBSubnetGroupNotFoundFault"),
    ({"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidParameterValue"),
    ({"PreferredBackupWindow": "never"}, "InvalidParameterValue"),
    ({"EnableCloudwatchLogsExports": ["audit"]}, "InvalidParameterCombination"),
    ({"MultiAZ": True}, "InvalidParameterCombination"),
])
def test_bad_input_is_refused(database, rds, change, code):
    good = {"DBInstanceIdentifier": "other", "DBInstanceClass": "db.t4g.micro", "Engine": "postgres",
            "AllocatedStorage": 20, "MasterUsername": "u", "MasterUserPassword": PASSWORD}
    assert code_of(rds.create_db_instance, **{**good, **change}) == code


def test_unknown_instances_have_their_own_error(rds):
    for call in (rds.describe_db_instances, rds.reboot_db_instance, rds.stop_db_instance, rds.describe_db_log_files):
        assert code_of(call, DBInstanceIdentifier="nowhere") in ("DBInstanceNotFound", "DBInstanceNotFoundFault")


def test_stop_start_reboot_keep_the_data(make, rds):
    one = make("rests").wait()
    one.query("create table kept (n int); insert into kept values (42)")
    rds.stop_db_instance(DBInstanceIdentifier="rests")
    one.wait("stopped")
    with pytest.raises(psycopg.OperationalError):
        one.connect()
    assert code_of(rds.reboot_db_instance, DBInstanceIdentifier="rests") == "InvalidDBInstanceState"
    rds.start_db_instance(DBInstanceIdentifier="rests")
    assert one.wait().value("select n from kept") == 42
    began = one.value("select pg_postmaster_start_time()")
    rds.reboot_db_instance(DBInstanceIdentifier="rests")
    assert one.wait().value("select pg_postmaster_start_time()") > began

    # Changed while it runs: another password at once, another size after a restart.
    rds.modify_db_instance(DBInstanceIdentifier="rests", MasterUserPassword="another-password", ApplyImmediately=True)
    eventually(lambda: one.value("select 1", password="another-password"), 20, what="the new password")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        one.connect()
    rds.modify_db_instance(DBInstanceIdentifier="rests", AllocatedStorage=30, DBInstanceClass="db.t4g.small")
    pending = one.describe()["PendingModifiedValues"]
    assert (pending["AllocatedStorage"], pending["DBInstanceClass"]) == (30, "db.t4g.small")
    assert one.describe()["AllocatedStorage"] == 20
    rds.modify_db_instance(DBInstanceIdentifier="rests", ApplyImmediately=True)
    one.wait()
    assert one.describe()["AllocatedStorage"] == 30 and one.describe()["PendingModifiedValues"] == {}
    assert one.value("show shared_buffers", password="another-password") == "512MB"
    assert one.value("select n from kept", password="another-password") == 42
    assert code_of(rds.modify_db_instance, DBInstanceIdentifier="rests", AllocatedStorage=25) == "InvalidParameterCombination"

    rds.modify_db_instance(DBInstanceIdentifier="rests", DeletionProtection=True)
    assert code_of(rds.delete_db_instance, DBInstanceIdentifier="rests", SkipFinalSnapshot=True) == "InvalidParameterCombination"
    rds.modify_db_instance(DBInstanceIdentifier="rests", DeletionProtection=False)
    one.delete()
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="rests", WaiterConfig={"Delay": 1})


def test_a_minor_version_up(make, rds):
    one = make("grows").wait()
    one.query("create table kept (n int); insert into kept values (42)")
    rds.modify_db_instance(DBInstanceIdentifier="grows", EngineVersion="16.10", ApplyImmediately=True)
    assert one.wait().value("show server_version") == "16.10"
    assert one.value("select n from kept") == 42
    assert code_of(rds.modify_db_instance, DBInstanceIdentifier="grows", EngineVersion="16.6",
                   ApplyImmediately=True) == "InvalidParameterCombination"
    one.delete()


def test_private_means_private(make, clients):
    one = make("private", PubliclyAccessible=False).wait()
    interfaces = clients("ec2").describe_network_interfaces(
        Filters=[{"Name": "description", "Values": ["RDSNetworkInterface"]}])["NetworkInterfaces"]
    address = socket.gethostbyname(one.describe()["Endpoint"]["Address"])
    own = [each for each in interfaces if each["PrivateIpAddress"] == address]
    # The name leads to the address inside the VPC, to which nothing outside has a route.
    assert len(own) == 1 and "Association" not in own[0] and address.startswith("172.31.")
    one.delete()


def test_why_names_the_database_that_is_missing(server, database):
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        database.connect(dbname="nowhere")
    said = server.why("shared")
    assert 'database "nowhere" does not exist' in said and "app" in said
    database.query('create database "nowhere"')
    try:
        assert 'database "nowhere" does not exist' not in server.why("shared")
    finally:
        database.query('drop database "nowhere"')


def test_why_names_the_missing_rule(server, make, clients):
    vpc = clients("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    closed = clients("ec2").create_security_group(GroupName="rds-closed", Description="nothing", VpcId=vpc)["GroupId"]
    one = make("closed", VpcSecurityGroupIds=[closed]).wait()
    said = server.why("closed")
    assert closed in said and "5432" in said
    one.rds.stop_db_instance(DBInstanceIdentifier="closed")
    one.wait("stopped")
    assert "start-db-instance --db-instance-identifier closed" in server.why("closed")
    one.delete()

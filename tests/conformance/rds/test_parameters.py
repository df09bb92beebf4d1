"""Parameter groups with their effect. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithDBInstanceParamGroups.html"""
import psycopg
import pytest
from conformance.rds.test_instances import code_of
from harness.waiting import eventually


@pytest.fixture
def group(rds, name):
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres16", Description="of a test")
    yield name


def change(rds, group: str, method: str = "immediate", **values: str) -> None:
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[
        {"ParameterName": key.replace("__", "."), "ParameterValue": value, "ApplyMethod": method}
        for key, value in values.items()])


def all_parameters(rds, group: str, **filters: str) -> dict[str, dict]:
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group, **filters)
    return {one["ParameterName"]: one for page in pages for one in page["Parameters"]}


def test_groups_are_made_listed_and_deleted(rds, group):
    described = rds.describe_db_parameter_groups(DBParameterGroupName=group)["DBParameterGroups"][0]
    assert described["DBParameterGroupFamily"] == "postgres16" and described["DBParameterGroupArn"].endswith(f":pg:{group}")
    names = {one["DBParameterGroupName"] for one in rds.describe_db_parameter_groups()["DBParameterGroups"]}
    assert {"default.postgres16", group} <= names
    again = {"DBParameterGroupName": group, "DBParameterGroupFamily": "postgres16", "Description": "x"}
    assert code_of(rds.create_db_parameter_group, **again) == "DBParameterGroupAlreadyExists"
    again["DBParameterGroupFamily"] = "mysql8.0"
    assert code_of(rds.create_db_parameter_group, **again) == "InvalidParameterValue"
    rds.delete_db_parameter_group(DBParameterGroupName=group)
    assert code_of(rds.describe_db_parameter_groups, DBParameterGroupName=group) == "DBParameterGroupNotFound"
    assert code_of(rds.delete_db_parameter_group, DBParameterGroupName="default.postgres16") == "InvalidParameterValue"


def test_what_there_is(rds, group):
    known = all_parameters(rds, group)
    assert len(known) > 300
    assert known["shared_buffers"]["ParameterValue"] == "{DBInstanceClassMemory/32768}"
    assert known["shared_buffers"]["ApplyType"] == "static" and known["work_mem"]["ApplyType"] == "dynamic"
    assert known["log_statement"]["AllowedValues"] == "none,ddl,mod,all"
    assert known["rds.force_ssl"]["ParameterValue"] == "1"
    assert not known["data_directory"]["IsModifiable"] and not known["fsync"]["IsModifiable"]
    assert all_parameters(rds, group, Source="user") == {}
    change(rds, group, work_mem="8192")
    assert all_parameters(rds, group, Source="user")["work_mem"]["ParameterValue"] == "8192"
    defaults = rds.describe_engine_default_parameters(DBParameterGroupFamily="postgres16")["EngineDefaults"]
    assert len(defaults["Parameters"]) == 100 and defaults["Marker"]


@pytest.mark.parametrize("parameter, value, method, code", [
    ("work_mem", "64MB", "immediate", "InvalidParameterValue"),
    ("work_mem", "63", "immediate", "InvalidParameterValue"),
    ("log_statement", "some", "immediate", "InvalidParameterValue"),
    ("autovacuum", "maybe", "immediate", "InvalidParameterValue"),
    ("timezone", "Middle-earth/Shire", "immediate", "InvalidParameterValue"),
    ("max_connections", "50", "immediate", "InvalidParameterCombination"),
    ("max_connections", "{DBInstanceClassMemory/0}", "pending-reboot", "InvalidParameterValue"),
    ("shared_preload_libraries", "evil", "pending-reboot", "InvalidParameterValue"),
    ("hba_file", "/tmp/x", "pending-reboot", "InvalidParameterValue"),
    ("archive_command", "touch /tmp/x", "immediate", "InvalidParameterValue"),
    ("no_such_thing", "1", "immediate", "InvalidParameterValue"),
])
def test_bad_values_are_refused(rds, group, parameter, value, method, code):
    assert code_of(rds.modify_db_parameter_group, DBParameterGroupName=group, Parameters=[
        {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": method}]) == code
    assert all_parameters(rds, group, Source="user") == {}


def test_dynamic_parameters_at_once_static_ones_at_the_reboot(rds, make, group):
    one = make("tuned", DBParameterGroupName=group).wait()

    def status() -> str:
        return one.describe()["DBParameterGroups"][0]["ParameterApplyStatus"]
    assert status() == "in-sync" and one.value("show work_mem") == "4MB"
    change(rds, group, work_mem="8192", log_statement="all")
    eventually(lambda: one.value("show work_mem") == "8MB", 15)
    assert status() == "in-sync"

    change(rds, group, "pending-reboot", max_connections="LEAST({DBInstanceClassMemory/9531392},50)", work_mem="16384")
    assert status() == "pending-reboot"
    assert (one.value("show work_mem"), one.value("show max_connections")) == ("8MB", "112")
    rds.reboot_db_instance(DBInstanceIdentifier="tuned")
    one.wait()
    assert (one.value("show work_mem"), one.value("show max_connections")) == ("16MB", "50")
    assert status() == "in-sync"

    # Without TLS once it may be.
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        one.connect(sslmode="disable")
    change(rds, group, rds__force_ssl="0")
    eventually(lambda: one.value("select 1", sslmode="disable"), 15)

    rds.reset_db_parameter_group(DBParameterGroupName=group, ResetAllParameters=True)
    eventually(lambda: one.value("show work_mem") == "4MB", 15)
    assert one.value("show max_connections") == "50" and status() == "pending-reboot"
    assert code_of(rds.delete_db_parameter_group, DBParameterGroupName=group) == "InvalidDBParameterGroupState"

    # Another group waits for a reboot altogether.
    rds.modify_db_instance(DBInstanceIdentifier="tuned", DBParameterGroupName="default.postgres16")
    assert status() == "pending-reboot"
    rds.reboot_db_instance(DBInstanceIdentifier="tuned")
    assert one.wait().value("show max_connections") == "112"
    one.delete()


def test_parameters_that_keep_the_server_down(rds, make, group, server):
    one = make("greedy", DBParameterGroupName=group).wait()
    change(rds, group, "pending-reboot", shared_buffers="1073741823")  # 8 TiB
    rds.reboot_db_instance(DBInstanceIdentifier="greedy")
    one.wait("incompatible-parameters")
    assert f"--db-parameter-group-name {group}" in server.why("greedy")
    rds.reset_db_parameter_group(DBParameterGroupName=group, Parameters=[
        {"ParameterName": "shared_buffers", "ApplyMethod": "pending-reboot"}])
    eventually(lambda: rds.describe_db_instances(DBInstanceIdentifier="greedy")["DBInstances"][0]["DBInstanceStatus"] ==
               "available", 90, what="the server up again")
    assert one.value("show shared_buffers") == "256MB"
    one.delete()

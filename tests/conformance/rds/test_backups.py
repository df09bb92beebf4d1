"""Snapshots, automated backups and restoring to a point in time. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html"""
import datetime
import time

import pytest
from botocore.exceptions import ClientError
from conformance.rds.test_instances import code_of
from harness.waiting import eventually


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def window(rds, **which: str) -> dict:
    return rds.describe_db_instance_automated_backups(**which)["DBInstanceAutomatedBackups"][0].get("RestoreWindow", {})


def test_a_snapshot_is_restored_beside_its_source(rds, make, database, open_group):
    database.query("create table if not exists shot (n int); truncate shot; insert into shot values (1)")
    rds.create_db_snapshot(DBInstanceIdentifier="shared", DBSnapshotIdentifier="shot")
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="shot", WaiterConfig={"Delay": 1})
    database.wait().query("insert into shot values (2)")
    taken = rds.describe_db_snapshots(DBSnapshotIdentifier="shot")["DBSnapshots"][0]
    for name, values in [("db-snapshot-id", ["shot"]), ("db-instance-id", ["shared"]), ("snapshot-type", ["manual"])]:
        found = rds.describe_db_snapshots(Filters=[{"Name": name, "Values": values}])["DBSnapshots"]
        assert "shot" in [one["DBSnapshotIdentifier"] for one in found], name
    assert not rds.describe_db_snapshots(Filters=[{"Name": "db-snapshot-id", "Values": ["none"]}])["DBSnapshots"]
    assert (taken["SnapshotType"], taken["EngineVersion"], taken["PercentProgress"]) == ("manual", "16.6", 100)
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="restored", DBSnapshotIdentifier="shot",
                                             VpcSecurityGroupIds=[open_group], PubliclyAccessible=True)
    again = make.adopt("restored").wait()
    assert again.query("select n from shot") == [(1,)]
    assert database.query("select n from shot order by 1") == [(1,), (2,)]
    again.delete(FinalDBSnapshotIdentifier="last-of-restored")
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="restored", WaiterConfig={"Delay": 1})
    last = rds.describe_db_snapshots(DBSnapshotIdentifier="last-of-restored")["DBSnapshots"][0]
    assert last["Status"] == "available"
    for each in ("shot", "last-of-restored"):
        rds.delete_db_snapshot(DBSnapshotIdentifier=each)
    assert code_of(rds.describe_db_snapshots, DBSnapshotIdentifier="shot") == "DBSnapshotNotFound"


def test_the_database_as_it_was_at_a_moment(rds, make, database, open_group):
    eventually(lambda: window(rds, DBInstanceIdentifier="shared"), 60, what="a first automated backup")
    database.query("create table if not exists moments (n int); truncate moments; insert into moments values (1)")
    time.sleep(0.01)
    moment = now()
    time.sleep(0.01)
    database.query("insert into moments values (2)")
    where = {"SourceDBInstanceIdentifier": "shared", "VpcSecurityGroupIds": [open_group], "PubliclyAccessible": True}
    rds.restore_db_instance_to_point_in_time(TargetDBInstanceIdentifier="then", RestoreTime=moment, **where)
    rds.restore_db_instance_to_point_in_time(TargetDBInstanceIdentifier="latest", UseLatestRestorableTime=True, **where)
    then, latest = make.adopt("then").wait(), make.adopt("latest").wait()
    assert then.query("select n from moments") == [(1,)]
    assert latest.query("select n from moments order by 1") == [(1,), (2,)]
    # It goes on by itself, and has backups of its own.
    then.query("insert into moments values (3)")
    rds.reboot_db_instance(DBInstanceIdentifier="then")
    assert then.wait().query("select n from moments order by 1") == [(1,), (3,)]
    assert eventually(lambda: window(rds, DBInstanceIdentifier="then"), 60)["EarliestTime"] > moment
    rds.restore_db_instance_to_point_in_time(SourceDBInstanceIdentifier="then", TargetDBInstanceIdentifier="again",
                                             UseLatestRestorableTime=True, VpcSecurityGroupIds=[open_group],
                                             PubliclyAccessible=True)
    again = make.adopt("again").wait()
    assert again.query("select n from moments order by 1") == [(1,), (3,)]
    for each in (then, latest, again):
        each.delete()


def test_moments_that_cannot_be_restored(rds, database):
    eventually(lambda: window(rds, DBInstanceIdentifier="shared"), 60)
    to = {"SourceDBInstanceIdentifier": "shared", "TargetDBInstanceIdentifier": "never"}
    call = rds.restore_db_instance_to_point_in_time
    assert code_of(call, **to, RestoreTime=now() - datetime.timedelta(days=2)) == "InvalidParameterValue"
    assert code_of(call, **to, RestoreTime=now() + datetime.timedelta(hours=1)) == "InvalidParameterValue"
    assert code_of(call, **to) == "InvalidParameterCombination"
    assert code_of(call, **to, UseLatestRestorableTime=True, RestoreTime=now()) == "InvalidParameterCombination"
    assert code_of(call, SourceDBInstanceIdentifier="nowhere", TargetDBInstanceIdentifier="never",
                   UseLatestRestorableTime=True).startswith("DBInstanceNotFound")


def test_backups_may_outlive_their_instance(rds, make, open_group):
    one = make("mortal", BackupRetentionPeriod=1).wait()
    one.query("create table kept (n int); insert into kept values (42)")
    resource = one.describe()["DbiResourceId"]
    eventually(lambda: window(rds, DbiResourceId=resource), 60)
    assert code_of(rds.delete_db_instance_automated_backup, DbiResourceId=resource) == "InvalidDBInstanceAutomatedBackupState"
    # Until here, and no further: a deletion archives nothing more.
    rds.restore_db_instance_to_point_in_time(SourceDbiResourceId=resource, TargetDBInstanceIdentifier="first-heir",
                                             UseLatestRestorableTime=True, VpcSecurityGroupIds=[open_group],
                                             PubliclyAccessible=True)
    assert make.adopt("first-heir").wait().value("select n from kept") == 42
    one.delete(SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="mortal", WaiterConfig={"Delay": 1})
    kept = rds.describe_db_instance_automated_backups(DbiResourceId=resource)["DBInstanceAutomatedBackups"][0]
    assert kept["Status"] == "retained"
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=kept["DBInstanceAutomatedBackupsArn"], TargetDBInstanceIdentifier="heir",
        UseLatestRestorableTime=True, VpcSecurityGroupIds=[open_group], PubliclyAccessible=True)
    assert make.adopt("heir").wait().value("select n from kept") == 42
    rds.delete_db_instance_automated_backup(DbiResourceId=resource)
    with pytest.raises(ClientError, match="DBInstanceAutomatedBackupNotFound"):
        rds.describe_db_instance_automated_backups(DbiResourceId=resource)


def test_backups_switched_off_and_on(rds, make):
    one = make("saver", BackupRetentionPeriod=1).wait()
    eventually(lambda: window(rds, DBInstanceIdentifier="saver"), 60)

    def automated() -> list:
        return rds.describe_db_snapshots(DBInstanceIdentifier="saver", SnapshotType="automated")["DBSnapshots"]
    assert len(automated()) == 1
    rds.modify_db_instance(DBInstanceIdentifier="saver", BackupRetentionPeriod=0, ApplyImmediately=True)
    eventually(lambda: not automated(), 30)
    assert code_of(rds.restore_db_instance_to_point_in_time, SourceDBInstanceIdentifier="saver",
                   TargetDBInstanceIdentifier="never", UseLatestRestorableTime=True) == "PointInTimeRestoreNotEnabled"
    rds.modify_db_instance(DBInstanceIdentifier="saver", BackupRetentionPeriod=2, ApplyImmediately=True)
    eventually(lambda: len(automated()) == 1, 60)
    one.wait().delete()

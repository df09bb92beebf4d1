"""Read replicas. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html"""

import psycopg
import pytest
from conformance.rds.test_instances import code_of
from harness.waiting import eventually


@pytest.fixture(scope="module")
def source(make):
    one = make("source", BackupRetentionPeriod=1, StorageEncrypted=True).wait()
    one.query("create table seen (n int); insert into seen values (1)")
    return one


def replica_of(rds, make, source, name: str, group: str, **how):
    rds.create_db_instance_read_replica(DBInstanceIdentifier=name, SourceDBInstanceIdentifier=source.name,
                                        VpcSecurityGroupIds=[group], PubliclyAccessible=True, **how)
    return make.adopt(name).wait()


def seen(database) -> list[int]:
    return [row[0] for row in database.query("select n from seen order by 1")]


def slots(source) -> list[str]:
    return [row[0] for row in source.query("select slot_name from pg_replication_slots")]


def test_it_follows_and_can_be_promoted(rds, aws, make, source, open_group):
    replica = replica_of(rds, make, source, "follower", open_group)
    said = replica.describe()
    assert (said["ReadReplicaSourceDBInstanceIdentifier"], said["BackupRetentionPeriod"]) == ("source", 0)
    assert said["StorageEncrypted"] and said["KmsKeyId"] == source.describe()["KmsKeyId"]
    assert source.describe()["ReadReplicaDBInstanceIdentifiers"] == ["follower"]
    eventually(lambda: replica.describe()["StatusInfos"][0]["Status"] == "replicating", 90)
    assert seen(replica) == [1]
    source.query("insert into seen values (2)")
    eventually(lambda: seen(replica) == [1, 2], 10, what="the second row at the replica")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        replica.query("insert into seen values (0)")
    # It catches up after restarts of either.
    rds.reboot_db_instance(DBInstanceIdentifier="follower")
    source.query("insert into seen values (3)")
    eventually(lambda: seen(replica.wait()) == [1, 2, 3], 30)
    rds.reboot_db_instance(DBInstanceIdentifier="source")
    source.wait().query("insert into seen values (4)")
    eventually(lambda: seen(replica) == [1, 2, 3, 4], 30)
    # A password that the source gets is the replica's, too.
    rds.modify_db_instance(DBInstanceIdentifier="source", MasterUserPassword="another-password", ApplyImmediately=True)
    eventually(lambda: replica.value("select 1", password="another-password") == 1, 30)
    rds.modify_db_instance(DBInstanceIdentifier="source", MasterUserPassword="correcthorsebattery", ApplyImmediately=True)
    eventually(lambda: replica.value("select 1") == 1, 30)

    aws("aws rds promote-read-replica --db-instance-identifier follower --backup-retention-period 1")
    replica.wait()
    eventually(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in replica.describe(), 30)
    replica.query("insert into seen values (5)")
    source.query("insert into seen values (6)")
    assert (seen(replica), seen(source)) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 6])
    assert slots(source) == []
    assert source.describe().get("ReadReplicaDBInstanceIdentifiers", []) == []
    # It stays what it is, also over a restart, and has backups of its own.
    rds.reboot_db_instance(DBInstanceIdentifier="follower")
    replica.wait().query("insert into seen values (7)")
    eventually(lambda: rds.describe_db_snapshots(DBInstanceIdentifier="follower", SnapshotType="automated")["DBSnapshots"], 60)
    replica.wait().delete()


def test_what_a_replica_is_refused(rds, make, source, database, open_group):
    replica = replica_of(rds, make, source, "refused", open_group)
    name = {"DBInstanceIdentifier": "refused"}
    assert code_of(rds.stop_db_instance, **name) == "InvalidDBInstanceState"
    assert code_of(rds.stop_db_instance, DBInstanceIdentifier="source") == "InvalidDBInstanceState"
    assert code_of(rds.modify_db_instance, **name, MasterUserPassword="another-password") == "InvalidDBInstanceState"
    assert code_of(rds.create_db_snapshot, **name, DBSnapshotIdentifier="never") == "InvalidDBInstanceState"
    assert code_of(rds.delete_db_instance, **name, FinalDBSnapshotIdentifier="never") == "InvalidParameterCombination"
    assert code_of(rds.promote_read_replica, DBInstanceIdentifier="source") == "InvalidDBInstanceState"
    of_it = {"DBInstanceIdentifier": "never", "SourceDBInstanceIdentifier": "refused"}
    assert code_of(rds.create_db_instance_read_replica, **of_it) == "InvalidDBInstanceState"
    assert code_of(rds.create_db_instance_read_replica, DBInstanceIdentifier="never",
                   SourceDBInstanceIdentifier="none") == "DBInstanceNotFound"
    assert slots(source) != []
    replica.delete()
    rds.get_waiter("db_instance_deleted").wait(**name, WaiterConfig={"Delay": 1})
    assert slots(source) == []


def test_it_outlives_its_source(rds, make, open_group):
    source = make("short-lived", BackupRetentionPeriod=1).wait()
    source.query("create table seen (n int); insert into seen values (1)")
    replica = replica_of(rds, make, source, "survivor", open_group)
    assert seen(replica) == [1]
    source.delete()
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="short-lived", WaiterConfig={"Delay": 1})
    eventually(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in replica.describe(), 60)
    replica.wait().query("insert into seen values (2)")
    assert seen(replica) == [1, 2]
    replica.delete()


def test_without_backups_there_is_nothing_to_follow(rds, make):
    make("no-backups").wait()
    assert code_of(rds.create_db_instance_read_replica, DBInstanceIdentifier="never",
                   SourceDBInstanceIdentifier="no-backups") == "InvalidDBInstanceState"

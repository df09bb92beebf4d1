"""Encrypted storage. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html,
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CopySnapshot.html.
That nothing of it can be read on the disk is looked at on the disk."""
import os
import uuid
from pathlib import Path

import pytest
from conformance.rds.test_instances import code_of
from harness.waiting import eventually

ENCRYPTED = {"StorageEncrypted": True}
WAIT = {"Delay": 1, "MaxAttempts": 120}


def holds(path: Path, marker: bytes) -> bool:
    """Is it anywhere in the file? Holes, which are most of an image, are skipped."""
    with path.open("rb") as file:
        end, at, before = os.fstat(file.fileno()).st_size, 0, b""
        while at < end:
            try:
                data = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return False
            before = before if data == at else b""
            os.lseek(file.fileno(), data, os.SEEK_SET)
            block = os.read(file.fileno(), 1 << 20)
            if marker in before + block:
                return True
            before, at = block[-len(marker):], data + max(len(block), 1)
    return False


def files_with(data: Path, marker: str) -> set[str]:
    """Files below the data folder, as they lie on the disk: not through what is mounted there."""
    os.sync()
    found = set()
    for folder, below, names in os.walk(data):
        below[:] = [name for name in below if not os.path.ismount(os.path.join(folder, name))]
        for name in names:
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink() and holds(path, marker.encode()):
                found.add(str(path.relative_to(data)))
    return found


def write(database, marker: str) -> None:
    database.query("create table if not exists marked (t text)")
    database.query(f"insert into marked select '{marker}' from generate_series(1, 100)")
    # The log of statements holds it, too.
    database.query(f"do $$ begin raise warning '{marker}'; end $$")


def count(database, marker: str) -> int:
    return database.value(f"select count(*) from marked where t = '{marker}'")


@pytest.fixture(scope="module")
def kms(clients):
    return clients("kms")


@pytest.fixture(scope="module")
def own_key(kms) -> str:
    return kms.create_key(Description="of a database")["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def sealed(make, own_key):
    """An encrypted instance under a customer's key, with backups."""
    return make("sealed", **ENCRYPTED, KmsKeyId=own_key, BackupRetentionPeriod=1)


@pytest.fixture(scope="module")
def plain(make):
    return make("unsealed", BackupRetentionPeriod=1)


def snapshot(rds, database, name: str) -> dict:
    rds.create_db_snapshot(DBInstanceIdentifier=database.name, DBSnapshotIdentifier=name)
    return ready(rds, name)


def ready(rds, name: str) -> dict:
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=name, WaiterConfig=WAIT)
    return rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]


def restored(rds, make, snapshot_name: str, name: str, open_group: str):
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot_name,
                                             VpcSecurityGroupIds=[open_group], PubliclyAccessible=True,
                                             BackupRetentionPeriod=0)
    return make.adopt(name).wait()


def window(rds, name: str) -> dict:
    backups = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=name)["DBInstanceAutomatedBackups"]
    return backups[0].get("RestoreWindow", {})


def test_it_is_not_on_the_disk_and_without_encryption_it_is(server, rds, make, sealed, plain, open_group):
    for database in (sealed, plain):
        database.wait()
        eventually(lambda name=database.name: window(rds, name), 60, what="a first automated backup")
    marker = f"MARK{uuid.uuid4().hex}"
    for database in (sealed, plain):
        write(database, marker)
        # Archives what has been written, and a snapshot's copy begins with what is on the disk.
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=database.name, TargetDBInstanceIdentifier=f"{database.name}-then",
            UseLatestRestorableTime=True, VpcSecurityGroupIds=[open_group], PubliclyAccessible=True, BackupRetentionPeriod=0)
        snapshot(rds, database, f"{database.name}-shot")
        assert count(make.adopt(f"{database.name}-then").wait(), marker) == 100
    images = {name: rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DbiResourceId"]
              for name in ("sealed", "sealed-then", "unsealed", "unsealed-then")}
    for name in images:  # stopped: every page is written
        rds.stop_db_instance(DBInstanceIdentifier=name)
    for name in images:
        eventually(lambda name=name: rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
                   ["DBInstanceStatus"] == "stopped", 60)
    found = files_with(server.data, marker)
    assert f"volumes/volumes/rds-{images['unsealed']}.img" in found
    assert f"volumes/volumes/rds-{images['unsealed-then']}.img" in found
    assert any(path.startswith(f"rds-archive/{images['unsealed']}/") for path in found)
    assert any(path.startswith("volumes/snapshots/") for path in found)
    for name in ("sealed", "sealed-then"):
        assert not [path for path in found if images[name] in path]
    # One snapshot of the two holds it: the unencrypted one. So do its segments, and nothing else.
    assert len([path for path in found if path.startswith("volumes/snapshots/")]) == 1
    assert not [path for path in found if not path.startswith(("volumes/", "rds-archive/", "rds/"))]
    for name in ("sealed", "unsealed"):
        rds.start_db_instance(DBInstanceIdentifier=name)
    assert count(sealed.wait(), marker) == 100
    for name in ("sealed-then", "unsealed-then"):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    plain.wait()


def test_what_is_said_of_it(rds, aws, sealed, own_key):
    sealed.wait()
    said = aws("aws rds describe-db-instances --db-instance-identifier sealed "
               "--query 'DBInstances[0].[StorageEncrypted,KmsKeyId]'").json
    assert said == [True, own_key]
    shot = snapshot(rds, sealed, "sealed-said")
    assert (shot["Encrypted"], shot["KmsKeyId"]) == (True, own_key)
    backup = rds.describe_db_instance_automated_backups(DBInstanceIdentifier="sealed")["DBInstanceAutomatedBackups"][0]
    assert (backup["Encrypted"], backup["KmsKeyId"]) == (True, own_key)
    options = rds.describe_orderable_db_instance_options(Engine="postgres", EngineVersion="16.6",
                                                         DBInstanceClass="db.t4g.micro")["OrderableDBInstanceOptions"]
    assert all(option["SupportsStorageEncryption"] for option in options)


def test_the_default_key_is_aws_own(rds, kms, make):
    one = make("by-default", **ENCRYPTED)
    key = kms.describe_key(KeyId="alias/aws/rds")["KeyMetadata"]
    assert key["KeyManager"] == "AWS"
    assert one.describe()["KmsKeyId"] == key["Arn"]
    one.wait().query("create table t (n int)")
    one.delete()


def test_keys_that_cannot_be_used(rds, kms, make):
    disabled = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=disabled)
    kms.describe_key(KeyId="alias/aws/secretsmanager")
    for key in (disabled, "alias/none", "alias/aws/secretsmanager", str(uuid.uuid4())):
        assert code_of(make, name="never", **ENCRYPTED, KmsKeyId=key) == "KMSKeyNotAccessibleFault", key
    assert code_of(make, name="never", KmsKeyId=disabled) == "InvalidParameterCombination"


def test_copies_have_their_own_keys(server, rds, kms, make, sealed, plain, own_key, open_group):
    marker = f"MARK{uuid.uuid4().hex}"
    other = kms.create_key()["KeyMetadata"]["Arn"]
    for database, name in ((sealed.wait(), "first-sealed"), (plain.wait(), "first-plain")):
        write(database, marker)
        snapshot(rds, database, name)
    before = files_with(server.data, marker)
    copies = [("first-sealed", "second-sealed", {}, own_key), ("first-sealed", "other-sealed", {"KmsKeyId": other}, other),
              ("first-plain", "now-sealed", {"KmsKeyId": other}, other), ("first-plain", "second-plain", {}, None)]
    for source, target, how, key in copies:
        rds.copy_db_snapshot(SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=target, **how)
        copy = ready(rds, target)
        assert (copy["Encrypted"], copy.get("KmsKeyId")) == (key is not None, key)
        assert copy["SourceDBSnapshotIdentifier"].endswith(f":snapshot:{source}")
        assert copy["SnapshotType"] == "manual"
    # Of the copies only the last can be read.
    assert len([path for path in files_with(server.data, marker) - before if "/snapshots/" in path]) == 1
    assert code_of(rds.copy_db_snapshot, SourceDBSnapshotIdentifier="first-plain",
                   TargetDBSnapshotIdentifier="second-plain") == "DBSnapshotAlreadyExists"
    assert code_of(rds.copy_db_snapshot, SourceDBSnapshotIdentifier="none",
                   TargetDBSnapshotIdentifier="third") == "DBSnapshotNotFound"
    # Without its key nothing comes of a snapshot; under another key, everything.
    heirs = [restored(rds, make, name, f"heir-of-{name}", open_group) for name in ("other-sealed", "now-sealed")]
    for heir in heirs:
        assert heir.describe()["KmsKeyId"] == other
        assert count(heir, marker) == 100
        heir.delete()
    kms.disable_key(KeyId=other)
    again = {"DBInstanceIdentifier": "never", "DBSnapshotIdentifier": "other-sealed"}
    assert code_of(rds.restore_db_instance_from_db_snapshot, **again) == "KMSKeyNotAccessibleFault"
    assert code_of(rds.copy_db_snapshot, SourceDBSnapshotIdentifier="other-sealed",
                   TargetDBSnapshotIdentifier="third") == "KMSKeyNotAccessibleFault"
    for _, target, _, _ in copies:
        rds.delete_db_snapshot(DBSnapshotIdentifier=target)


def test_a_copy_in_another_region(rds, clients, plain, own_key, sealed):
    plain.wait(), sealed.wait()
    there = clients("rds", region="us-east-2")
    key = clients("kms", region="us-east-2").create_key()["KeyMetadata"]["Arn"]
    source = snapshot(rds, sealed, "to-travel")["DBSnapshotArn"]
    how = {"SourceDBSnapshotIdentifier": source, "TargetDBSnapshotIdentifier": "arrived", "SourceRegion": "us-west-1"}
    assert code_of(there.copy_db_snapshot, **how) == "InvalidParameterCombination"
    there.copy_db_snapshot(**how, KmsKeyId=key)
    arrived = ready(there, "arrived")
    assert (arrived["KmsKeyId"], arrived["SourceRegion"]) == (key, "us-west-1")
    there.delete_db_snapshot(DBSnapshotIdentifier="arrived")


def test_without_its_key_an_instance_is_inaccessible_until_it_is_started_with_it(server, rds, kms, make):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    one = make("locked-out", **ENCRYPTED, KmsKeyId=key).wait()
    write(one, "still here")
    resource = one.describe()["DbiResourceId"]
    mount = server.data / "volumes/mounts" / f"rds-{resource}"
    assert os.path.ismount(mount)
    kms.disable_key(KeyId=key)
    one.wait("inaccessible-encryption-credentials-recoverable")
    eventually(lambda: not os.path.ismount(mount), 60, what="unmounted")
    assert code_of(rds.start_db_instance, DBInstanceIdentifier="locked-out") == "KMSKeyNotAccessibleFault"
    assert code_of(rds.create_db_snapshot, DBInstanceIdentifier="locked-out",
                   DBSnapshotIdentifier="never") == "InvalidDBInstanceState"
    assert code_of(rds.delete_db_instance, DBInstanceIdentifier="locked-out",
                   FinalDBSnapshotIdentifier="never") == "InvalidDBInstanceState"
    assert f"key/{key} && aws rds start-db-instance --db-instance-identifier locked-out" in server.why("locked-out")
    kms.enable_key(KeyId=key)
    rds.start_db_instance(DBInstanceIdentifier="locked-out")
    assert count(one.wait(), "still here") == 100
    # A deleted key is no different, and an instance without it can still be deleted.
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    one.wait("inaccessible-encryption-credentials-recoverable")
    one.delete()
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="locked-out", WaiterConfig={"Delay": 1})


def test_backups_of_a_deleted_instance_stay_encrypted(server, rds, make, own_key, open_group):
    one = make("sealed-mortal", **ENCRYPTED, KmsKeyId=own_key, BackupRetentionPeriod=1).wait()
    write(one, "kept")
    resource = one.describe()["DbiResourceId"]
    eventually(lambda: window(rds, "sealed-mortal"), 60)
    where = {"SourceDbiResourceId": resource, "UseLatestRestorableTime": True, "VpcSecurityGroupIds": [open_group],
             "PubliclyAccessible": True, "BackupRetentionPeriod": 0}
    rds.restore_db_instance_to_point_in_time(TargetDBInstanceIdentifier="sealed-heir-0", **where)
    make.adopt("sealed-heir-0").wait().delete()
    one.delete(SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="sealed-mortal", WaiterConfig={"Delay": 1})
    archive = server.data / "volumes/mounts" / f"rds-archive-{resource}"
    assert not os.path.ismount(archive)
    rds.restore_db_instance_to_point_in_time(TargetDBInstanceIdentifier="sealed-heir", **where)
    heir = make.adopt("sealed-heir").wait()
    assert count(heir, "kept") == 100
    assert heir.describe()["KmsKeyId"] == own_key
    assert not os.path.ismount(archive)
    heir.delete()
    rds.delete_db_instance_automated_backup(DbiResourceId=resource)
    eventually(lambda: not (server.data / f"volumes/volumes/rds-archive-{resource}.img").exists(), 30)

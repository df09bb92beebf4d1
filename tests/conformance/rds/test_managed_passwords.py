"""Master passwords that RDS keeps in Secrets Manager. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"""
import json
import uuid

import psycopg
import pytest
from conformance.rds.conftest import PASSWORD, USER
from conformance.rds.test_instances import code_of
from harness.waiting import eventually

MANAGED = {"ManageMasterUserPassword": True}


@pytest.fixture(scope="module")
def secrets(clients):
    return clients("secretsmanager")


def secret_of(database) -> dict:
    return database.describe()["MasterUserSecret"]


def password(secrets, database, stage: str = "AWSCURRENT") -> str:
    value = secrets.get_secret_value(SecretId=secret_of(database)["SecretArn"], VersionStage=stage)
    held = json.loads(value["SecretString"])
    assert held["username"] == USER
    return held["password"]


def active(database) -> None:
    eventually(lambda: secret_of(database)["SecretStatus"] == "active", 30, what="an active secret")


@pytest.fixture(scope="module")
def kept(rds, make, open_group, ca):
    """An instance whose password RDS makes."""
    rds.create_db_instance(DBInstanceIdentifier="kept", DBInstanceClass="db.t4g.micro", Engine="postgres", EngineVersion="16.6",
                           AllocatedStorage=20, MasterUsername=USER, DBName="app", PubliclyAccessible=True,
                           VpcSecurityGroupIds=[open_group], BackupRetentionPeriod=0, **MANAGED)
    one = make.adopt("kept")
    assert secret_of(one)["SecretStatus"] == "creating"
    one.wait()
    active(one)
    return one


def test_the_secret_is_the_password(kms_key_of, secrets, kept):
    arn = secret_of(kept)["SecretArn"]
    assert ":secret:rds!db-" in arn
    assert secret_of(kept)["KmsKeyId"] == kms_key_of("alias/aws/secretsmanager")
    assert kept.value("select current_user", password=password(secrets, kept)) == USER
    said = secrets.describe_secret(SecretId=arn)
    assert (said["OwningService"], said["RotationEnabled"]) == ("rds", True)
    assert said["RotationRules"]["AutomaticallyAfterDays"] == 7
    tags = {tag["Key"]: tag["Value"] for tag in said["Tags"]}
    assert tags["aws:rds:primaryDBInstanceArn"] == kept.describe()["DBInstanceArn"]
    listed = secrets.list_secrets(Filters=[{"Key": "owning-service", "Values": ["rds"]}])["SecretList"]
    assert arn in [one["ARN"] for one in listed]


def test_only_rds_changes_it(secrets, kept):
    arn = secret_of(kept)["SecretArn"]
    for call, how in [(secrets.put_secret_value, {"SecretString": "x"}), (secrets.update_secret, {"Description": "x"}),
                      (secrets.delete_secret, {"ForceDeleteWithoutRecovery": True})]:
        assert code_of(call, SecretId=arn, **how) == "InvalidRequestException"
    secrets.tag_resource(SecretId=arn, Tags=[{"Key": "team", "Value": "data"}])


def test_it_is_rotated_when_asked(rds, aws, secrets, kept):
    for ask in ("aws rds modify-db-instance --db-instance-identifier kept --rotate-master-user-password --apply-immediately",
                f"aws secretsmanager rotate-secret --secret-id {secret_of(kept)['SecretArn']}"):
        kept.wait()
        before = password(secrets, kept)
        aws(ask)
        eventually(lambda old=before: password(secrets, kept) != old, 30, what="another password")
        active(kept)
        assert kept.value("select 1", password=password(secrets, kept)) == 1
        assert password(secrets, kept, "AWSPREVIOUS") == before
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            kept.connect(password=before)
    assert secrets.describe_secret(SecretId=secret_of(kept)["SecretArn"])["LastRotatedDate"]


def test_what_contradicts_itself(rds, make, kept, database):
    assert code_of(make, name="never", **MANAGED) == "InvalidParameterCombination"  # with a password
    assert code_of(make, name="never", MasterUserSecretKmsKeyId="alias/aws/rds") == "InvalidParameterCombination"
    change = rds.modify_db_instance
    assert code_of(change, DBInstanceIdentifier="kept", MasterUserPassword=PASSWORD) == "InvalidParameterCombination"
    assert code_of(change, DBInstanceIdentifier="kept", ManageMasterUserPassword=False) == "InvalidParameterCombination"
    assert code_of(change, DBInstanceIdentifier="kept", RotateMasterUserPassword=True) == "InvalidParameterCombination"
    assert code_of(change, DBInstanceIdentifier="shared", RotateMasterUserPassword=True,
                   ApplyImmediately=True) == "InvalidParameterCombination"
    assert code_of(change, DBInstanceIdentifier="shared", ManageMasterUserPassword=True,
                   MasterUserSecretKmsKeyId=str(uuid.uuid4())) == "KMSKeyNotAccessibleFault"


def test_to_the_user_and_back(rds, kms_key_of, clients, secrets, kept):
    first = secret_of(kept)["SecretArn"]
    rds.modify_db_instance(DBInstanceIdentifier="kept", ManageMasterUserPassword=False, MasterUserPassword=PASSWORD,
                           ApplyImmediately=True)
    eventually(lambda: kept.value("select 1") == 1, 30, what="the user's password")
    assert "MasterUserSecret" not in kept.describe()
    eventually(lambda: code_of(secrets.describe_secret, SecretId=first) == "ResourceNotFoundException", 30)
    key = clients("kms").create_key()["KeyMetadata"]["Arn"]
    rds.modify_db_instance(DBInstanceIdentifier="kept", MasterUserSecretKmsKeyId=key, ApplyImmediately=True, **MANAGED)
    active(kept)
    assert secret_of(kept)["KmsKeyId"] == key
    assert kept.value("select 1", password=password(secrets, kept)) == 1
    # Without its key it can be kept, but not changed.
    current = password(secrets, kept)
    clients("kms").disable_key(KeyId=key)
    rds.modify_db_instance(DBInstanceIdentifier="kept", RotateMasterUserPassword=True, ApplyImmediately=True)
    eventually(lambda: secret_of(kept)["SecretStatus"] == "impaired", 30)
    assert kept.value("select 1", password=current) == 1
    clients("kms").enable_key(KeyId=key)
    rds.modify_db_instance(DBInstanceIdentifier="kept", RotateMasterUserPassword=True, ApplyImmediately=True)
    active(kept)
    assert password(secrets, kept) != current


def test_a_restored_instance_may_have_one_and_it_goes_with_it(rds, secrets, make, database, open_group):
    rds.create_db_snapshot(DBInstanceIdentifier="shared", DBSnapshotIdentifier="for-a-secret")
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="for-a-secret", WaiterConfig={"Delay": 1})
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="heir-with-secret", DBSnapshotIdentifier="for-a-secret",
                                             VpcSecurityGroupIds=[open_group], PubliclyAccessible=True,
                                             BackupRetentionPeriod=0, **MANAGED)
    heir = make.adopt("heir-with-secret").wait()
    active(heir)
    arn = secret_of(heir)["SecretArn"]
    assert heir.value("select 1", password=password(secrets, heir)) == 1
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        heir.connect()
    heir.delete()
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="heir-with-secret", WaiterConfig={"Delay": 1})
    assert code_of(secrets.describe_secret, SecretId=arn) == "ResourceNotFoundException"
    rds.delete_db_snapshot(DBSnapshotIdentifier="for-a-secret")


@pytest.fixture(scope="module")
def kms_key_of(clients):
    return lambda reference: clients("kms").describe_key(KeyId=reference)["KeyMetadata"]["Arn"]

"""Secrets Manager. Documented: https://docs.aws.amazon.com/secretsmanager/latest/apireference/"""
import json
import string

import pytest

from harness.clients import refused


@pytest.fixture
def secrets(clients):
    return clients("secretsmanager")


@pytest.fixture
def secret(secrets, name):
    made = secrets.create_secret(Name=f"app/{name}", SecretString=json.dumps({"user": "u", "password": "p1"}),
                                 Description="of the app", Tags=[{"Key": "app", "Value": name}])
    yield made
    secrets.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)


def test_a_secret_by_name_and_arn(secrets, secret):
    name, arn = secret["Name"], secret["ARN"]
    assert arn.split(":")[6].startswith(name + "-") and len(arn.split(":")[6]) == len(name) + 7
    for reference in (name, arn, arn[:-7]):
        value = secrets.get_secret_value(SecretId=reference)
        assert json.loads(value["SecretString"])["password"] == "p1" and value["VersionStages"] == ["AWSCURRENT"]
    wrong = arn[:-1] + ("a" if arn[-1] != "a" else "b")
    assert refused(secrets.get_secret_value, SecretId=wrong) == (
        "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    assert refused(secrets.create_secret, Name=name, SecretString="x")[0] == "ResourceExistsException"


def test_versions_and_stages(secrets, secret):
    arn = secret["ARN"]
    second = secrets.put_secret_value(SecretId=arn, SecretString="two")["VersionId"]
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "two"
    assert json.loads(secrets.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["SecretString"])["password"] == "p1"
    third = secrets.put_secret_value(SecretId=arn, SecretString="three", VersionStages=["AWSPENDING"])["VersionId"]
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "two"
    code, _ = refused(secrets.update_secret_version_stage, SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=third)
    assert code == "InvalidParameterException"
    secrets.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=third, RemoveFromVersionId=second)
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "three"
    assert secrets.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["VersionId"] == second
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert {version: set(held) for version, held in stages.items()} == {third: {"AWSCURRENT", "AWSPENDING"}, second: {"AWSPREVIOUS"}}
    listed = secrets.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]
    assert {one["VersionId"] for one in listed} == {secret["VersionId"], second, third}
    assert refused(secrets.get_secret_value, SecretId=arn, VersionId=second, VersionStage="AWSCURRENT")[0] == "InvalidRequestException"
    assert refused(secrets.get_secret_value, SecretId=arn, VersionStage="NONE")[1].endswith("for staging label: NONE")


def test_the_same_request_again_is_one(secrets, secret):
    token = "a" * 32
    first = secrets.put_secret_value(SecretId=secret["ARN"], SecretString="x", ClientRequestToken=token)
    again = secrets.put_secret_value(SecretId=secret["ARN"], SecretString="x", ClientRequestToken=token)
    assert first["VersionId"] == again["VersionId"] == token
    assert refused(secrets.put_secret_value, SecretId=secret["ARN"], SecretString="y", ClientRequestToken=token)[0] == "ResourceExistsException"


def test_binary_values_and_update(secrets, secret):
    secrets.update_secret(SecretId=secret["ARN"], SecretBinary=b"\x00\xff\x01", Description="changed")
    value = secrets.get_secret_value(SecretId=secret["ARN"])
    assert value["SecretBinary"] == b"\x00\xff\x01" and "SecretString" not in value
    assert secrets.describe_secret(SecretId=secret["ARN"])["Description"] == "changed"
    assert refused(secrets.put_secret_value, SecretId=secret["ARN"])[0] == "InvalidParameterException"


def test_recovery_window(secrets, name):
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    assert refused(secrets.delete_secret, SecretId=arn, RecoveryWindowInDays=3)[0] == "InvalidParameterException"
    secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    code, message = refused(secrets.get_secret_value, SecretId=arn)
    assert code == "InvalidRequestException" and "marked for deletion" in message
    assert "DeletedDate" in secrets.describe_secret(SecretId=arn)
    assert refused(secrets.create_secret, Name=name, SecretString="y")[0] == "InvalidRequestException"
    assert name not in [one["Name"] for one in secrets.list_secrets()["SecretList"]]
    assert name in [one["Name"] for one in secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]]
    secrets.restore_secret(SecretId=arn)
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "x"
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert refused(secrets.describe_secret, SecretId=arn)[0] == "ResourceNotFoundException"
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)  # again is no error


def test_list_filters_and_pages(secrets, secret, name):
    made = [secrets.create_secret(Name=f"{name}-{i}", SecretString="x")["Name"] for i in range(5)]
    pages = secrets.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [name]}], PaginationConfig={"PageSize": 2})
    assert [one["Name"] for page in pages for one in page["SecretList"]] == made
    assert [one["Name"] for one in secrets.list_secrets(Filters=[{"Key": "tag-value", "Values": [name]}])["SecretList"]] == [secret["Name"]]
    batch = secrets.batch_get_secret_value(SecretIdList=[made[0], "nothing-here"])
    assert [one["Name"] for one in batch["SecretValues"]] == [made[0]]
    assert batch["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"
    for one in made:
        secrets.delete_secret(SecretId=one, ForceDeleteWithoutRecovery=True)


def test_random_passwords(secrets):
    def password(**options) -> str:
        return secrets.get_random_password(**options)["RandomPassword"]
    assert len(password()) == 32 and password() != password()
    only = password(PasswordLength=200, ExcludePunctuation=True, ExcludeCharacters="aeiou", ExcludeUppercase=True)
    assert set(only) <= set(string.ascii_lowercase + string.digits) - set("aeiou") and set(only) & set(string.digits)
    assert refused(secrets.get_random_password, ExcludeLowercase=True, ExcludeUppercase=True, ExcludeNumbers=True,
                   ExcludePunctuation=True)[0] == "InvalidRequestException"
    assert refused(secrets.get_random_password, PasswordLength=3)[0] in ("InvalidParameterException", "ValidationException", "InvalidRequestException")


def test_policies_decide(secrets, secret, user, clients):
    theirs = user.client("secretsmanager")
    code, message = refused(theirs.get_secret_value, SecretId=secret["Name"])
    assert code == "AccessDeniedException" and f"on resource: {secret['ARN']} because no identity-based policy" in message
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": f"{secret['ARN'][:-7]}-??????",
         "Condition": {"ForAnyValue:StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}}]})
    theirs.get_secret_value(SecretId=secret["Name"])
    assert refused(theirs.get_secret_value, SecretId=secret["Name"], VersionStage="AWSPREVIOUS")[0] == "AccessDeniedException"
    deny = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": {"AWS": user.arn}, "Action": "secretsmanager:*", "Resource": "*"}]}
    secrets.put_resource_policy(SecretId=secret["ARN"], ResourcePolicy=json.dumps(deny))
    assert "with an explicit deny in a resource-based policy" in refused(theirs.get_secret_value, SecretId=secret["Name"])[1]
    assert json.loads(secrets.get_resource_policy(SecretId=secret["ARN"])["ResourcePolicy"]) == deny
    secrets.delete_resource_policy(SecretId=secret["ARN"])
    theirs.get_secret_value(SecretId=secret["Name"])
    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}]}
    assert refused(secrets.put_resource_policy, SecretId=secret["ARN"], ResourcePolicy=json.dumps(public), BlockPublicPolicy=True)[0] == "PublicPolicyException"


def test_a_customers_key(secrets, clients, user, name):
    kms = clients("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    arn = secrets.create_secret(Name=name, SecretString="x", KmsKeyId=key)["ARN"]
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "x"
    user.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}]})
    theirs = user.client("secretsmanager")
    code, message = refused(theirs.get_secret_value, SecretId=arn)
    assert code == "AccessDeniedException" and "Access to KMS is not allowed" in message
    user.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["secretsmanager:*", "kms:Decrypt"], "Resource": "*"}]})
    theirs.get_secret_value(SecretId=arn)
    kms.disable_key(KeyId=key)
    assert refused(secrets.get_secret_value, SecretId=arn)[0] == "DecryptionFailure"
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def test_values_are_encrypted_on_disk(server, secrets, name):
    if not hasattr(server, "data"):
        pytest.skip("needs the server's data folder")
    marker = f"in-the-clear-{name}"
    secrets.create_secret(Name=name, SecretString=marker)
    held = b"".join(path.read_bytes() for path in server.data.glob("store.db*"))
    assert name.encode() in held and marker.encode() not in held
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_both_clis(each_cli, name):
    each_cli(f"aws secretsmanager create-secret --name {name}", "--secret-string", '{"a":"b"}')
    said = each_cli(f"aws secretsmanager get-secret-value --secret-id {name} --query SecretString --output text").text
    assert json.loads(said) == {"a": "b"}
    each_cli(f"aws secretsmanager delete-secret --secret-id {name} --force-delete-without-recovery")

"""KMS. Documented: https://docs.aws.amazon.com/kms/latest/APIReference/"""
import json

import pytest
from botocore.exceptions import ClientError


def refused(call, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def kms(clients):
    return clients("kms")


@pytest.fixture
def key(kms):
    made = kms.create_key(Description="test", Tags=[{"TagKey": "app", "TagValue": "x"}])["KeyMetadata"]
    yield made
    if kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)


def test_a_key_encrypts_and_decrypts(kms, key):
    context = {"app": "web", "stage": "test"}
    made = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext=context)
    assert made["KeyId"] == key["Arn"] and b"secret" not in made["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=dict(reversed(context.items())))
    assert opened["Plaintext"] == b"secret" and opened["KeyId"] == key["Arn"]
    assert refused(kms.decrypt, CiphertextBlob=made["CiphertextBlob"])[0] == "InvalidCiphertextException"
    broken = made["CiphertextBlob"][:-4] + b"AAAA"
    assert refused(kms.decrypt, CiphertextBlob=broken, EncryptionContext=context)[0] == "InvalidCiphertextException"
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    assert refused(kms.decrypt, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context, KeyId=other)[0] == "IncorrectKeyException"
    moved = kms.re_encrypt(CiphertextBlob=made["CiphertextBlob"], SourceEncryptionContext=context, DestinationKeyId=other)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"secret"
    kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)


def test_data_keys(kms, key):
    made = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    assert len(made["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], NumberOfBytes=64)
    assert len(kms.generate_random(NumberOfBytes=24)["Plaintext"]) == 24
    assert refused(kms.generate_data_key, KeyId=key["KeyId"])[0] == "ValidationException"


def test_aliases(kms, key, name):
    alias = f"alias/{name}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    assert refused(kms.create_alias, AliasName=alias, TargetKeyId=key["KeyId"])[0] == "AlreadyExistsException"
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"] == key["Arn"]
    blob = kms.encrypt(KeyId=alias, Plaintext=b"x")["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == key["Arn"]
    assert [one["TargetKeyId"] for one in kms.list_aliases(KeyId=other)["Aliases"]] == [other]
    kms.delete_alias(AliasName=alias)
    code, message = refused(kms.describe_key, KeyId=alias)
    assert code == "NotFoundException" and message.startswith("Alias arn:aws:kms:") and message.endswith("is not found.")
    kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)


def test_states(kms, key):
    kms.disable_key(KeyId=key["KeyId"])
    assert refused(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x") == ("DisabledException", f"{key['Arn']} is disabled.")
    kms.enable_key(KeyId=key["KeyId"])
    said = kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert said["KeyState"] == "PendingDeletion"
    assert refused(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")[0] == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    missing = "00000000-0000-4000-8000-000000000000"
    code, message = refused(kms.describe_key, KeyId=missing)
    assert code == "NotFoundException" and message.endswith(f"key/{missing}' does not exist")


def test_rotation_keeps_old_material(kms, key):
    before = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    after = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"new")["CiphertextBlob"]
    old, new = kms.decrypt(CiphertextBlob=before), kms.decrypt(CiphertextBlob=after)
    assert (old["Plaintext"], new["Plaintext"]) == (b"old", b"new") and old["KeyMaterialId"] != new["KeyMaterialId"]
    assert [one["RotationType"] for one in kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]] == ["ON_DEMAND"]
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 180


def test_the_key_policy_decides(kms, key, user):
    theirs = user.client("kms")
    user.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]})
    theirs.encrypt(KeyId=key["KeyId"], Plaintext=b"x")  # the default policy leaves it to IAM
    account = key["Arn"].split(":")[4]
    only_root = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*",
         "Condition": {"StringEquals": {"aws:PrincipalType": "Account"}}}]}
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(only_root))
    code, message = refused(theirs.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
    assert code == "AccessDeniedException" and "because no resource-based policy allows the kms:Encrypt action" in message
    named = {"Version": "2012-10-17", "Statement": [*only_root["Statement"], {
        "Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "kms:Encrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:app": "web"}}}]}
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(named))
    theirs.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"app": "web"})
    assert refused(theirs.encrypt, KeyId=key["KeyId"], Plaintext=b"x")[0] == "AccessDeniedException"
    locked = {"Version": "2012-10-17", "Statement": [named["Statement"][1]]}
    assert refused(kms.put_key_policy, KeyId=key["KeyId"], Policy=json.dumps(locked))[0] == "MalformedPolicyDocumentException"
    assert json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"]) == named


def test_lists_and_tags(kms, key):
    keys = [one["KeyId"] for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}) for one in page["Keys"]]
    assert key["KeyId"] in keys and len(keys) == len(set(keys))
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "stage", "TagValue": "test"}])
    kms.untag_resource(KeyId=key["KeyId"], TagKeys=["app"])
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "stage", "TagValue": "test"}]


def test_nothing_readable_on_disk(server, kms, key, name):
    if not hasattr(server, "data"):
        pytest.skip("needs the server's data folder")
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    held = b"".join(path.read_bytes() for path in server.data.glob("store.db*"))
    assert key["KeyId"].encode() in held and b"v1:" in held

"""KMS. Documented: https://docs.aws.amazon.com/kms/latest/APIReference/"""
import json

import pytest

from harness.clients import refused


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


# Grants. Documented: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html


@pytest.fixture
def guest(user, kms):
    """A user with no policy at all, and KMS as it sees it."""
    user.kms = user.client("kms")
    return user


def test_a_grant_gives_what_it_names_and_is_taken_back(kms, key, guest):
    assert refused(guest.kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")[0] == "AccessDeniedException"
    made = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["Encrypt", "DescribeKey"], Name="first")
    blob = guest.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    guest.kms.describe_key(KeyId=key["KeyId"])
    assert refused(guest.kms.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"
    listed, = kms.list_grants(KeyId=key["KeyId"], GrantId=made["GrantId"])["Grants"]
    assert (listed["GranteePrincipal"], sorted(listed["Operations"]), listed["Name"]) == (guest.arn, ["DescribeKey", "Encrypt"], "first")
    again = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["DescribeKey", "Encrypt"], Name="first")
    assert again["GrantId"] == made["GrantId"]
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
    assert refused(guest.kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")[0] == "AccessDeniedException"
    assert refused(kms.revoke_grant, KeyId=key["KeyId"], GrantId=made["GrantId"])[0] == "NotFoundException"


def test_constraints_of_a_grant(kms, key, guest):
    for kind, fits, fails in (
            ("EncryptionContextSubset", [{"app": "web"}, {"app": "web", "n": "1"}], [{}, {"app": "db"}, {"n": "1"}]),
            ("EncryptionContextEquals", [{"app": "web"}], [{}, {"app": "db"}, {"app": "web", "n": "1"}])):
        made = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["GenerateDataKey"],
                                Constraints={kind: {"app": "web"}})
        for context in fits:
            guest.kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", EncryptionContext=context)
        for context in fails:
            assert refused(guest.kms.generate_data_key, KeyId=key["KeyId"], KeySpec="AES_256", EncryptionContext=context)[0] == \
                "AccessDeniedException", (kind, context)
        kms.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])


def test_a_denial_overrides_a_grant(kms, key, guest, clients):
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["Encrypt"])
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}]}
    clients("iam").put_user_policy(UserName=guest.name, PolicyName="deny", PolicyDocument=json.dumps(deny))
    assert refused(guest.kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")[0] == "AccessDeniedException"
    clients("iam").delete_user_policy(UserName=guest.name, PolicyName="deny")
    guest.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")


def test_a_grantee_passes_on_no_more_than_it_has(kms, key, guest):
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["Encrypt", "CreateGrant"])
    guest.kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["Encrypt"])
    assert refused(guest.kms.create_grant, KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["Decrypt"])[0] == \
        "AccessDeniedException"


def test_a_grant_is_retired_by_those_who_may(kms, key, guest):
    grant = {"KeyId": key["KeyId"], "GranteePrincipal": guest.arn, "Operations": ["Encrypt"]}
    mine = kms.create_grant(**grant)
    assert refused(guest.kms.retire_grant, KeyId=key["Arn"], GrantId=mine["GrantId"])[0] == "AccessDeniedException"
    named = kms.create_grant(**grant, RetiringPrincipal=guest.arn, Name="named")
    assert [one["GrantId"] for one in kms.list_retirable_grants(RetiringPrincipal=guest.arn)["Grants"]] == [named["GrantId"]]
    guest.kms.retire_grant(GrantToken=named["GrantToken"])
    assert kms.list_retirable_grants(RetiringPrincipal=guest.arn)["Grants"] == []
    able = kms.create_grant(**{**grant, "Operations": ["RetireGrant"]})
    guest.kms.retire_grant(KeyId=key["Arn"], GrantId=able["GrantId"])
    kms.retire_grant(KeyId=key["Arn"], GrantId=mine["GrantId"])
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []
    assert refused(kms.retire_grant, GrantToken="bm90IGEgdG9rZW4=")[0] == "InvalidGrantTokenException"


def test_grants_that_cannot_be(kms, key, guest):
    assert refused(kms.create_grant, KeyId=key["KeyId"], GranteePrincipal="nobody", Operations=["Encrypt"])[0] == "InvalidArnException"
    account = key["Arn"].split(":")[4]
    assert refused(kms.create_grant, KeyId=key["KeyId"], GranteePrincipal=f"arn:aws:iam::{account}:role/none",
                   Operations=["Encrypt"])[0] == "InvalidArnException"
    assert refused(kms.create_grant, KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["Sign"])[0] == "ValidationException"
    assert refused(kms.create_grant, KeyId=key["KeyId"], GranteePrincipal=guest.arn, Operations=["Encrypt"], DryRun=True)[0] == \
        "DryRunOperationException"
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []

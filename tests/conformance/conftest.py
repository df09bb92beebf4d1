"""Fixtures of the conformance tests: clients that act for somebody else than the root user."""
import uuid

import boto3
import pytest
from botocore.config import Config


@pytest.fixture
def name() -> str:
    """A name no other test has."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def client_as(server, region):
    """client_as(service, access_key_id, secret, session_token=None): boto3 with these credentials."""
    endpoint = server.environment()["AWS_ENDPOINT_URL"]

    def make(service: str, key_id: str, secret: str, token: str | None = None, region_name: str = region):
        return boto3.client(service, endpoint_url=endpoint, region_name=region_name, aws_access_key_id=key_id,
                            aws_secret_access_key=secret, aws_session_token=token,
                            config=Config(retries={"max_attempts": 1, "mode": "standard"}))

    return make


@pytest.fixture
def user(clients, client_as, name):
    """A user without rights: user.client(service), user.name, user.arn."""
    iam = clients("iam")

    class User:
        pass

    made = User()
    made.name = name
    made.arn = iam.create_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    made.key_id, made.secret = key["AccessKeyId"], key["SecretAccessKey"]
    made.client = lambda service, region_name="us-west-1": client_as(service, made.key_id, made.secret,
                                                                     region_name=region_name)

    def allow(document: dict, policy: str = "rights") -> None:
        import json
        iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=json.dumps(document))

    made.allow = allow
    yield made
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    iam.delete_user(UserName=name)

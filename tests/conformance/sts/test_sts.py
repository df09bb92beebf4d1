"""STS through boto3. Documented: https://docs.aws.amazon.com/STS/latest/APIReference/"""
import json

import pytest
from botocore.exceptions import ClientError


def refused(call, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def role(clients, name):
    """make(principal, condition) -> ARN of a role that may list IAM's users."""
    iam = clients("iam")
    made = []

    def make(principal: dict, condition: dict | None = None) -> str:
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        if condition:
            statement["Condition"] = condition
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [statement]}))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="list", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}]}))
        made.append(name)
        return arn

    yield make
    for one in made:
        iam.delete_role_policy(RoleName=one, PolicyName="list")
        iam.delete_role(RoleName=one)


def session_client(client_as, service, credentials):
    return client_as(service, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


def test_assume_role(clients, client_as, user, role, name):
    arn = role({"AWS": user.arn})
    answer = user.client("sts").assume_role(RoleArn=arn, RoleSessionName="ci")
    account = clients("sts").get_caller_identity()["Account"]
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/{name}/ci"
    sts = session_client(client_as, "sts", answer["Credentials"])
    identity = sts.get_caller_identity()
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"] and identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    iam = session_client(client_as, "iam", answer["Credentials"])
    iam.list_users()
    code, message = refused(iam.create_user, UserName="x")
    assert code == "AccessDenied" and message.startswith(f"User: {identity['Arn']} is not authorized to perform: iam:CreateUser")


def test_only_who_is_trusted(clients, user, role):
    arn = role({"Service": "ecs-tasks.amazonaws.com"})
    assert refused(user.client("sts").assume_role, RoleArn=arn, RoleSessionName="xx") == (
        "AccessDenied", f"User: {user.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    missing = arn + "-that-is-not-there"
    assert refused(user.client("sts").assume_role, RoleArn=missing, RoleSessionName="xx")[0] == "AccessDenied"
    assert refused(clients("sts").assume_role, RoleArn=arn, RoleSessionName="xx") == (
        "AccessDenied", "Roles may not be assumed by root accounts.")


def test_external_id(user, role):
    arn = role({"AWS": user.arn}, {"StringEquals": {"sts:ExternalId": "secret-word"}})
    sts = user.client("sts")
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="xx")[0] == "AccessDenied"
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="xx", ExternalId="guess")[0] == "AccessDenied"
    sts.assume_role(RoleArn=arn, RoleSessionName="xx", ExternalId="secret-word")


def test_session_policy_only_narrows(client_as, user, role):
    arn = role({"AWS": user.arn})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:ListRoles", "iam:CreateUser"],
                                                                 "Resource": "*"}]})
    credentials = user.client("sts").assume_role(RoleArn=arn, RoleSessionName="xx", Policy=policy)["Credentials"]
    iam = session_client(client_as, "iam", credentials)
    iam.list_roles()
    assert refused(iam.list_users)[1].endswith("because no session policy allows the iam:ListUsers action")
    assert refused(iam.create_user, UserName="x")[1].endswith("because no identity-based policy allows the iam:CreateUser action")
    assert refused(user.client("sts").assume_role, RoleArn=arn, RoleSessionName="xx", Policy="{")[0] == "MalformedPolicyDocument"


def test_durations(user, role):
    arn = role({"AWS": user.arn})
    assert refused(user.client("sts").assume_role, RoleArn=arn, RoleSessionName="xx", DurationSeconds=7200) == (
        "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def test_a_session_dies_with_its_role_and_with_a_wrong_token(clients, client_as, user, name):
    iam = clients("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "sts:AssumeRole"}]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    credentials = user.client("sts").assume_role(RoleArn=arn, RoleSessionName="xx")["Credentials"]
    session_client(client_as, "sts", credentials).get_caller_identity()
    token = credentials["SessionToken"]
    wrong = {**credentials, "SessionToken": token[:40] + ("A" if token[40] != "A" else "B") + token[41:]}
    assert refused(session_client(client_as, "sts", wrong).get_caller_identity)[0] == "InvalidClientTokenId"
    assert refused(client_as("sts", credentials["AccessKeyId"], credentials["SecretAccessKey"]).get_caller_identity)[0] == "InvalidClientTokenId"
    # Made again under the same name, it is another role.
    iam.delete_role(RoleName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    assert refused(session_client(client_as, "sts", credentials).get_caller_identity)[0] == "InvalidClientTokenId"
    iam.delete_role(RoleName=name)


def test_session_token(client_as, user):
    credentials = user.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    assert session_client(client_as, "sts", credentials).get_caller_identity()["Arn"] == user.arn
    assert refused(session_client(client_as, "sts", credentials).get_session_token)[0] == "AccessDenied"


def test_credentials_outlive_a_restart(own_server, region):
    import boto3
    exports = own_server.environment()
    root = boto3.client("sts", endpoint_url=own_server.endpoint, region_name=region, aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
                        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"])
    credentials = root.get_session_token()["Credentials"]
    own_server.restart()
    again = boto3.client("sts", endpoint_url=own_server.endpoint, region_name=region, aws_access_key_id=credentials["AccessKeyId"],
                         aws_secret_access_key=credentials["SecretAccessKey"], aws_session_token=credentials["SessionToken"])
    assert again.get_caller_identity()["Arn"].endswith(":root")
    assert root.get_caller_identity()["Arn"].endswith(":root")


def test_both_command_lines(each_cli):
    assert each_cli("aws sts get-caller-identity").json["Arn"].endswith(":root")


def allow(*actions: str) -> dict:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def test_federated_users_may_what_both_allow(clients, client_as, user):
    """Documented: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html"""
    user.allow(allow("sts:GetFederationToken", "ssm:GetParameter*", "logs:Describe*"))
    ask = user.client("sts").get_federation_token
    answer = ask(Name="bob", Policy=json.dumps(allow("logs:*", "ec2:*", "iam:*")), DurationSeconds=900)
    account = clients("sts").get_caller_identity()["Account"]
    assert answer["FederatedUser"] == {"FederatedUserId": f"{account}:bob", "Arn": f"arn:aws:sts::{account}:federated-user/bob"}
    keys = answer["Credentials"]
    assert session_client(client_as, "sts", keys).get_caller_identity()["Arn"] == answer["FederatedUser"]["Arn"]
    session_client(client_as, "logs", keys).describe_log_groups()
    code, message = refused(session_client(client_as, "ssm", keys).get_parameter, Name="/x")
    assert code == "AccessDeniedException" and "federated-user/bob" in message and "session policy" in message
    assert refused(session_client(client_as, "ec2", keys).describe_vpcs)[0] == "UnauthorizedOperation"
    # Neither IAM nor STS, whatever the policies say.
    assert refused(session_client(client_as, "iam", keys).list_users)[0] == "AccessDenied"
    assert refused(session_client(client_as, "sts", keys).get_federation_token, Name="eve")[0] == "AccessDenied"
    assert refused(session_client(client_as, "sts", keys).get_session_token)[0] == "AccessDenied"
    # Without policies of its own, nothing.
    bare = ask(Name="bob")["Credentials"]
    assert refused(session_client(client_as, "logs", bare).describe_log_groups)[0] == "AccessDeniedException"
    # The root user's rights, cut down.
    root = clients("sts").get_federation_token(Name="root-bob", Policy=json.dumps(allow("logs:Describe*")), DurationSeconds=36000)
    session_client(client_as, "logs", root["Credentials"]).describe_log_groups()
    assert refused(session_client(client_as, "ssm", root["Credentials"]).get_parameter, Name="/x")[0] == "AccessDeniedException"
    assert refused(ask, Name="bob", Policy="{}")[0] == "MalformedPolicyDocument"
    assert refused(ask, Name="b ob")[0] == "ValidationError"
    assert refused(ask, Name="bob", DurationSeconds=200_000)[0] == "ValidationError"


def test_only_who_may_makes_federated_users(user):
    assert refused(user.client("sts").get_federation_token, Name="bob")[0] == "AccessDenied"


def test_encoded_authorization_messages(clients, user):
    """Documented: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html"""
    code, message = refused(user.client("ec2").create_vpc, CidrBlock="10.9.0.0/16")
    assert code == "UnauthorizedOperation"
    encoded = message.split("Encoded authorization failure message: ")[1]
    decoded = json.loads(clients("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["allowed"] is False and decoded["explicitDeny"] is False
    assert decoded["context"]["principal"]["arn"] == user.arn and decoded["context"]["action"] == "ec2:CreateVpc"
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Sid": "NoVpcs", "Effect": "Deny", "Action": "ec2:*", "Resource": "*"}]})
    encoded = refused(user.client("ec2").create_vpc, CidrBlock="10.9.0.0/16")[1].split("message: ")[1]
    decoded = json.loads(clients("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["explicitDeny"] is True
    assert [one["statementId"] for one in decoded["matchedStatements"]["items"]] == ["NoVpcs"]
    assert refused(user.client("sts").decode_authorization_message, EncodedMessage=encoded)[0] == "AccessDenied"
    for text in ("x", encoded[:-8] + "AAAAAAAA"):
        assert refused(clients("sts").decode_authorization_message, EncodedMessage=text)[0] == "InvalidAuthorizationMessageException"

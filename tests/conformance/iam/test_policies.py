"""Who may do what, beyond single statements. Documented: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies.html"""
import json
import os
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness.clients import CLIS, refused


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more) -> dict:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


@pytest.fixture
def role(clients, user, name):
    """role(statements...): a role that the user may take; returns its ARN."""
    iam = clients("iam")
    made = []

    def make(*statements: dict, path: str = "/", **more) -> str:
        trust = document({"Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "sts:AssumeRole"})
        arn = iam.create_role(RoleName=f"{name}-r", Path=path, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
        iam.put_role_policy(RoleName=f"{name}-r", PolicyName="rights", PolicyDocument=document(*statements))
        made.append(f"{name}-r")
        return arn

    yield make
    for held in made:
        iam.delete_role_policy(RoleName=held, PolicyName="rights")
        iam.delete_role(RoleName=held)


@pytest.fixture
def session(user, client_as):
    """session(role_arn, **more): clients of a session of the role, taken by the user."""

    def take(role_arn: str, **more):
        keys = user.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="work", **more)["Credentials"]
        return lambda service: client_as(service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    return take


# --- conditions

def test_not_action_and_not_resource(user):
    user.allow(json.loads(document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
                                   {"Effect": "Allow", "Action": "iam:GetUser", "NotResource": "arn:aws:iam::*:user/secret*"})))
    user.client("logs").describe_log_groups()
    assert refused(user.client("iam").list_users)[0] == "AccessDenied"
    user.client("iam").get_user(UserName=user.name)
    assert refused(user.client("iam").get_user, UserName="secret-one")[0] == "AccessDenied"


def test_request_tags_decide(user, name):
    user.allow(json.loads(document(
        allow("logs:CreateLogGroup", Condition={"StringEquals": {"aws:RequestTag/team": "blue"},
                                                "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "stage"]}}),
        allow("logs:TagResource"))))
    logs = user.client("logs")
    assert refused(logs.create_log_group, logGroupName=name)[0] == "AccessDeniedException"
    assert refused(logs.create_log_group, logGroupName=name, tags={"team": "red"})[0] == "AccessDeniedException"
    assert refused(logs.create_log_group, logGroupName=name, tags={"team": "blue", "owner": "x"})[0] == "AccessDeniedException"
    logs.create_log_group(logGroupName=name, tags={"team": "blue", "stage": "test"})


def test_resource_tags_and_principal_tags_decide(clients, user, name):
    iam = clients("iam")
    iam.tag_user(UserName=user.name, Tags=[{"Key": "team", "Value": "blue"}])
    iam.create_user(UserName=name + "b", Tags=[{"Key": "team", "Value": "blue"}])
    iam.create_user(UserName=name + "r", Tags=[{"Key": "team", "Value": "red"}])
    user.allow(json.loads(document(
        allow("iam:GetUser", Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}))))
    theirs = user.client("iam")
    theirs.get_user(UserName=name + "b")
    assert refused(theirs.get_user, UserName=name + "r")[0] == "AccessDenied"
    for suffix in "br":
        iam.delete_user(UserName=name + suffix)


def test_which_policy_may_be_attached_is_a_condition(clients, user, role):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_controlling.html#access_controlling-policies"""
    arn = role(allow("logs:DescribeLogGroups"))
    target = arn.rsplit("/", 1)[1]
    wanted = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    user.allow(json.loads(document(allow(["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                                         Condition={"ArnEquals": {"iam:PolicyARN": wanted}}))))
    theirs = user.client("iam")
    theirs.attach_role_policy(RoleName=target, PolicyArn=wanted)
    assert refused(theirs.attach_role_policy, RoleName=target, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")[0] == "AccessDenied"
    theirs.detach_role_policy(RoleName=target, PolicyArn=wanted)


def test_paths_count_in_resources(clients, user, role):
    arn = role(allow("logs:DescribeLogGroups"), path="/teams/blue/")
    user.allow(json.loads(document(allow("iam:GetRole", "arn:aws:iam::*:role/teams/*"))))
    user.client("iam").get_role(RoleName=arn.rsplit("/", 1)[1])
    user.allow(json.loads(document(allow("iam:GetRole", f"arn:aws:iam::*:role/{arn.rsplit('/', 1)[1]}"))))
    code, message = refused(user.client("iam").get_role, RoleName=arn.rsplit("/", 1)[1])
    assert code == "AccessDenied" and f"on resource: {arn} because" in message


# --- several kinds of policies together

def test_session_policy_only_takes_away(role, session):
    arn = role(allow("logs:*"), allow("ecs:ListClusters"))
    narrow = session(arn, Policy=document(allow("logs:DescribeLogGroups"), allow("iam:*")))
    narrow("logs").describe_log_groups()
    code, message = refused(narrow("ecs").list_clusters)
    assert "because no session policy allows the ecs:ListClusters action" in message
    code, message = refused(narrow("iam").list_users)
    assert "because no identity-based policy allows the iam:ListUsers action" in message


def test_boundary_of_a_role(clients, role, session, name):
    iam = clients("iam")
    limit = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("logs:*"), deny("logs:DescribeLogStreams")))["Policy"]["Arn"]
    arn = role(allow("logs:*"), allow("ecs:*"), PermissionsBoundary=limit)
    within = session(arn)
    within("logs").describe_log_groups()
    assert "because no permissions boundary allows the ecs:ListClusters action" in refused(within("ecs").list_clusters)[1]
    assert "with an explicit deny in a permissions boundary" in refused(within("logs").describe_log_streams, logGroupName="x")[1]
    assert refused(iam.delete_policy, PolicyArn=limit)[0] == "DeleteConflict"
    iam.delete_role_permissions_boundary(RoleName=arn.rsplit("/", 1)[1])
    within("ecs").list_clusters()
    iam.delete_policy(PolicyArn=limit)


def test_session_tags_are_principal_tags(role, session, clients):
    arn = role(allow("logs:DescribeLogGroups", Condition={"StringEquals": {"aws:PrincipalTag/stage": "test"}}))
    assert refused(session(arn)("logs").describe_log_groups)[0] == "AccessDeniedException"


def test_external_id(clients, user, name):
    iam, account = clients("iam"), user.arn.split(":")[4]
    trust = document({"Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "sts:AssumeRole",
                      "Condition": {"StringEquals": {"sts:ExternalId": "partner"}}})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    sts, arn = user.client("sts"), f"arn:aws:iam::{account}:role/{name}"
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="work")[0] == "AccessDenied"
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="work", ExternalId="other")[0] == "AccessDenied"
    sts.assume_role(RoleArn=arn, RoleSessionName="work", ExternalId="partner")
    code, message = refused(sts.assume_role, RoleArn=arn, RoleSessionName="work", ExternalId="partner",
                            SerialNumber="arn:aws:iam::1:mfa/x", TokenCode="123456")
    assert code == "AccessDenied" and "MultiFactorAuthentication" in message
    iam.delete_role(RoleName=name)


def test_a_session_ends_with_its_role(clients, role, session):
    arn = role(allow("logs:DescribeLogGroups"))
    logs = session(arn)("logs")
    logs.describe_log_groups()
    iam, held = clients("iam"), arn.rsplit("/", 1)[1]
    trust = json.dumps(iam.get_role(RoleName=held)["Role"]["AssumeRolePolicyDocument"])
    iam.delete_role_policy(RoleName=held, PolicyName="rights")
    iam.delete_role(RoleName=held)
    # One of the same name is another role.
    iam.create_role(RoleName=held, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=held, PolicyName="rights", PolicyDocument=document(allow("*")))
    assert refused(logs.describe_log_groups)[0] in ("InvalidClientTokenId", "UnrecognizedClientException")


# --- asking beforehand

def decisions(result: dict) -> dict:
    return {(one["EvalActionName"], one["EvalResourceName"]): one["EvalDecision"] for one in result["EvaluationResults"]}


def test_simulate_custom_policy(clients):
    iam = clients("iam")
    policy = document(allow("s3:Get*", "arn:aws:s3:::web/*"), deny("s3:GetObject", "arn:aws:s3:::web/private/*"),
                      allow("s3:PutObject", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    result = iam.simulate_custom_policy(
        PolicyInputList=[policy], ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::web/index", "arn:aws:s3:::web/private/x"])
    assert decisions(result) == {
        ("s3:GetObject", "arn:aws:s3:::web/index"): "allowed", ("s3:GetObject", "arn:aws:s3:::web/private/x"): "explicitDeny",
        ("s3:PutObject", "arn:aws:s3:::web/index"): "implicitDeny", ("s3:PutObject", "arn:aws:s3:::web/private/x"): "implicitDeny"}
    index = result["EvaluationResults"][0]["MatchedStatements"][0]
    assert index["SourcePolicyId"] == "PolicyInputList.1" and index["StartPosition"]["Line"] == 1
    begin, end = index["StartPosition"]["Column"] - 1, index["EndPosition"]["Column"] - 1
    assert json.loads(policy[begin:end]) == allow("s3:Get*", "arn:aws:s3:::web/*")
    assert [one for one in result["EvaluationResults"] if one["EvalActionName"] == "s3:PutObject"][0]["MissingContextValues"] == [
        "aws:principaltag/team"]
    given = iam.simulate_custom_policy(
        PolicyInputList=[policy], ActionNames=["s3:PutObject"],
        ContextEntries=[{"ContextKeyName": "aws:PrincipalTag/team", "ContextKeyType": "string", "ContextKeyValues": ["blue"]}])
    assert decisions(given) == {("s3:PutObject", "*"): "allowed"}
    limited = iam.simulate_custom_policy(PolicyInputList=[document(allow("*"))], ActionNames=["s3:PutObject"],
                                         PermissionsBoundaryPolicyInputList=[document(allow("ec2:*"))])
    assert decisions(limited) == {("s3:PutObject", "*"): "implicitDeny"}
    assert limited["EvaluationResults"][0]["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert refused(iam.simulate_custom_policy, PolicyInputList=["{"], ActionNames=["s3:x"])[0] == "InvalidInput"


def test_simulate_principal_policy(clients, user, name):
    iam = clients("iam")
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=user.name)
    iam.put_group_policy(GroupName=name, PolicyName="g", PolicyDocument=document(allow("logs:*")))
    user.allow(json.loads(document(allow("iam:GetUser", "arn:aws:iam::*:user/${aws:username}"))))
    result = iam.simulate_principal_policy(PolicySourceArn=user.arn, ActionNames=["logs:PutLogEvents", "ecs:RunTask"])
    assert decisions(result) == {("logs:PutLogEvents", "*"): "allowed", ("ecs:RunTask", "*"): "implicitDeny"}
    assert result["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"] == f"group_{name}_g"
    own = iam.simulate_principal_policy(PolicySourceArn=user.arn, ActionNames=["iam:GetUser"],
                                        ResourceArns=[user.arn, user.arn + "x"])
    assert list(decisions(own).values()) == ["allowed", "implicitDeny"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=user.arn)["ContextKeyNames"] == ["aws:username"]
    paginated = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=user.arn, ActionNames=[f"logs:A{i}" for i in range(7)], PaginationConfig={"PageSize": 3})
    assert [len(page["EvaluationResults"]) for page in paginated] == [3, 3, 1]
    assert refused(iam.simulate_principal_policy, PolicySourceArn=user.arn + "x", ActionNames=["a:b"])[0] == "NoSuchEntity"
    iam.remove_user_from_group(GroupName=name, UserName=user.name)
    iam.delete_group_policy(GroupName=name, PolicyName="g")
    iam.delete_group(GroupName=name)


# --- asking afterwards (ours)

def test_why_prints_the_statement_to_add(server, clients, role, session):
    arn = role(allow("logs:DescribeLogGroups"))
    ecs = session(arn)("ecs")
    assert refused(ecs.list_clusters)[0] == "AccessDeniedException"
    said = server.why(arn)
    assert "no identity-based policy allows the ecs:ListClusters action" in said
    command = next(line.split("do: ", 1)[1] for line in said.splitlines() if "do: aws iam put-role-policy" in line)
    environment = {**os.environ, **server.environment()}
    # Typed as it stands, with the CLI of today: Debian's does not read the endpoint from the environment.
    environment["PATH"] = f"{Path(CLIS['today']).parent}:{environment['PATH']}"
    subprocess.run(command, shell=True, check=True, env=environment)
    ecs.list_clusters()
    said = server.why(arn.rsplit("/", 1)[1])
    assert "Nothing is known to be wrong" in said and "allowed now" in said
    clients("iam").delete_role_policy(RoleName=arn.rsplit("/", 1)[1], PolicyName="allow-ecs-ListClusters")


def test_why_names_the_policy_that_denies(server, clients, user):
    clients("iam").put_user_policy(UserName=user.name, PolicyName="never", PolicyDocument=document(deny("ecs:*")))
    user.allow(json.loads(document(allow("*"))))
    assert "with an explicit deny in an identity-based policy" in refused(user.client("ecs").list_clusters)[1]
    assert f"the inline policy never of user {user.name}" in server.why(user.name)
    clients("iam").delete_user_policy(UserName=user.name, PolicyName="never")


# --- renames and the rest

def test_renames_keep_keys_and_memberships(clients, user, name):
    iam = clients("iam")
    user.allow(json.loads(document(allow("iam:GetUser"))))
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=user.name)
    iam.update_group(GroupName=name, NewGroupName=name + "2", NewPath="/p/")
    iam.update_user(UserName=user.name, NewUserName=user.name + "2", NewPath="/q/")
    try:
        assert user.client("sts").get_caller_identity()["Arn"].endswith(f":user/q/{user.name}2")
        assert [group["Arn"].split(":")[5] for group in iam.list_groups_for_user(UserName=user.name + "2")["Groups"]] == [f"group/p/{name}2"]
        assert refused(iam.get_user, UserName=user.name)[0] == "NoSuchEntity"
        assert refused(iam.update_user, UserName=user.name + "2", NewUserName="nobody", NewPath="no-slash")[0] == "ValidationError"
    finally:
        iam.update_user(UserName=user.name + "2", NewUserName=user.name)
        iam.remove_user_from_group(GroupName=name + "2", UserName=user.name)
        iam.delete_group(GroupName=name + "2")


def test_account_alias(clients, name):
    iam = clients("iam")
    iam.create_account_alias(AccountAlias=name)
    assert iam.list_account_aliases()["AccountAliases"] == [name]
    assert refused(iam.create_account_alias, AccountAlias=name)[0] == "EntityAlreadyExists"
    iam.delete_account_alias(AccountAlias=name)
    assert iam.list_account_aliases()["AccountAliases"] == []
    assert refused(iam.delete_account_alias, AccountAlias=name)[0] == "NoSuchEntity"


def test_authorization_details(clients, user, role):
    iam = clients("iam")
    arn = role(allow("logs:*"))
    pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["User", "Role"], PaginationConfig={"PageSize": 2})
    found = pages.build_full_result()
    theirs = next(one for one in found["UserDetailList"] if one["UserName"] == user.name)
    assert theirs["Arn"] == user.arn
    held = next(one for one in found["RoleDetailList"] if one["Arn"] == arn)
    assert held["RolePolicyList"] == [{"PolicyName": "rights", "PolicyDocument": json.loads(document(allow("logs:*")))}]


def test_why_explains_a_pasted_message(own_server, region):
    """Also one from before the server's last start, which nobody remembers."""
    from harness.clients import Clients
    clients = Clients(own_server.environment(), region)
    iam = clients("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    with pytest.raises(ClientError) as refused:
        clients("ecs", keys=key).list_clusters()
    message = refused.value.response["Error"]["Message"]
    own_server.restart()
    said = own_server.why(message)
    assert "aws iam put-user-policy --user-name ann" in said and '"Action":"ecs:ListClusters"' in said
    iam.put_user_policy(UserName="ann", PolicyName="list", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:ListClusters", "Resource": "*"}]}))
    assert "put-user-policy" not in own_server.why(f"An error occurred: {message}")

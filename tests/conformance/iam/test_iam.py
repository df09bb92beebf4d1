"""IAM through boto3. Documented: https://docs.aws.amazon.com/IAM/latest/APIReference/"""
import json

import pytest
from botocore.exceptions import ClientError

TRUST_TASKS = {"Version": "2012-10-17",
               "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def statement(action, resource="*", effect="Allow", **more) -> dict:
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]}


def refused(call, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_execution_role_as_the_documents_make_it(clients, name):
    iam = clients("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_TASKS),
                           Tags=[{"Key": "app", "Value": "zapier"}])["Role"]
    assert role["Arn"].endswith(f":role/{name}") and role["RoleId"].startswith("AROA")
    iam.attach_role_policy(RoleName=name, PolicyArn=EXECUTION)
    iam.put_role_policy(RoleName=name, PolicyName="secrets", PolicyDocument=json.dumps(statement("ssm:GetParameters")))
    held = iam.get_role(RoleName=name)["Role"]
    assert held["AssumeRolePolicyDocument"] == TRUST_TASKS
    assert held["MaxSessionDuration"] == 3600 and held["Tags"] == [{"Key": "app", "Value": "zapier"}]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == [
        {"PolicyName": "AmazonECSTaskExecutionRolePolicy", "PolicyArn": EXECUTION}]
    assert iam.get_role_policy(RoleName=name, PolicyName="secrets")["PolicyDocument"] == statement("ssm:GetParameters")
    assert refused(iam.create_role, RoleName=name.upper(), AssumeRolePolicyDocument=json.dumps(TRUST_TASKS))[0] == "EntityAlreadyExists"
    assert refused(iam.delete_role, RoleName=name) == (
        "DeleteConflict", "Cannot delete entity, must delete policies first.")
    iam.delete_role_policy(RoleName=name, PolicyName="secrets")
    assert refused(iam.delete_role, RoleName=name)[1] == "Cannot delete entity, must detach all policies first."
    iam.detach_role_policy(RoleName=name, PolicyArn=EXECUTION)
    iam.delete_role(RoleName=name)
    assert refused(iam.get_role, RoleName=name) == ("NoSuchEntity", f"The role with name {name} cannot be found.")


def test_managed_policies_of_aws(clients):
    iam = clients("iam")
    for arn in (EXECUTION, "arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier", "arn:aws:iam::aws:policy/ReadOnlyAccess"):
        policy = iam.get_policy(PolicyArn=arn)["Policy"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
        assert document["Version"] == "2012-10-17" and document["Statement"]
    listed = [policy["Arn"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 10})
              for policy in page["Policies"]]
    assert EXECUTION in listed and len(listed) == len(set(listed))
    assert refused(iam.create_policy_version, PolicyArn=EXECUTION, PolicyDocument=json.dumps(statement("*")))[0] == "AccessDenied"
    assert refused(iam.attach_role_policy, RoleName="x", PolicyArn="arn:aws:iam::aws:policy/Nothing")[0] == "NoSuchEntity"


def test_customer_policy_versions(clients, name):
    iam = clients("iam")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(statement("s3:GetObject")))["Policy"]["Arn"]
    for action in ("s3:a", "s3:b", "s3:c", "s3:d"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(statement(action)), SetAsDefault=True)
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=json.dumps(statement("s3:e")))[0] == "LimitExceeded"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v5"
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v5", "v4", "v3", "v2", "v1"]
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v5")[0] == "DeleteConflict"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    for version in ("v1", "v3", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn)[0] == "NoSuchEntity"


@pytest.mark.parametrize("document, message", [
    ("{", "This policy contains invalid Json"),
    (json.dumps({"Statement": [{"Effect": "Allow", "Action": "RunTask", "Resource": "*"}]}),
     "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
])
def test_malformed_documents(clients, name, document, message):
    assert refused(clients("iam").create_policy, PolicyName=name, PolicyDocument=document) == ("MalformedPolicyDocument", message)


def test_trust_names_somebody_who_exists(clients, name):
    account = clients("sts").get_caller_identity()["Account"]
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                     "Principal": {"AWS": f"arn:aws:iam::{account}:user/nobody-{name}"}}]}
    code, message = refused(clients("iam").create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    assert code == "MalformedPolicyDocument" and message.startswith('Invalid principal in policy: "AWS":')


def test_a_new_user_may_do_nothing_but_ask_who_it_is(user):
    assert user.client("sts").get_caller_identity()["Arn"] == user.arn
    code, message = refused(user.client("iam").list_users)
    assert code == "AccessDenied"
    assert message == (f"User: {user.arn} is not authorized to perform: iam:ListUsers on resource: * "
                       "because no identity-based policy allows the iam:ListUsers action")


def test_each_protocol_words_the_refusal_as_its_own(user):
    code, message = refused(user.client("ecs").list_clusters)
    assert code == "AccessDeniedException" and "because no identity-based policy allows the ecs:ListClusters action" in message
    code, message = refused(user.client("ec2").describe_vpcs)
    assert code == "UnauthorizedOperation" and message.startswith("You are not authorized to perform this operation.")


def test_rights_come_and_go_at_once(clients, user, name):
    iam = clients("iam")
    theirs = user.client("iam")
    user.allow(statement("iam:List*"))
    theirs.list_users()
    iam.put_user_policy(UserName=user.name, PolicyName="no", PolicyDocument=json.dumps(statement("iam:ListUsers", effect="Deny")))
    code, message = refused(theirs.list_users)
    assert message.endswith("with an explicit deny in an identity-based policy")
    theirs.list_roles()
    iam.delete_user_policy(UserName=user.name, PolicyName="no")
    iam.delete_user_policy(UserName=user.name, PolicyName="rights")
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.add_user_to_group(GroupName=name, UserName=user.name)
    theirs.list_users()
    assert [member["UserName"] for member in iam.get_group(GroupName=name)["Users"]] == [user.name]
    iam.remove_user_from_group(GroupName=name, UserName=user.name)
    assert refused(theirs.list_users)[0] == "AccessDenied"
    iam.detach_group_policy(GroupName=name, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.delete_group(GroupName=name)


def test_conditions_see_the_request(user):
    user.allow(statement("iam:ListUsers", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}))
    user.client("iam").list_users()
    user.allow(statement("iam:ListUsers", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    assert refused(user.client("iam").list_users)[0] == "AccessDenied"
    user.allow(statement("iam:GetUser", "arn:aws:iam::*:user/${aws:username}"))
    user.client("iam").get_user(UserName=user.name)
    assert refused(user.client("iam").get_user, UserName="somebody-else")[0] == "AccessDenied"


def test_permission_boundary(clients, user):
    iam = clients("iam")
    iam.attach_user_policy(UserName=user.name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.put_user_permissions_boundary(UserName=user.name, PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert refused(user.client("iam").list_users)[1].endswith("because no permissions boundary allows the iam:ListUsers action")
    iam.delete_user_permissions_boundary(UserName=user.name)
    user.client("iam").list_users()


def test_access_keys(clients, user):
    iam = clients("iam")
    sts = user.client("sts")
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key_id, Status="Inactive")
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key_id, Status="Active")
    sts.get_caller_identity()
    iam.create_access_key(UserName=user.name)
    assert refused(iam.create_access_key, UserName=user.name)[0] == "LimitExceeded"
    assert len(iam.list_access_keys(UserName=user.name)["AccessKeyMetadata"]) == 2
    assert refused(iam.delete_user, UserName=user.name) == (
        "DeleteConflict", "Cannot delete entity, must delete access keys first.")
    iam.delete_access_key(UserName=user.name, AccessKeyId=user.key_id)
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"


def test_instance_profile(clients, name):
    iam = clients("iam")
    trust = json.loads(json.dumps(TRUST_TASKS).replace("ecs-tasks", "ec2"))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [name] and profile["InstanceProfileId"].startswith("AIPA")
    assert [found["InstanceProfileName"] for found in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]] == [name]
    assert refused(iam.delete_role, RoleName=name)[1] == "Cannot delete entity, must remove roles from instance profile first."
    assert refused(iam.delete_instance_profile, InstanceProfileName=name)[0] == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    iam.delete_instance_profile(InstanceProfileName=name)
    iam.delete_role(RoleName=name)


def test_service_linked_role(clients):
    iam = clients("iam")
    try:
        iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")
    except iam.exceptions.InvalidInputException:
        pass  # the service has made it already
    role = iam.get_role(RoleName="AWSServiceRoleForRDS")["Role"]
    assert role["Path"] == "/aws-service-role/rds.amazonaws.com/"
    assert refused(iam.create_service_linked_role, AWSServiceName="rds.amazonaws.com")[0] == "InvalidInput"
    assert refused(iam.delete_role, RoleName="AWSServiceRoleForRDS")[0] == "UnmodifiableEntity"


def test_tags(clients, user):
    iam = clients("iam")
    iam.tag_user(UserName=user.name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.tag_user(UserName=user.name, Tags=[{"Key": "A", "Value": "3"}])
    iam.untag_user(UserName=user.name, TagKeys=["b"])
    assert iam.list_user_tags(UserName=user.name)["Tags"] == [{"Key": "A", "Value": "3"}]
    assert refused(iam.tag_user, UserName=user.name, Tags=[{"Key": "aws:x", "Value": "1"}])[0] == "InvalidInput"


def test_lists_in_pages(clients, name):
    iam = clients("iam")
    names = [f"{name}-{number:02}" for number in range(7)]
    for one in names:
        iam.create_user(UserName=one, Path=f"/{name}/")
    try:
        pages = list(iam.get_paginator("list_users").paginate(PathPrefix=f"/{name}/", PaginationConfig={"PageSize": 3}))
        assert [len(page["Users"]) for page in pages] == [3, 3, 1]
        assert [user["UserName"] for page in pages for user in page["Users"]] == names
        assert refused(iam.list_users, Marker="nonsense")[0] == "ValidationError"
    finally:
        for one in names:
            iam.delete_user(UserName=one)


def test_account_summary(clients, user):
    summary = clients("iam").get_account_summary()["SummaryMap"]
    assert summary["Users"] >= 1 and summary["AccountAccessKeysPresent"] == 1


def test_what_users_never_have(clients, user):
    """Terraform asks for all of it before it deletes a user."""
    iam = clients("iam")
    assert iam.list_mfa_devices(UserName=user.name)["MFADevices"] == []
    assert iam.list_ssh_public_keys(UserName=user.name)["SSHPublicKeys"] == []
    assert iam.list_signing_certificates(UserName=user.name)["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName=user.name)["ServiceSpecificCredentials"] == []
    assert refused(iam.get_login_profile, UserName=user.name)[0] == "NoSuchEntity"
    assert refused(iam.list_mfa_devices, UserName="nobody-at-all")[0] == "NoSuchEntity"

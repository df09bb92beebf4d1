"""IAM."""
import json
from typing import Any

from harness.terraform.resource import gone, pairs, plain, Resource, TAGS, until


class Role(Resource):
    service = "iam"

    def create(self) -> None:
        self.id = self.call.create_role(RoleName=self.arguments["name"], Path="/", MaxSessionDuration=3600, Tags=pairs(TAGS),
                                        AssumeRolePolicyDocument=json.dumps(self.arguments["assume_role_policy"]))["Role"]["RoleName"]

    def read(self) -> dict[str, Any]:
        role = self.call.get_role(RoleName=self.id)["Role"]
        for name in self.call.list_role_policies(RoleName=self.id)["PolicyNames"]:
            self.call.get_role_policy(RoleName=self.id, PolicyName=name)
        self.call.list_attached_role_policies(RoleName=self.id)
        assert role["RoleId"].startswith("AROA") and role["CreateDate"]
        return {"name": role["RoleName"], "path": role["Path"], "max_session_duration": role["MaxSessionDuration"],
                "description": role.get("Description", ""), "assume_role_policy": role["AssumeRolePolicyDocument"], "tags": plain(role["Tags"])}

    def destroy(self) -> None:
        assert self.call.list_instance_profiles_for_role(RoleName=self.id)["InstanceProfiles"] == []
        self.call.delete_role(RoleName=self.id)
        until(lambda: gone(lambda: self.call.get_role(RoleName=self.id), "NoSuchEntity"))


class RolePolicy(Resource):
    service = "iam"

    def create(self) -> None:
        self.call.put_role_policy(RoleName=self.arguments["role"], PolicyName=self.arguments["name"],
                                  PolicyDocument=json.dumps(self.arguments["policy"]))

    def read(self) -> dict[str, Any]:
        found = self.call.get_role_policy(RoleName=self.arguments["role"], PolicyName=self.arguments["name"])
        return {"role": found["RoleName"], "name": found["PolicyName"], "policy": found["PolicyDocument"]}

    def destroy(self) -> None:
        self.call.delete_role_policy(RoleName=self.arguments["role"], PolicyName=self.arguments["name"])


class Policy(Resource):
    service = "iam"

    def create(self) -> None:
        self.id = self.call.create_policy(PolicyName=self.arguments["name"], Path="/", PolicyDocument=json.dumps(self.arguments["policy"]),
                                          Tags=pairs(TAGS))["Policy"]["Arn"]

    def read(self) -> dict[str, Any]:
        policy = self.call.get_policy(PolicyArn=self.id)["Policy"]
        version = self.call.get_policy_version(PolicyArn=self.id, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        return {"name": policy["PolicyName"], "path": policy["Path"], "policy": version["Document"], "tags": plain(policy["Tags"])}

    def destroy(self) -> None:
        for version in self.call.list_policy_versions(PolicyArn=self.id)["Versions"]:
            if not version["IsDefaultVersion"]:
                self.call.delete_policy_version(PolicyArn=self.id, VersionId=version["VersionId"])
        self.call.delete_policy(PolicyArn=self.id)
        until(lambda: gone(lambda: self.call.get_policy(PolicyArn=self.id), "NoSuchEntity"))


class RolePolicyAttachment(Resource):
    service = "iam"

    def create(self) -> None:
        self.call.attach_role_policy(RoleName=self.arguments["role"], PolicyArn=self.arguments["policy_arn"])

    def read(self) -> dict[str, Any]:
        attached = self.call.list_attached_role_policies(RoleName=self.arguments["role"])["AttachedPolicies"]
        found = [one["PolicyArn"] for one in attached if one["PolicyArn"] == self.arguments["policy_arn"]]
        return {"role": self.arguments["role"], "policy_arn": found[0] if found else None}

    def destroy(self) -> None:
        self.call.detach_role_policy(RoleName=self.arguments["role"], PolicyArn=self.arguments["policy_arn"])

"""Databases, secrets and images."""
import json
import uuid
from typing import Any

from harness.terraform.resource import gone, pairs, plain, Resource, TAGS, until


class DbSubnetGroup(Resource):
    service = "rds"

    def create(self) -> None:
        made = self.call.create_db_subnet_group(DBSubnetGroupName=self.arguments["name"], DBSubnetGroupDescription="Managed by Terraform",
                                                SubnetIds=sorted(self.arguments["subnet_ids"]), Tags=pairs(TAGS))
        self.id = made["DBSubnetGroup"]["DBSubnetGroupName"]

    def read(self) -> dict[str, Any]:
        group, = self.call.describe_db_subnet_groups(DBSubnetGroupName=self.id)["DBSubnetGroups"]
        tags = self.call.list_tags_for_resource(ResourceName=group["DBSubnetGroupArn"])["TagList"]
        assert group["SupportedNetworkTypes"] == ["IPV4"] and group["VpcId"]
        return {"name": group["DBSubnetGroupName"], "description": group["DBSubnetGroupDescription"], "tags": plain(tags),
                "subnet_ids": {one["SubnetIdentifier"] for one in group["Subnets"]}}

    def destroy(self) -> None:
        self.call.delete_db_subnet_group(DBSubnetGroupName=self.id)
        until(lambda: gone(lambda: self.call.describe_db_subnet_groups(DBSubnetGroupName=self.id), "DBSubnetGroupNotFoundFault"))


class DbInstance(Resource):
    service = "rds"

    def create(self) -> None:
        given = self.arguments
        made = self.call.create_db_instance(
            DBInstanceIdentifier=given["identifier"], Engine=given["engine"], EngineVersion=given["engine_version"],
            DBInstanceClass=given["instance_class"], AllocatedStorage=given["allocated_storage"], StorageEncrypted=given["storage_encrypted"],
            DBName=given["db_name"], MasterUsername=given["username"], MasterUserPassword="fr_password",
            DBSubnetGroupName=given["db_subnet_group_name"], VpcSecurityGroupIds=sorted(given["vpc_security_group_ids"]),
            PubliclyAccessible=False, BackupRetentionPeriod=given["backup_retention_period"], AutoMinorVersionUpgrade=True,
            CopyTagsToSnapshot=False, DeletionProtection=False, Tags=pairs(TAGS))
        # From here on the provider knows it by its resource id.
        self.id = made["DBInstance"]["DbiResourceId"]
        until(lambda: self.found()["DBInstanceStatus"] in ("available", "storage-optimization"))

    def found(self) -> dict:
        found, = self.call.describe_db_instances(Filters=[{"Name": "dbi-resource-id", "Values": [self.id]}])["DBInstances"]
        return found

    def read(self) -> dict[str, Any]:
        db = self.found()
        assert db["Endpoint"]["HostedZoneId"] and db["CACertificateIdentifier"] and db["DBInstanceArn"]
        parameters, = db["DBParameterGroups"]
        options, = db["OptionGroupMemberships"]
        assert parameters["ParameterApplyStatus"] == "in-sync" and options["OptionGroupName"]
        return {"identifier": db["DBInstanceIdentifier"], "engine": db["Engine"], "engine_version": db["EngineVersion"],
                "instance_class": db["DBInstanceClass"], "allocated_storage": db["AllocatedStorage"],
                "storage_encrypted": db["StorageEncrypted"], "db_name": db["DBName"], "username": db["MasterUsername"],
                "db_subnet_group_name": db["DBSubnetGroup"]["DBSubnetGroupName"], "multi_az": db["MultiAZ"],
                "vpc_security_group_ids": {one["VpcSecurityGroupId"] for one in db["VpcSecurityGroups"]},
                "publicly_accessible": db["PubliclyAccessible"], "backup_retention_period": db["BackupRetentionPeriod"],
                "auto_minor_version_upgrade": db["AutoMinorVersionUpgrade"], "copy_tags_to_snapshot": db["CopyTagsToSnapshot"],
                "deletion_protection": db["DeletionProtection"], "tags": plain(db["TagList"]),
                "iam_database_authentication_enabled": db["IAMDatabaseAuthenticationEnabled"],
                "performance_insights_enabled": db.get("PerformanceInsightsEnabled", False), "port": db["Endpoint"]["Port"]}

    def destroy(self) -> None:
        self.call.delete_db_instance(DBInstanceIdentifier=self.arguments["identifier"], SkipFinalSnapshot=True, DeleteAutomatedBackups=True)
        until(lambda: gone(lambda: self.call.describe_db_instances(
            Filters=[{"Name": "dbi-resource-id", "Values": [self.id]}])["DBInstances"], "DBInstanceNotFound"))


class Secret(Resource):
    service = "secretsmanager"

    def create(self) -> None:
        self.id = self.call.create_secret(ClientRequestToken=str(uuid.uuid4()), Name=self.arguments["name"],
                                          Description=self.arguments["description"], ForceOverwriteReplicaSecret=False, Tags=pairs(TAGS))["ARN"]

    def read(self) -> dict[str, Any]:
        secret = self.call.describe_secret(SecretId=self.id)
        policy = self.call.get_resource_policy(SecretId=self.id)
        return {"name": secret["Name"], "description": secret["Description"], "kms_key_id": secret.get("KmsKeyId", ""),
                "tags": plain(secret["Tags"]), "policy": policy.get("ResourcePolicy", ""), "replica": secret.get("ReplicationStatus", [])}

    def destroy(self) -> None:
        self.call.delete_secret(SecretId=self.id, ForceDeleteWithoutRecovery=True)
        until(lambda: gone(lambda: self.call.describe_secret(SecretId=self.id), "ResourceNotFoundException"))


class SecretVersion(Resource):
    service = "secretsmanager"

    def create(self) -> None:
        self.id = self.call.put_secret_value(SecretId=self.arguments["secret_id"], ClientRequestToken=str(uuid.uuid4()),
                                             SecretString=self.arguments["secret_string"])["VersionId"]

    def read(self) -> dict[str, Any]:
        value = self.call.get_secret_value(SecretId=self.arguments["secret_id"], VersionId=self.id)
        return {"secret_id": value["ARN"], "secret_string": value["SecretString"], "version_stages": value["VersionStages"]}

    def destroy(self) -> None:
        """A current version goes with its secret."""


class Repository(Resource):
    service = "ecr"

    def create(self) -> None:
        self.call.create_repository(repositoryName=self.arguments["name"], imageTagMutability="MUTABLE",
                                    encryptionConfiguration={"encryptionType": "AES256"}, tags=pairs(TAGS))
        self.id = self.arguments["name"]

    def read(self) -> dict[str, Any]:
        found, = self.call.describe_repositories(repositoryNames=[self.id])["repositories"]
        tags = self.call.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
        return {"name": found["repositoryName"], "image_tag_mutability": found["imageTagMutability"], "tags": plain(tags),
                "encryption_type": found["encryptionConfiguration"]["encryptionType"],
                "scan_on_push": found["imageScanningConfiguration"]["scanOnPush"]}

    def destroy(self) -> None:
        self.call.delete_repository(repositoryName=self.id, force=True, registryId=self.call.describe_registry()["registryId"])
        until(lambda: gone(lambda: self.call.describe_repositories(repositoryNames=[self.id]), "RepositoryNotFoundException"))


class LifecyclePolicy(Resource):
    service = "ecr"

    def create(self) -> None:
        self.id = self.call.put_lifecycle_policy(repositoryName=self.arguments["repository"],
                                                 lifecyclePolicyText=json.dumps(self.arguments["policy"]))["repositoryName"]

    def read(self) -> dict[str, Any]:
        found = self.call.get_lifecycle_policy(repositoryName=self.id)
        assert found["registryId"]
        return {"repository": found["repositoryName"], "policy": json.loads(found["lifecyclePolicyText"])}

    def destroy(self) -> None:
        self.call.delete_lifecycle_policy(repositoryName=self.id)

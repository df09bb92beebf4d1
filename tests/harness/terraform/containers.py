"""ECS, its logs and its scaling."""
import uuid
from typing import Any

from harness.terraform.resource import pairs, plain, Resource, TAGS, until


class Cluster(Resource):
    service = "ecs"
    INCLUDE = ["TAGS", "CONFIGURATIONS", "SETTINGS"]

    def create(self) -> None:
        self.id = self.call.create_cluster(clusterName=self.arguments["name"], tags=pairs(TAGS, "key", "value"))["cluster"]["clusterArn"]

    def found(self) -> dict:
        found, = self.call.describe_clusters(clusters=[self.id], include=self.INCLUDE)["clusters"]
        return found

    def read(self) -> dict[str, Any]:
        found = self.found()
        return {"name": found["clusterName"], "status": found["status"], "tags": plain(found["tags"], "key", "value"),
                "setting": [(one["name"], one["value"]) for one in found["settings"]], "configuration": found.get("configuration")}

    def destroy(self) -> None:
        until(self.delete, what="no task is left")
        until(lambda: self.found()["status"] == "INACTIVE")

    def delete(self) -> bool:
        self.call.delete_cluster(cluster=self.id)
        return True


class LogGroup(Resource):
    service = "logs"

    def create(self) -> None:
        self.call.create_log_group(logGroupName=self.arguments["name"], tags=TAGS)
        self.call.put_retention_policy(logGroupName=self.arguments["name"], retentionInDays=self.arguments["retention_in_days"])
        self.id = self.arguments["name"]

    def read(self) -> dict[str, Any]:
        found, = [one for one in self.call.describe_log_groups(logGroupNamePrefix=self.id)["logGroups"] if one["logGroupName"] == self.id]
        tags = self.call.list_tags_for_resource(resourceArn=found["arn"].removesuffix(":*"))["tags"]
        return {"name": found["logGroupName"], "retention_in_days": found["retentionInDays"], "log_group_class": found["logGroupClass"],
                "kms_key_id": found.get("kmsKeyId", ""), "tags": tags}

    def destroy(self) -> None:
        self.call.delete_log_group(logGroupName=self.id)


class TaskDefinition(Resource):
    service = "ecs"

    def create(self) -> None:
        given = self.arguments
        made = self.call.register_task_definition(
            family=given["family"], networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu=given["cpu"], memory=given["memory"],
            executionRoleArn=given["execution_role_arn"], taskRoleArn=given["task_role_arn"],
            containerDefinitions=given["container_definitions"], tags=pairs(TAGS, "key", "value"))
        self.id = made["taskDefinition"]["taskDefinitionArn"]

    @staticmethod
    def comparable(definitions: list[dict]) -> list[dict]:
        """What is left to compare when the provider has taken AWS's defaults away from both sides."""
        out = []
        for one in definitions:
            one = {key: value for key, value in one.items() if value not in ([], {}, None) and (key, value) != ("cpu", 0)}
            one["portMappings"] = [{key: value for key, value in port.items() if key == "containerPort"} for port in one["portMappings"]]
            one["environment"] = sorted(one["environment"], key=lambda item: item["name"])
            one["secrets"] = sorted(one["secrets"], key=lambda item: item["name"])
            out.append({"essential": True, **one})
        return out

    def read(self) -> dict[str, Any]:
        said = self.call.describe_task_definition(taskDefinition=self.id, include=["TAGS"])
        found = said["taskDefinition"]
        assert found["status"] == "ACTIVE" and found["revision"] >= 1
        return {"family": found["family"], "cpu": found["cpu"], "memory": found["memory"], "execution_role_arn": found["executionRoleArn"],
                "task_role_arn": found["taskRoleArn"], "container_definitions": self.comparable(found["containerDefinitions"]),
                "network_mode": found["networkMode"], "requires_compatibilities": found["requiresCompatibilities"],
                "volume": found["volumes"], "placement_constraints": found["placementConstraints"], "tags": plain(said["tags"], "key", "value")}

    def plan(self) -> dict[str, tuple]:
        given = self.arguments["container_definitions"]
        self.arguments["container_definitions"] = self.comparable(given)
        try:
            return super().plan()
        finally:
            self.arguments["container_definitions"] = given

    def destroy(self) -> None:
        self.call.deregister_task_definition(taskDefinition=self.id)


class Service(Resource):
    service = "ecs"

    def create(self) -> None:
        given = self.arguments
        network = {"subnets": sorted(given["subnets"]), "securityGroups": sorted(given["security_groups"]), "assignPublicIp": "DISABLED"}
        made = self.call.create_service(
            clientToken=str(uuid.uuid4()).replace("-", "")[:32], cluster=given["cluster"], serviceName=given["name"],
            taskDefinition=given["task_definition"], desiredCount=given["desired_count"], launchType="FARGATE", schedulingStrategy="REPLICA",
            deploymentController={"type": "ECS"}, enableECSManagedTags=False, enableExecuteCommand=False, healthCheckGracePeriodSeconds=60,
            availabilityZoneRebalancing="DISABLED",
            deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100,
                                     "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
            loadBalancers=[{"targetGroupArn": given["target_group_arn"], "containerName": "backend", "containerPort": 3000}],
            networkConfiguration={"awsvpcConfiguration": network}, tags=pairs(TAGS, "key", "value"))
        self.id = made["service"]["serviceArn"]
        until(lambda: self.found()["status"] == "ACTIVE")

    def found(self) -> dict:
        found, = self.call.describe_services(cluster=self.arguments["cluster"], services=[self.id], include=["TAGS"])["services"]
        return found

    def read(self) -> dict[str, Any]:
        found = self.found()
        network = found["networkConfiguration"]["awsvpcConfiguration"]
        balancer, = found["loadBalancers"]
        configuration = found["deploymentConfiguration"]
        return {"name": found["serviceName"], "cluster": found["clusterArn"], "task_definition": found["taskDefinition"],
                "desired_count": found["desiredCount"], "launch_type": found["launchType"], "platform_version": found["platformVersion"],
                "scheduling_strategy": found["schedulingStrategy"], "enable_execute_command": found["enableExecuteCommand"],
                "enable_ecs_managed_tags": found["enableECSManagedTags"], "propagate_tags": found.get("propagateTags", "NONE"),
                "health_check_grace_period_seconds": found["healthCheckGracePeriodSeconds"], "subnets": set(network["subnets"]),
                "security_groups": set(network["securityGroups"]), "assign_public_ip": network["assignPublicIp"],
                "target_group_arn": balancer["targetGroupArn"], "deployment_maximum_percent": configuration["maximumPercent"],
                "deployment_minimum_healthy_percent": configuration["minimumHealthyPercent"],
                "deployment_circuit_breaker": configuration["deploymentCircuitBreaker"],
                "deployment_controller": found.get("deploymentController", {"type": "ECS"})["type"],
                "availability_zone_rebalancing": found.get("availabilityZoneRebalancing", "DISABLED"),
                "capacity_provider_strategy": found.get("capacityProviderStrategy", []), "service_registries": found["serviceRegistries"],
                "placement": [*found["placementConstraints"], *found["placementStrategy"]], "tags": plain(found["tags"], "key", "value")}

    def destroy(self) -> None:
        self.call.update_service(cluster=self.arguments["cluster"], service=self.id, desiredCount=0)
        self.call.delete_service(cluster=self.arguments["cluster"], service=self.id, force=False)
        until(lambda: self.found()["status"] == "INACTIVE")


class ScalableTarget(Resource):
    service = "application-autoscaling"

    def where(self) -> dict[str, str]:
        return {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}

    def create(self) -> None:
        self.id = self.call.register_scalable_target(ResourceId=self.arguments["resource_id"], MinCapacity=self.arguments["min_capacity"],
                                                     MaxCapacity=self.arguments["max_capacity"], Tags=TAGS, **self.where())["ScalableTargetARN"]

    def found(self) -> list[dict]:
        return self.call.describe_scalable_targets(ResourceIds=[self.arguments["resource_id"]], **self.where())["ScalableTargets"]

    def read(self) -> dict[str, Any]:
        target, = self.found()
        tags = self.call.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"]
        assert target["RoleARN"]
        suspended = target["SuspendedState"]
        return {"resource_id": target["ResourceId"], "min_capacity": target["MinCapacity"], "max_capacity": target["MaxCapacity"],
                "suspended": any(suspended.values()), "tags": tags}

    def destroy(self) -> None:
        self.call.deregister_scalable_target(ResourceId=self.arguments["resource_id"], **self.where())
        until(lambda: self.found() == [])


class ScalingPolicy(ScalableTarget):
    def create(self) -> None:
        self.id = self.call.put_scaling_policy(
            PolicyName=self.arguments["name"], PolicyType="TargetTrackingScaling", ResourceId=self.arguments["resource_id"],
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": self.arguments["target_value"], "DisableScaleIn": False,
                "PredefinedMetricSpecification": {"PredefinedMetricType": self.arguments["metric"]}}, **self.where())["PolicyARN"]

    def read(self) -> dict[str, Any]:
        policy, = self.call.describe_scaling_policies(PolicyNames=[self.arguments["name"]], ResourceId=self.arguments["resource_id"],
                                                      **self.where())["ScalingPolicies"]
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        assert policy["Alarms"], "the alarms that it watches"
        return {"name": policy["PolicyName"], "resource_id": policy["ResourceId"], "target_value": tracking["TargetValue"],
                "metric": tracking["PredefinedMetricSpecification"]["PredefinedMetricType"],
                "disable_scale_in": tracking.get("DisableScaleIn", False)}

    def destroy(self) -> None:
        self.call.delete_scaling_policy(PolicyName=self.arguments["name"], ResourceId=self.arguments["resource_id"], **self.where())

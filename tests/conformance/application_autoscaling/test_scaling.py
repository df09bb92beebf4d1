"""Application Auto Scaling for ECS services, as the API shows it; what tasks do is in tests/system/test_b4_scaling.py.

Documented: https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""
import datetime
import json

import pytest
from botocore.exceptions import ClientError

from harness.clients import refused
from harness.waiting import eventually

DIMENSION = "ecs:service:DesiredCount"
CPU = {"TargetValue": 75.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
       "ScaleOutCooldown": 60, "ScaleInCooldown": 120}
STEPS = {"AdjustmentType": "ChangeInCapacity", "Cooldown": 60, "MetricAggregationType": "Maximum",
         "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 15.0, "ScalingAdjustment": 1},
                             {"MetricIntervalLowerBound": 15.0, "ScalingAdjustment": 2}]}


class Scaled:
    """A service without tasks, and its name for scaling calls."""

    def __init__(self, clients, name: str):
        self.scaling, self.cloudwatch = clients("application-autoscaling"), clients("cloudwatch")
        self.ecs, ec2 = clients("ecs"), clients("ec2")
        self.cluster = name
        self.ecs.create_cluster(clusterName=name)
        definition = self.ecs.register_task_definition(
            family=name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": "example/none", "essential": True}])
        subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        self.ecs.create_service(cluster=name, serviceName="web", desiredCount=0, launchType="FARGATE",
                                taskDefinition=definition["taskDefinition"]["taskDefinitionArn"],
                                networkConfiguration={"awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]]}})
        self.resource = f"service/{name}/web"
        self.what = {"ServiceNamespace": "ecs", "ResourceId": self.resource, "ScalableDimension": DIMENSION}

    def register(self, low: int = 0, high: int = 4, **more) -> str:
        return self.scaling.register_scalable_target(**self.what, MinCapacity=low, MaxCapacity=high, **more)["ScalableTargetARN"]

    def target(self) -> dict:
        return self.scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[self.resource])["ScalableTargets"][0]

    def remove(self) -> None:
        try:
            self.scaling.deregister_scalable_target(**self.what)
        except ClientError:
            pass
        self.ecs.delete_service(cluster=self.cluster, service="web", force=True)
        eventually(lambda: self.ecs.delete_cluster(cluster=self.cluster), 30, what="the cluster is empty")


@pytest.fixture
def scaled(clients, name):
    one = Scaled(clients, name)
    yield one
    one.remove()


def test_register_change_and_deregister(scaled, clients):
    arn = scaled.register(0, 4)
    assert ":scalable-target/" in arn
    target = scaled.target()
    assert (target["MinCapacity"], target["MaxCapacity"], target["ScalableTargetARN"]) == (0, 4, arn)
    assert target["SuspendedState"] == {"DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": False,
                                        "ScheduledScalingSuspended": False}
    role = target["RoleARN"]
    assert role.endswith("role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
                         "AWSServiceRoleForApplicationAutoScaling_ECSService")
    assert clients("iam").get_role(RoleName=role.split("/")[-1])["Role"]["Arn"] == role
    # What is left out stays.
    assert scaled.scaling.register_scalable_target(**scaled.what, MaxCapacity=9)["ScalableTargetARN"] == arn
    scaled.scaling.register_scalable_target(**scaled.what, SuspendedState={"DynamicScalingInSuspended": True})
    target = scaled.target()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 9)
    assert target["SuspendedState"]["DynamicScalingInSuspended"] and not target["SuspendedState"]["ScheduledScalingSuspended"]
    scaled.scaling.deregister_scalable_target(**scaled.what)
    code, message = refused(scaled.scaling.deregister_scalable_target, **scaled.what)
    assert code == "ObjectNotFoundException" and scaled.resource in message


def test_bounds_move_the_desired_count(scaled):
    scaled.register(0, 4)

    def desired() -> int:
        return scaled.ecs.describe_services(cluster=scaled.cluster, services=["web"])["services"][0]["desiredCount"]
    scaled.scaling.register_scalable_target(**scaled.what, MinCapacity=2)
    eventually(lambda: desired() == 2, what="the minimum is enforced")
    activity = scaled.scaling.describe_scaling_activities(ServiceNamespace="ecs", ResourceId=scaled.resource)["ScalingActivities"][0]
    assert activity["Cause"] == "minimum capacity was set to 2"
    assert activity["Description"] == "Setting desired count to 2."
    assert activity["StatusCode"] == "InProgress"
    assert activity["StatusMessage"] == "Successfully set desired count to 2. Waiting for change to be fulfilled by ecs."
    scaled.scaling.register_scalable_target(**scaled.what, MinCapacity=0, MaxCapacity=0)


@pytest.mark.parametrize("change, code, words", [
    ({"ResourceId": "service/none/none"}, "ValidationException", "ECS service doesn't exist: service/none/none"),
    ({"ResourceId": "web"}, "ValidationException", "Unsupported service namespace, resource type or scalable dimension"),
    ({"ResourceId": "service/a/../b"}, "ValidationException", "Unsupported"),
    ({"ScalableDimension": "dynamodb:table:ReadCapacityUnits"}, "ValidationException", "Unsupported"),
    ({"ServiceNamespace": "dynamodb"}, "ValidationException", "ecs:service:DesiredCount"),
    ({"ServiceNamespace": "nonsense"}, "ValidationException", "nonsense"),
    ({"MinCapacity": 5, "MaxCapacity": 4}, "ValidationException", "cannot be less than"),
    ({"MinCapacity": -1}, "ValidationException", "at least 0"),
])
def test_what_cannot_be_registered(scaled, change, code, words):
    said = refused(scaled.scaling.register_scalable_target, **{**scaled.what, "MinCapacity": 1, "MaxCapacity": 4, **change})
    assert said[0] == code and words in said[1], said


def test_the_first_registration_needs_both_bounds(scaled):
    assert refused(scaled.scaling.register_scalable_target, **scaled.what, MinCapacity=1)[0] == "ValidationException"
    assert refused(scaled.scaling.put_scaling_policy, **scaled.what, PolicyName="p", PolicyType="TargetTrackingScaling",
                   TargetTrackingScalingPolicyConfiguration=CPU)[0] == "ObjectNotFoundException"


def test_target_tracking_makes_real_alarms(scaled):
    scaled.register()
    made = scaled.scaling.put_scaling_policy(**scaled.what, PolicyName="cpu", PolicyType="TargetTrackingScaling",
                                             TargetTrackingScalingPolicyConfiguration=CPU)
    high, low = sorted(made["Alarms"], key=lambda alarm: alarm["AlarmName"])
    assert high["AlarmName"].startswith(f"TargetTracking-{scaled.resource}-AlarmHigh-")
    assert low["AlarmName"].startswith(f"TargetTracking-{scaled.resource}-AlarmLow-")
    alarms = {alarm["AlarmArn"]: alarm for alarm in scaled.cloudwatch.describe_alarms(
        AlarmNamePrefix=f"TargetTracking-{scaled.resource}")["MetricAlarms"]}
    assert set(alarms) == {high["AlarmARN"], low["AlarmARN"]}
    alarm = alarms[high["AlarmARN"]]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/ECS", "CPUUtilization", "Average")
    assert {one["Name"]: one["Value"] for one in alarm["Dimensions"]} == {"ClusterName": scaled.cluster, "ServiceName": "web"}
    assert (alarm["Threshold"], alarm["ComparisonOperator"], alarm["Period"], alarm["EvaluationPeriods"]) == \
        (75.0, "GreaterThanThreshold", 60, 3)
    assert alarm["AlarmActions"] == [made["PolicyARN"]]
    assert alarm["AlarmDescription"] == f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {made['PolicyARN']}."
    alarm = alarms[low["AlarmARN"]]
    assert (alarm["Threshold"], alarm["ComparisonOperator"], alarm["EvaluationPeriods"]) == (67.5, "LessThanThreshold", 15)
    # A change keeps the policy and its alarms; without scaling in there is no low one.
    changed = scaled.scaling.put_scaling_policy(**scaled.what, PolicyName="cpu", PolicyType="TargetTrackingScaling",
                                                TargetTrackingScalingPolicyConfiguration={**CPU, "TargetValue": 50.0, "DisableScaleIn": True})
    assert changed["PolicyARN"] == made["PolicyARN"] and [one["AlarmName"] for one in changed["Alarms"]] == [high["AlarmName"]]
    policy = scaled.scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=scaled.resource)["ScalingPolicies"][0]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {**CPU, "TargetValue": 50.0, "DisableScaleIn": True}
    assert policy["Alarms"] == changed["Alarms"] and policy["PolicyType"] == "TargetTrackingScaling"
    scaled.scaling.delete_scaling_policy(**scaled.what, PolicyName="cpu")
    assert not scaled.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{scaled.resource}")["MetricAlarms"]
    assert refused(scaled.scaling.delete_scaling_policy, **scaled.what, PolicyName="cpu")[0] == "ObjectNotFoundException"


def test_other_metrics_to_follow(scaled):
    scaled.register()
    label = "app/front/50dc6c495c0c9188/targetgroup/web/6d0ecf831eec9f09"
    settings = {
        "memory": {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"}},
        "requests": {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}},
        "own": {"CustomizedMetricSpecification": {"Namespace": "app", "MetricName": "depth", "Statistic": "Maximum", "Unit": "Count",
                                                  "Dimensions": [{"Name": "queue", "Value": "q"}]}},
        "math": {"CustomizedMetricSpecification": {"Metrics": [
            {"Id": "m1", "MetricStat": {"Stat": "Sum", "Metric": {"Namespace": "app", "MetricName": "depth"}}, "ReturnData": False},
            {"Id": "m2", "MetricStat": {"Stat": "Average", "Metric": {"Namespace": "app", "MetricName": "tasks"}}, "ReturnData": False},
            {"Id": "e1", "Expression": "m1 / m2", "Label": "backlog of a task", "ReturnData": True}]}}}
    for name, more in settings.items():
        made = scaled.scaling.put_scaling_policy(**scaled.what, PolicyName=name, PolicyType="TargetTrackingScaling",
                                                 TargetTrackingScalingPolicyConfiguration={"TargetValue": 10.0, **more})
        alarms = scaled.cloudwatch.describe_alarms(AlarmNames=[one["AlarmName"] for one in made["Alarms"]])["MetricAlarms"]
        assert len(alarms) == 2, name
        if name == "requests":
            assert (alarms[0]["Namespace"], alarms[0]["MetricName"], alarms[0]["Statistic"]) == \
                ("AWS/ApplicationELB", "RequestCountPerTarget", "Sum")
            assert {one["Value"] for one in alarms[0]["Dimensions"]} == {"app/front/50dc6c495c0c9188", "targetgroup/web/6d0ecf831eec9f09"}
        if name == "math":
            assert {one["Id"]: one.get("Expression") for one in alarms[0]["Metrics"]} == {"m1": None, "m2": None, "e1": "m1 / m2"}
    names = [one["PolicyName"] for one in scaled.scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=scaled.resource,
                                                                                 PolicyNames=["own", "math"])["ScalingPolicies"]]
    assert sorted(names) == ["math", "own"]
    pages = scaled.scaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="ecs", ResourceId=scaled.resource, PaginationConfig={"PageSize": 3})
    assert [len(page["ScalingPolicies"]) for page in pages] == [3, 1]


TRACKING = "TargetTrackingScalingPolicyConfiguration"


@pytest.mark.parametrize("parameters, words", [
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {**CPU, "TargetValue": 0.0}}, "TargetValue"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {"TargetValue": 1.0}}, "Exactly one of"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {**CPU, "ScaleInCooldown": -1}}, "Cooldown"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {
        "TargetValue": 1.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}}}, "ResourceLabel"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {"TargetValue": 1.0, "PredefinedMetricSpecification": {
        "PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": "app/x"}}}, "ResourceLabel"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {"TargetValue": 1.0, "PredefinedMetricSpecification": {
        "PredefinedMetricType": "DynamoDBReadCapacityUtilization"}}}, "ecs:service:DesiredCount"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {"TargetValue": 1.0, "CustomizedMetricSpecification": {"MetricName": "m"}}}, "Namespace"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {"TargetValue": 1.0, "CustomizedMetricSpecification": {"Metrics": [
        {"Id": "e1", "Expression": "m1 +", "ReturnData": True}]}}}, "alarms of the policy"),
    ({"PolicyType": "TargetTrackingScaling", TRACKING: {"TargetValue": 1.0, "CustomizedMetricSpecification": {"Metrics": [
        {"Id": "e1", "Expression": "1", "ReturnData": False}]}}}, "ReturnData"),
    ({"PolicyType": "TargetTrackingScaling", "StepScalingPolicyConfiguration": STEPS}, "policy type"),
    ({"PolicyType": "StepScaling"}, "StepScalingPolicyConfiguration is required"),
    ({"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity"}}, "at least one step"),
    ({"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {**STEPS, "MinAdjustmentMagnitude": 2}}, "PercentChangeInCapacity"),
    ({"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {**STEPS, "StepAdjustments": [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 12.0, "ScalingAdjustment": 2}]}}, "gap"),
    ({"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {**STEPS, "StepAdjustments": [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 5.0, "ScalingAdjustment": 2}]}}, "overlap"),
    ({"PolicyType": "PredictiveScaling", "PredictiveScalingPolicyConfiguration": {"MetricSpecifications": [{"TargetValue": 40.0}]}},
     "Predictive"),
])
def test_policies_that_are_refused(scaled, parameters, words):
    scaled.register()
    code, message = refused(scaled.scaling.put_scaling_policy, **scaled.what, PolicyName="bad", **parameters)
    assert code == "ValidationException" and words in message, message
    assert not scaled.scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=scaled.resource)["ScalingPolicies"]
    assert not scaled.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{scaled.resource}")["MetricAlarms"]


def test_one_policy_of_a_metric(scaled):
    scaled.register()
    policy = {"PolicyType": "TargetTrackingScaling", TRACKING: CPU}
    scaled.scaling.put_scaling_policy(**scaled.what, PolicyName="one", **policy)
    assert refused(scaled.scaling.put_scaling_policy, **scaled.what, PolicyName="two", **policy) == (
        "ValidationException", "Only one TargetTrackingScaling policy for a given metric specification is allowed.")


def test_step_scaling_is_called_by_the_callers_alarms(scaled):
    scaled.register()
    made = scaled.scaling.put_scaling_policy(**scaled.what, PolicyName="steps", PolicyType="StepScaling",
                                             StepScalingPolicyConfiguration=STEPS)
    assert made["Alarms"] == [] and f":resource/ecs/{scaled.resource}:policyName/steps" in made["PolicyARN"]
    alarm = {"AlarmName": scaled.cluster, "Namespace": "app", "MetricName": "depth", "Statistic": "Maximum", "Period": 60,
             "EvaluationPeriods": 1, "Threshold": 10.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    scaled.cloudwatch.put_metric_alarm(**alarm, AlarmActions=[made["PolicyARN"]])
    policy = scaled.scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=scaled.resource)["ScalingPolicies"][0]
    assert [one["AlarmName"] for one in policy["Alarms"]] == [scaled.cluster]
    assert policy["StepScalingPolicyConfiguration"] == STEPS
    assert refused(scaled.cloudwatch.put_metric_alarm, **alarm,
                   AlarmActions=["arn:aws:autoscaling:us-west-1:123456789012:scalingPolicy:1:autoScalingGroupName/g:policyName/p"])
    scaled.scaling.deregister_scalable_target(**scaled.what)
    # It is the caller's own alarm: it stays.
    assert scaled.cloudwatch.describe_alarms(AlarmNames=[scaled.cluster])["MetricAlarms"]
    scaled.cloudwatch.delete_alarms(AlarmNames=[scaled.cluster])


def test_a_scheduled_action_runs(scaled):
    scaled.register(0, 4)
    soon = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=3)
    berlin = soon.astimezone(__import__("zoneinfo").ZoneInfo("Europe/Berlin"))
    scaled.scaling.put_scheduled_action(**scaled.what, ScheduledActionName="soon", Timezone="Europe/Berlin",
                                        Schedule=f"at({berlin:%Y-%m-%dT%H:%M:%S})",
                                        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 7})
    shown = scaled.scaling.describe_scheduled_actions(ServiceNamespace="ecs", ResourceId=scaled.resource)["ScheduledActions"][0]
    assert (shown["Timezone"], shown["ScalableTargetAction"]) == ("Europe/Berlin", {"MinCapacity": 0, "MaxCapacity": 7})
    assert ":scheduledActionName/soon" in shown["ScheduledActionARN"]
    assert scaled.target()["MaxCapacity"] == 4
    eventually(lambda: scaled.target()["MaxCapacity"] == 7, 10, what="the scheduled action ran")
    activity = scaled.scaling.describe_scaling_activities(ServiceNamespace="ecs", ResourceId=scaled.resource)["ScalingActivities"][0]
    assert activity["Description"] == "Setting min capacity to 0 and max capacity to 7"
    assert activity["Cause"] == "scheduled action name soon was triggered"
    assert activity["StatusCode"] == "Successful" and activity["EndTime"] >= activity["StartTime"]


def test_scheduled_actions_are_kept_changed_and_deleted(scaled):
    scaled.register()
    start = datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)
    for name, schedule in (("morning", "cron(0 8 ? * MON-FRI *)"), ("often", "rate(5 minutes)")):
        scaled.scaling.put_scheduled_action(**scaled.what, ScheduledActionName=name, Schedule=schedule, StartTime=start,
                                            ScalableTargetAction={"MinCapacity": 1})
    scaled.scaling.put_scheduled_action(**scaled.what, ScheduledActionName="morning", ScalableTargetAction={"MaxCapacity": 3})
    found = scaled.scaling.describe_scheduled_actions(ServiceNamespace="ecs", ResourceId=scaled.resource)["ScheduledActions"]
    assert [one["ScheduledActionName"] for one in found] == ["morning", "often"]
    assert (found[0]["Schedule"], found[0]["StartTime"], found[0]["ScalableTargetAction"]) == \
        ("cron(0 8 ? * MON-FRI *)", start, {"MaxCapacity": 3})
    scaled.scaling.delete_scheduled_action(**scaled.what, ScheduledActionName="often")
    assert refused(scaled.scaling.delete_scheduled_action, **scaled.what, ScheduledActionName="often")[0] == "ObjectNotFoundException"


@pytest.mark.parametrize("parameters", [
    {"Schedule": "cron(0 8 * * * *)"}, {"Schedule": "rate(1 minutes)"}, {"Schedule": "at(2020-01-01T00:00:00)"}, {"Schedule": "daily"},
    {"Schedule": "cron(0 8 * * ? *)", "Timezone": "Mars/Olympus"}, {"Schedule": "rate(1 hour)", "Timezone": "UTC"}, {},
    {"Schedule": "rate(1 hour)", "ScalableTargetAction": {}},
    {"Schedule": "rate(1 hour)", "ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}}])
def test_schedules_that_are_refused(scaled, parameters):
    scaled.register()
    assert refused(scaled.scaling.put_scheduled_action, **{**scaled.what, "ScheduledActionName": "bad",
                                                           "ScalableTargetAction": {"MinCapacity": 1}, **parameters})[0] == "ValidationException"


def test_tags(scaled):
    arn = scaled.register(Tags={"team": "a"})
    scaled.scaling.tag_resource(ResourceARN=arn, Tags={"stage": "test"})
    assert scaled.scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "a", "stage": "test"}
    scaled.scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert scaled.scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"stage": "test"}
    assert refused(scaled.scaling.list_tags_for_resource, ResourceARN=arn[:-4] + "zzzz")[0] == "ResourceNotFoundException"
    assert refused(scaled.scaling.tag_resource, ResourceARN=arn, Tags={"aws:x": "y"})[0] == "ValidationException"


def test_permissions(scaled, user):
    """Documented: https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html"""
    scaling = user.client("application-autoscaling")
    wanted = {**scaled.what, "MinCapacity": 0, "MaxCapacity": 1}
    code, message = refused(scaling.register_scalable_target, **wanted)
    assert code == "AccessDeniedException" and "application-autoscaling:RegisterScalableTarget" in message
    user.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "application-autoscaling:*", "Resource": "*"}]})
    assert "ecs:DescribeServices" in refused(scaling.register_scalable_target, **wanted)[1]
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ecs:DescribeServices", "ecs:UpdateService"], "Resource": "*"},
        {"Effect": "Allow", "Action": "application-autoscaling:*", "Resource": "*",
         "Condition": {"StringEquals": {"application-autoscaling:scalable-dimension": DIMENSION}}}]})
    arn = scaling.register_scalable_target(**wanted)["ScalableTargetARN"]
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "application-autoscaling:TagResource", "Resource": arn}]})
    scaling.tag_resource(ResourceARN=arn, Tags={"a": "b"})
    assert refused(scaling.deregister_scalable_target, **scaled.what)[0] == "AccessDeniedException"


def test_what_the_cli_types(aws, scaled):
    """Documented: https://docs.aws.amazon.com/autoscaling/application/userguide/create-target-tracking-policy-cli.html"""
    place = f"--service-namespace ecs --scalable-dimension {DIMENSION} --resource-id {scaled.resource}"
    aws(f"aws application-autoscaling register-scalable-target {place} --min-capacity 0 --max-capacity 4")
    made = aws(f"aws application-autoscaling put-scaling-policy {place} --policy-name cpu --policy-type TargetTrackingScaling"
               " --target-tracking-scaling-policy-configuration", json.dumps(CPU)).json
    assert len(made["Alarms"]) == 2
    found = aws("aws application-autoscaling describe-scaling-policies --service-namespace ecs --resource-id " + scaled.resource).json
    assert [one["PolicyName"] for one in found["ScalingPolicies"]] == ["cpu"]
    aws(f"aws application-autoscaling put-scheduled-action {place} --scheduled-action-name night --schedule",
        "cron(0 22 * * ? *)", "--scalable-target-action", "MinCapacity=0,MaxCapacity=1")
    assert aws("aws application-autoscaling describe-scaling-activities --service-namespace ecs --resource-id "
               + scaled.resource).json["ScalingActivities"] == []
    aws(f"aws application-autoscaling deregister-scalable-target {place}")


def test_lists_of_other_services_and_broken_tokens(scaled):
    code, message = refused(scaled.scaling.describe_scalable_targets, ServiceNamespace="rds")
    assert code == "ValidationException" and "ecs:service:DesiredCount" in message
    assert refused(scaled.scaling.describe_scalable_targets, ServiceNamespace="ecs", NextToken="x")[0] == "InvalidNextTokenException"
    assert refused(scaled.scaling.describe_scaling_policies, ServiceNamespace="ecs", ScalableDimension=DIMENSION)[0] == "ValidationException"
    assert refused(scaled.scaling.describe_scaling_activities, ServiceNamespace="ecs", MaxResults=0)[0] == "ValidationException"

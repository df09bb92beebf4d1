"""Row B4: a service has 1 to 4 tasks, as its load wants; and what it does when alarms flap, metrics are missing or the server dies.

The server of these tests makes the alarms of target tracking with periods of 10 s, one to scale out and three to scale in; AWS's have 60 s,
three and fifteen. Everything else is as it is.

Documented: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html
"""
import datetime
import json
import re
import threading
import time
import urllib.request

import pytest

from harness.clients import Aws, Clients
from harness.leaks import serving, stop_and_check
from harness.server import REGION, Server
from harness.small_tasks import SmallTasks
from harness.waiting import eventually

DIMENSION = "ecs:service:DesiredCount"


class World:
    def __init__(self, server: Server, folder):
        self.server = server
        clients = Clients(server.environment(), REGION)
        self.small = SmallTasks(clients, folder)
        self.scaling, self.cloudwatch, self.ecs = clients("application-autoscaling"), clients("cloudwatch"), clients("ecs")
        self.aws = Aws(server.environment(), folder, REGION)

    def place(self, service: str) -> dict:
        return {"ServiceNamespace": "ecs", "ResourceId": f"service/{self.small.name}/{service}", "ScalableDimension": DIMENSION}

    def serve(self, service: str, *command: str, low: int = 1, high: int = 4) -> None:
        self.small.create_service(service, self.small.define(*command), 1)
        self.running(service, 1)
        self.scaling.register_scalable_target(**self.place(service), MinCapacity=low, MaxCapacity=high)

    def count(self, service: str) -> int:
        return self.small.service(service)["runningCount"]

    def running(self, service: str, count: int, within_s: float = 60) -> None:
        eventually(lambda: self.count(service) == count and self.small.service(service)["desiredCount"] == count, within_s,
                   what=f"{count} tasks of {service}")

    def activities(self, service: str, **more) -> list[dict]:
        return self.scaling.describe_scaling_activities(ServiceNamespace="ecs", ResourceId=self.place(service)["ResourceId"],
                                                        **more)["ScalingActivities"]

    def remove(self, service: str) -> None:
        self.scaling.deregister_scalable_target(**self.place(service))
        self.ecs.delete_service(cluster=self.small.name, service=service, force=True)

    def put(self, name: str, value: float) -> None:
        self.cloudwatch.put_metric_data(Namespace="b4", MetricData=[{"MetricName": name, "Value": value, "StorageResolution": 1}])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with serving(Server(options=("--target-tracking-alarms", "10,1,3"))) as server:
        made = World(server, tmp_path_factory.mktemp("folder"))
        yield made
        made.small.remove()


def test_b4_tasks_follow_the_load_over_a_crash_of_the_server(world):
    """Tasks use all of their CPU for a while, then none."""
    end = int(time.time()) + 70
    world.small.create_service("busy", world.small.define(
        "sh", "-c", f"while [ $(date +%s) -lt {end} ]; do :; done; exec sleep 900"), 1)
    world.running("busy", 1)
    place = (f"--service-namespace ecs --scalable-dimension {DIMENSION} "
             f"--resource-id service/{world.small.name}/busy")
    world.aws(f"aws application-autoscaling register-scalable-target {place} --min-capacity 1 --max-capacity 4")
    world.aws(f"aws application-autoscaling put-scaling-policy {place} --policy-name cpu --policy-type TargetTrackingScaling"
              " --target-tracking-scaling-policy-configuration", json.dumps({
                  "TargetValue": 20, "ScaleOutCooldown": 5, "ScaleInCooldown": 5,
                  "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}))
    eventually(lambda: world.small.service("busy")["desiredCount"] > 1, 60, what="more than one task is wanted")
    world.server.kill()
    world.server.start()
    eventually(lambda: world.count("busy") > 1, 40, what="more than one task runs")
    world.running("busy", 1, 120)
    told = list(reversed(world.activities("busy")))
    assert re.fullmatch(r"monitor alarm TargetTracking-service/\w+/busy-AlarmHigh-[-0-9a-f]{36} in state ALARM triggered policy cpu",
                        told[0]["Cause"]), told[0]
    assert "AlarmLow" in told[-1]["Cause"] and told[-1]["Description"] == "Setting desired count to 1."
    eventually(lambda: world.activities("busy")[0]["StatusMessage"] ==
               "Successfully set desired count to 1. Change successfully fulfilled by ecs.", 20)
    # The count never left the bounds, and nothing scaled in while the load was there.
    counts = [int(re.findall(r"\d+", one["Description"])[0]) for one in told]
    assert max(counts) <= 4 and min(counts) == 1
    assert all(one["StartTime"].timestamp() > end for one in told if "AlarmLow" in one["Cause"])
    world.remove("busy")


def test_cpu_and_memory_are_measured_within_a_minute(world):
    world.ecs.update_cluster_settings(cluster=world.small.name, settings=[{"name": "containerInsights", "value": "enhanced"}])
    # A file of 60 MiB in memory: an eighth of the 512 MiB that are reserved.
    world.small.create_service("measured", world.small.define(
        "sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=60; exec sleep 900"), 1)
    world.running("measured", 1)
    dimensions = {"ClusterName": world.small.name, "ServiceName": "measured"}

    def statistics(namespace: str, metric: str, of: dict = dimensions, statistic: str = "Average") -> float | None:
        now = datetime.datetime.now(datetime.timezone.utc)
        points = world.cloudwatch.get_metric_statistics(
            Namespace=namespace, MetricName=metric, Dimensions=[{"Name": name, "Value": value} for name, value in of.items()],
            StartTime=now - datetime.timedelta(minutes=5), EndTime=now + datetime.timedelta(minutes=1), Period=60,
            Statistics=[statistic])["Datapoints"]
        return max(points, key=lambda point: point["Timestamp"])[statistic] if points else None
    memory = eventually(lambda: statistics("AWS/ECS", "MemoryUtilization"), 60, what="memory is measured")
    assert 11 < memory < 25, memory
    assert 0 <= statistics("AWS/ECS", "CPUUtilization") < 50
    assert statistics("AWS/ECS", "MemoryUtilization", {"ClusterName": world.small.name}) > 0
    eventually(lambda: statistics("ECS/ContainerInsights", "RunningTaskCount") == 1, 130, what="Container Insights")
    assert statistics("ECS/ContainerInsights", "DesiredTaskCount") == 1
    assert statistics("ECS/ContainerInsights", "DeploymentCount") == 1
    eventually(lambda: statistics("ECS/ContainerInsights", "CpuReserved") == 256, 70, what="reservations")
    assert statistics("ECS/ContainerInsights", "MemoryReserved") == 512
    assert 60 < statistics("ECS/ContainerInsights", "MemoryUtilized") < 128
    assert statistics("ECS/ContainerInsights", "ServiceCount", {"ClusterName": world.small.name}) >= 1
    names = {metric["MetricName"] for metric in world.cloudwatch.list_metrics(Namespace="ECS/ContainerInsights")["Metrics"]}
    assert {"ContainerCpuUtilized", "TaskMemoryUtilization", "NetworkRxBytes"} <= names
    world.ecs.update_cluster_settings(cluster=world.small.name, settings=[{"name": "containerInsights", "value": "disabled"}])
    world.ecs.delete_service(cluster=world.small.name, service="measured", force=True)


def test_steps_flapping_and_missing_metrics(world):
    world.serve("steps", "sleep", "900")
    out = world.scaling.put_scaling_policy(
        **world.place("steps"), PolicyName="out", PolicyType="StepScaling", StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity", "Cooldown": 300, "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 50.0, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 50.0, "ScalingAdjustment": 2}]})["PolicyARN"]
    alarm = {"Namespace": "b4", "MetricName": "depth", "Statistic": "Maximum", "Period": 10, "EvaluationPeriods": 1}
    world.cloudwatch.put_metric_alarm(AlarmName="b4-depth-high", Threshold=10.0, AlarmActions=[out],
                                      ComparisonOperator="GreaterThanOrEqualToThreshold", **alarm)
    assert "NoAlarm" not in world.server.why("service/%s/steps" % world.small.name)
    assert "MetricMissing" in world.server.why("service/%s/steps" % world.small.name)

    value, going = [20.0], [True]

    def feed() -> None:
        while going[0]:
            if value[0] is not None:
                world.put("depth", value[0])
            time.sleep(1)
    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        world.running("steps", 2, 60)
        assert world.activities("steps")[0]["Cause"] == "monitor alarm b4-depth-high in state ALARM triggered policy out"
        # Flapping: the alarm comes and goes within the cool-down, and nothing more is added.
        def flap(to: float, state: str) -> None:
            value[0] = to
            eventually(lambda: world.cloudwatch.describe_alarms(AlarmNames=["b4-depth-high"])["MetricAlarms"][0]["StateValue"] ==
                       state, 60, what=f"the alarm is {state}")
        flap(1.0, "OK")
        flap(20.0, "ALARM")
        time.sleep(3)
        assert world.small.service("steps")["desiredCount"] == 2
        assert "CoolingDown" in world.server.why("service/%s/steps" % world.small.name)
        # A larger step in the cool-down adds the difference: two more than the one at its beginning.
        flap(1.0, "OK")
        flap(90.0, "ALARM")
        world.running("steps", 3, 60)
        # Missing metrics scale nothing.
        value[0] = None
        eventually(lambda: world.cloudwatch.describe_alarms(AlarmNames=["b4-depth-high"])["MetricAlarms"][0]["StateValue"] ==
                   "INSUFFICIENT_DATA", 60, what="the metric is missing")
        assert world.small.service("steps")["desiredCount"] == 3
    finally:
        going[0] = False
        thread.join()
    world.cloudwatch.delete_alarms(AlarmNames=["b4-depth-high"])
    world.remove("steps")


def test_target_tracking_without_its_metric_keeps_what_there_is(world):
    world.serve("quiet", "sleep", "900", low=1, high=4)
    world.ecs.update_service(cluster=world.small.name, service="quiet", desiredCount=2)
    world.running("quiet", 2)
    world.scaling.put_scaling_policy(
        **world.place("quiet"), PolicyName="none", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 10.0, "ScaleInCooldown": 1, "CustomizedMetricSpecification": {
                "Namespace": "b4", "MetricName": "nobody puts it", "Statistic": "Average"}})
    time.sleep(12)
    assert world.small.service("quiet")["desiredCount"] == 2
    assert "MetricMissing" in world.server.why("quiet")
    # At the maximum, under load, it says what it would want.
    world.scaling.register_scalable_target(**world.place("quiet"), MaxCapacity=2)

    def full() -> list[dict]:
        world.put("nobody puts it", 100.0)
        return [one for one in world.activities("quiet", IncludeNotScaledActivities=True) if one.get("NotScaledReasons")]
    reason = eventually(full, 60, every_s=1, what="an attempt that did not scale")[0]["NotScaledReasons"][0]
    assert reason == {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 2}
    why = world.server.why("quiet")
    assert "AlreadyAtMaxCapacity" in why and "--max-capacity 20" in why
    assert not [one for one in world.activities("quiet") if one.get("NotScaledReasons")]
    world.remove("quiet")


def test_requests_of_a_balancer_scale_a_service(tmp_path_factory):
    """ALBRequestCountPerTarget: a load balancer's counts come once a minute, so this server's alarms have periods of a minute."""
    server = Server(options=("--target-tracking-alarms", "60,1,1"))
    try:
        server.start()
        world = World(server, tmp_path_factory.mktemp("folder"))
        clients = Clients(server.environment(), REGION)
        elbv2, ec2 = clients("elbv2"), clients("ec2")
        for port in (80, 3000):
            ec2.authorize_security_group_ingress(GroupId=world.small.group, IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        balancer = elbv2.create_load_balancer(Name="requests", Subnets=world.small.subnets,
                                              SecurityGroups=[world.small.group])["LoadBalancers"][0]
        group = elbv2.create_target_group(Name="requests", Protocol="HTTP", Port=3000, VpcId=world.small.vpc, TargetType="ip",
                                          HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=4,
                                          HealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        elbv2.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                              DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        definition = world.small.define("sh", "-c", "mkdir -p /tmp/w && echo ok > /tmp/w/index.html && exec httpd -f -p 3000 -h /tmp/w",
                                        portMappings=[{"containerPort": 3000}])
        world.small.create_service("web", definition, 1, loadBalancers=[
            {"targetGroupArn": group, "containerName": "app", "containerPort": 3000}])
        world.scaling.register_scalable_target(**world.place("web"), MinCapacity=1, MaxCapacity=2)
        label = balancer["LoadBalancerArn"].split(":loadbalancer/")[1] + "/" + group.split(":")[-1]
        world.scaling.put_scaling_policy(
            **world.place("web"), PolicyName="requests", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 50.0, "ScaleInCooldown": 1, "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}})

        def ask() -> bool:
            with urllib.request.urlopen(f"http://{balancer['DNSName']}/", timeout=5) as answer:
                return answer.status == 200
        eventually(ask, 60, what="the balancer answers")

        def asked_and_grown() -> bool:
            for _ in range(20):
                ask()
            return world.small.service("web")["desiredCount"] == 2
        eventually(asked_and_grown, 200, every_s=1, what="a second task for the requests")
        eventually(lambda: world.small.service("web")["desiredCount"] == 1, 300, every_s=1, what="one task without requests")
        assert "AlarmLow" in world.activities("web")[0]["Cause"]
        world.small.remove()
    finally:
        stop_and_check(server)

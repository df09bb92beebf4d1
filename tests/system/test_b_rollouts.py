"""Rows B3 and B10: an ECS service behind a load balancer changes, and no request is lost."""
import http.client
import threading
import time
from collections import Counter

import pytest

from harness.clients import Clients
from harness.leaks import stop_and_check
from harness.server import REGION, Server
from harness.small_tasks import SmallTasks
from harness.waiting import eventually

PORT = 3000
SERVE = "mkdir -p /tmp/www && echo ok > /tmp/www/index.html && exec httpd -f -p 3000 -h /tmp/www"


class Load:
    """Requests without pause, on connections that are kept, until it is stopped."""

    def __init__(self, host: str, threads: int = 3):
        self.host, self.going = host, True
        self.said: Counter = Counter()
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def _ask(self) -> None:
        connection = None
        while self.going:
            try:
                connection = connection or http.client.HTTPConnection(self.host, 80, timeout=10)
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                self.said[answer.status] += 1
            except OSError as lost:
                self.said[repr(lost)] += 1
                connection = None
            except http.client.HTTPException as lost:
                self.said[repr(lost)] += 1
                connection = None
            time.sleep(0.005)

    def stop(self) -> Counter:
        self.going = False
        for thread in self.threads:
            thread.join(20)
        return self.said


class Balanced:
    """Two tasks of busybox's web server behind a load balancer in the default VPC."""

    def __init__(self, server: Server, folder):
        self.server = server
        clients = Clients(server.environment(), REGION)
        self.small = SmallTasks(clients, folder)
        self.elbv2, ec2 = clients("elbv2"), clients("ec2")
        for port, source in ((80, {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
                             (PORT, {"UserIdGroupPairs": [{"GroupId": self.small.group}]})):
            ec2.authorize_security_group_ingress(
                GroupId=self.small.group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}])
        balancer = self.elbv2.create_load_balancer(Name="rollouts", Subnets=self.small.subnets,
                                                   SecurityGroups=[self.small.group])["LoadBalancers"][0]
        self.name = balancer["DNSName"]
        self.group = self.elbv2.create_target_group(
            Name="rollouts", Protocol="HTTP", Port=PORT, VpcId=self.small.vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        self.elbv2.modify_target_group_attributes(
            TargetGroupArn=self.group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3"}])
        self.elbv2.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                                   DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}])
        self.definition = self.small.define("sh", "-c", SERVE, portMappings=[{"containerPort": PORT}])
        self.small.create_service("web", self.definition, 2, healthCheckGracePeriodSeconds=30, loadBalancers=[
            {"targetGroupArn": self.group, "containerName": "app", "containerPort": PORT}])
        self.steady(2)

    def steady(self, count: int, within_s: float = 90) -> None:
        """The service has `count` tasks, all of one completed deployment, all healthy in the target group."""
        def settled() -> bool:
            service = self.small.service("web")
            states = [item["TargetHealth"]["State"]
                      for item in self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]]
            return (len(service["deployments"]) == 1 and service["deployments"][0]["rolloutState"] == "COMPLETED"
                    and service["runningCount"] == count and states == ["healthy"] * count)
        eventually(settled, within_s, what=f"{count} tasks behind the balancer")

    def update(self, **change: object) -> None:
        self.small.ecs.update_service(cluster=self.small.name, service="web", **change)

    def events(self) -> list[str]:
        return [event["message"] for event in self.small.service("web")["events"]]


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    server = Server()
    try:
        server.start()
        world = Balanced(server, tmp_path_factory.mktemp("folder"))
        yield world
        world.small.remove()
    finally:
        stop_and_check(server)


def test_deployments_and_scaling_lose_no_request(balanced):
    load = Load(balanced.name)
    try:
        balanced.update(forceNewDeployment=True)
        balanced.steady(2)
        balanced.update(desiredCount=3)
        balanced.steady(3)
        balanced.update(desiredCount=1)
        balanced.steady(1)
        balanced.update(desiredCount=2, forceNewDeployment=True)
        balanced.steady(2)
    finally:
        said = load.stop()
    assert set(said) == {200}, said
    assert said[200] > 100


def test_the_servers_death_in_a_deployment_loses_no_request(balanced):
    load = Load(balanced.name)
    try:
        balanced.update(forceNewDeployment=True)
        balanced.server.kill()
        balanced.server.start()
        balanced.steady(2)
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_a_bad_deployment_takes_no_traffic_from_the_good_one(balanced):
    """The new tasks run, but answer nothing: the balancer says so, they are replaced, the old ones serve."""
    mute = balanced.small.define("sleep", "600", portMappings=[{"containerPort": PORT}])
    load = Load(balanced.name)
    try:
        balanced.update(taskDefinition=mute, healthCheckGracePeriodSeconds=0)
        eventually(lambda: [event for event in balanced.events() if "is unhealthy in (target-group" in event], 60,
                   what="an event that names the target group")
        balanced.update(taskDefinition=balanced.definition)
        balanced.steady(2, within_s=120)
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_what_it_cannot_balance_is_refused(balanced):
    def refused(**target: object) -> str:
        with pytest.raises(balanced.small.ecs.exceptions.InvalidParameterException) as problem:
            balanced.small.create_service("other", balanced.definition, 1, loadBalancers=[
                {"targetGroupArn": balanced.group, "containerName": "app", "containerPort": PORT, **target}])
        return problem.value.response["Error"]["Message"]

    assert refused(containerName="nobody") == "The container nobody does not exist in the task definition."
    assert refused(containerPort=81) == "The container app did not have a container port 81 defined."
    assert "Unable to find target group" in refused(targetGroupArn=balanced.group[:-1])

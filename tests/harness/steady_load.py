"""A service of small web servers behind a load balancer, and requests to it."""
import http.client
import threading
import time
from collections import Counter

from harness.clients import Clients
from harness.server import REGION, Server
from harness.small_tasks import SmallTasks
from harness.waiting import eventually

PORT = 3000


def serve(text: str) -> str:
    """A shell's command line of a web server that says `text`."""
    return f"mkdir -p /tmp/www && echo {text} > /tmp/www/index.html && exec httpd -f -p {PORT} -h /tmp/www"


class Load:
    """Requests without pause, on connections that are kept, until it is stopped."""

    def __init__(self, host: str, threads: int = 3, port: int = 80):
        self.host, self.port, self.going = host, port, True
        self.said: Counter = Counter()
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def _ask(self) -> None:
        connection = None
        while self.going:
            try:
                connection = connection or http.client.HTTPConnection(self.host, self.port, timeout=10)
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
        self.name, self.arn = balancer["DNSName"], balancer["LoadBalancerArn"]
        self.group = self.elbv2.create_target_group(
            Name="rollouts", Protocol="HTTP", Port=PORT, VpcId=self.small.vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=4, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        self.elbv2.modify_target_group_attributes(
            TargetGroupArn=self.group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3"}])
        self.elbv2.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                                   DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}])
        self.definition = self.small.define("sh", "-c", serve("ok"), portMappings=[{"containerPort": PORT}])
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

    def running(self) -> list[dict]:
        arns = self.small.ecs.list_tasks(cluster=self.small.name, serviceName="web")["taskArns"]
        return self.small.ecs.describe_tasks(cluster=self.small.name, tasks=arns)["tasks"]

    def events(self) -> list[str]:
        return [event["message"] for event in self.small.service("web")["events"]]

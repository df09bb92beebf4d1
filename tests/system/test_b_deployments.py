"""Issue 4, rollouts: service deployments and revisions, roll-back, blue/green, with the AWS CLI."""
import http.client
import json
import time

import pytest

from harness.steady_load import PORT, Balanced, Load, serve
from harness.clients import Aws
from harness.leaks import serving
from harness.server import REGION, Server
from harness.waiting import eventually


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    with serving(Server()) as server:
        yield Balanced(server, tmp_path_factory.mktemp("folder"))


@pytest.fixture(scope="module")
def aws(balanced, tmp_path_factory):
    return Aws(balanced.server.environment(), tmp_path_factory.mktemp("home"), REGION)


class Deployments:
    """What `aws ecs` says of a service's deployments."""

    def __init__(self, aws: Aws, cluster: str, service: str):
        self.aws, self.cluster, self.service = aws, cluster, service

    def list(self, *more: str) -> list[dict]:
        """Newest first."""
        return self.aws(f"aws ecs list-service-deployments --cluster {self.cluster} --service {self.service}",
                        *more).json["serviceDeployments"]

    def latest(self) -> dict:
        arn = self.list()[0]["serviceDeploymentArn"]
        return self.aws(f"aws ecs describe-service-deployments --service-deployment-arns {arn}").json["serviceDeployments"][0]

    def revision(self, arn: str) -> dict:
        return self.aws(f"aws ecs describe-service-revisions --service-revision-arns {arn}").json["serviceRevisions"][0]

    def ended(self, status: str, within_s: float = 120) -> dict:
        try:
            return eventually(lambda: found if (found := self.latest())["status"] == status else None, within_s, 0.5,
                              what=f"a deployment that ended {status}")
        except AssertionError as late:
            raise AssertionError(f"{late}; {self.latest()}") from None


@pytest.fixture(scope="module")
def deployments(balanced, aws):
    return Deployments(aws, balanced.small.name, "web")


def test_a_deployment_is_described(balanced, deployments):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html"""
    first = deployments.latest()
    assert first["status"] == "SUCCESSFUL" and first["sourceServiceRevisions"] == []
    balanced.update(forceNewDeployment=True)
    # It may be over before a command line has started.
    arn = balanced.small.service("web")["currentServiceDeployment"]
    under_way = balanced.small.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]
    assert deployments.list()[0]["serviceDeploymentArn"] == arn
    assert under_way["status"] in ("PENDING", "IN_PROGRESS")
    assert [source["arn"] for source in under_way["sourceServiceRevisions"]] == [first["targetServiceRevision"]["arn"]]
    balanced.steady(2)
    done = deployments.ended("SUCCESSFUL")
    assert done["targetServiceRevision"]["runningTaskCount"] == 2
    assert done["startedAt"] <= done["finishedAt"]
    assert done["deploymentConfiguration"]["strategy"] == "ROLLING"
    revision = deployments.revision(done["targetServiceRevision"]["arn"])
    assert revision["taskDefinition"] == balanced.definition
    image = revision["containerImages"][0]
    assert image["containerName"] == "app" and image["imageDigest"].startswith("sha256:")
    assert revision["loadBalancers"][0]["targetGroupArn"] == balanced.group
    deployments_now = balanced.small.service("web")["deployments"]
    assert revision["serviceRevisionArn"].rsplit("/")[-1] == deployments_now[0]["id"].removeprefix("ecs-svc/")
    assert deployments.list("--status", "STOPPED") == []
    listing = f"aws ecs list-service-deployments --cluster {deployments.cluster} --service web --max-results 1"
    page = deployments.aws(listing).json
    assert [item["serviceDeploymentArn"] for item in page["serviceDeployments"]] == [arn]
    rest = deployments.aws(listing, "--next-token", page["nextToken"]).json
    assert [item["targetServiceRevisionArn"] for item in rest["serviceDeployments"]] == [first["targetServiceRevision"]["arn"]]
    assert "nextToken" not in rest


def test_unknown_deployments_are_failures(balanced, deployments):
    known = deployments.list()[0]["serviceDeploymentArn"]
    said = deployments.aws(f"aws ecs describe-service-deployments --service-deployment-arns {known[:-1]}").json
    assert said["failures"] == [{"arn": known[:-1], "reason": "MISSING"}]
    refused = deployments.aws(f"aws ecs stop-service-deployment --service-deployment-arn {known[:-1]}", check=False)
    assert "ServiceDeploymentNotFoundException" in refused.stderr
    refused = deployments.aws(f"aws ecs stop-service-deployment --service-deployment-arn {known}", check=False)
    assert "ConflictException" in refused.stderr, "it has ended"


def test_the_circuit_breaker_rolls_back(balanced, deployments):
    """Tasks that end at once: after three of them the revision that worked is PRIMARY again; its tasks never stopped."""
    bad = balanced.small.define("false", portMappings=[{"containerPort": PORT}])
    before = {task["taskArn"] for task in balanced.running()}
    load = Load(balanced.name)
    try:
        balanced.update(taskDefinition=bad, deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": True, "rollback": True}})
        done = deployments.ended("ROLLBACK_SUCCESSFUL")
    finally:
        said = load.stop()
    assert set(said) == {200}, said
    assert done["deploymentCircuitBreaker"]["status"] == "TRIGGERED" and done["deploymentCircuitBreaker"]["threshold"] == 3
    assert done["deploymentCircuitBreaker"]["failureCount"] >= 3
    assert done["rollback"]["serviceRevisionArn"] == done["sourceServiceRevisions"][0]["arn"]
    assert "circuit breaker" in done["rollback"]["reason"]
    service = balanced.small.service("web")
    assert service["taskDefinition"] == balanced.definition and len(service["deployments"]) == 1
    assert {task["taskArn"] for task in balanced.running()} == before
    events = balanced.events()
    assert any("deployment failed: tasks failed to start." in event for event in events), events
    assert any("rolling back to deployment ecs-svc/" in event for event in events), events


def test_a_deployment_is_stopped_and_rolled_back(balanced, deployments):
    never = balanced.small.define("sleep", "600", portMappings=[{"containerPort": PORT}])
    balanced.update(taskDefinition=never, healthCheckGracePeriodSeconds=600)
    arn = deployments.list()[0]["serviceDeploymentArn"]
    assert deployments.aws(f"aws ecs stop-service-deployment --service-deployment-arn {arn} --stop-type ROLLBACK"
                           ).json["serviceDeploymentArn"] == arn
    done = deployments.ended("ROLLBACK_SUCCESSFUL")
    assert done["serviceDeploymentArn"] == arn and "user" in done["statusReason"]
    balanced.steady(2)
    assert balanced.small.service("web")["taskDefinition"] == balanced.definition


def test_an_alarm_rolls_back(balanced, deployments):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"""
    alarm = f"{balanced.small.name}-errors"
    cloudwatch = balanced.small.clients("cloudwatch")
    watch = {"alarmNames": [alarm], "enable": True, "rollback": True}
    with pytest.raises(balanced.small.ecs.exceptions.InvalidParameterException, match="does not exist"):
        balanced.update(deploymentConfiguration={"alarms": watch})
    cloudwatch.put_metric_alarm(AlarmName=alarm, Namespace=alarm, MetricName="Errors", Statistic="Sum", Period=60,
                                EvaluationPeriods=1, Threshold=5, ComparisonOperator="GreaterThanThreshold")
    new = balanced.small.define("sh", "-c", serve("new"), portMappings=[{"containerPort": PORT}])
    load = Load(balanced.name)
    try:
        balanced.update(taskDefinition=new, deploymentConfiguration={"alarms": watch})
        eventually(lambda: deployments.latest()["alarms"]["status"] == "MONITORING", 30)
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="drill")
        done = deployments.ended("ROLLBACK_SUCCESSFUL")
    finally:
        said = load.stop()
    assert set(said) == {200}, said
    assert done["alarms"] == {"status": "TRIGGERED", "alarmNames": [alarm], "triggeredAlarmNames": [alarm]}
    assert done["rollback"]["serviceRevisionArn"] == done["sourceServiceRevisions"][0]["arn"]
    service = balanced.small.service("web")
    assert service["taskDefinition"] == balanced.definition and len(service["deployments"]) == 1
    failed = done["targetServiceRevision"]["arn"].rsplit("/")[-1]
    assert f"(service web) (deployment ecs-svc/{failed}) deployment failed: alarm detected." in balanced.events()
    balanced.update(deploymentConfiguration={"alarms": {"alarmNames": [], "enable": False, "rollback": False}})
    cloudwatch.delete_alarms(AlarmNames=[alarm])


# Blue/green


TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def asked(host: str, port: int) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    connection.request("GET", "/")
    return connection.getresponse().read().decode().strip()


class BlueGreen:
    """A second service, with production traffic on port 81 and test traffic on port 82 of the same balancer."""

    def __init__(self, balanced: Balanced, aws: Aws):
        self.balanced, self.aws, small = balanced, aws, balanced.small
        ec2, elbv2, iam = (small.clients(name) for name in ("ec2", "elbv2", "iam"))
        for port in (81, 82):
            ec2.authorize_security_group_ingress(GroupId=small.group, IpProtocol="tcp", FromPort=port, ToPort=port,
                                                 CidrIp="0.0.0.0/0")
        self.groups = [elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=PORT, VpcId=small.vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=4, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
            for name in ("blue", "green")]
        for group in self.groups:
            elbv2.modify_target_group_attributes(
                TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "2"}])
        rules = []
        for port in (81, 82):
            listener = elbv2.create_listener(LoadBalancerArn=balanced.arn, Protocol="HTTP", Port=port, DefaultActions=[
                {"Type": "forward", "TargetGroupArn": self.groups[0]}])["Listeners"][0]["ListenerArn"]
            rules.append(elbv2.describe_rules(ListenerArn=listener)["Rules"][0]["RuleArn"])
        self.role = iam.create_role(RoleName="ecsLoadBalancers", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="ecsLoadBalancers",
                               PolicyArn="arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers")
        self.advanced = {"alternateTargetGroupArn": self.groups[1], "productionListenerRule": rules[0],
                         "testListenerRule": rules[1], "roleArn": self.role}
        self.deployments = Deployments(aws, small.name, "colours")

    def create(self, **advanced: str | None):
        given = {key: value for key, value in {**self.advanced, **advanced}.items() if value}
        return self.aws(
            f"aws ecs create-service --cluster {self.balanced.small.name} --service-name colours --desired-count 2"
            " --launch-type FARGATE --health-check-grace-period-seconds 30 --task-definition", self.define("one"),
            "--network-configuration", json.dumps(self.balanced.small.network()),
            "--deployment-configuration", json.dumps({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}),
            "--load-balancers", json.dumps([{"targetGroupArn": self.groups[0], "containerName": "app", "containerPort": PORT,
                                             **({"advancedConfiguration": given} if given else {})}]), check=False)

    def define(self, text: str) -> str:
        return self.balanced.small.define("sh", "-c", serve(text), portMappings=[{"containerPort": PORT}])

    def update(self, text: str, bake_minutes: int = 0) -> None:
        self.not_before = time.monotonic()
        self.balanced.small.ecs.update_service(
            cluster=self.balanced.small.name, service="colours", taskDefinition=self.define(text),
            deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": bake_minutes})

    def tasks(self) -> set[str]:
        small = self.balanced.small
        return set(small.ecs.list_tasks(cluster=small.name, serviceName="colours")["taskArns"])

    def stage(self, wanted: str) -> dict:
        def there() -> dict | None:
            at = time.monotonic()
            found = self.deployments.latest()
            if found["lifecycleStage"] == wanted:
                return found
            self.not_before = at  # the stage had not begun
            return None

        return eventually(there, 90, 0.3, what=wanted)


@pytest.fixture(scope="module")
def colours(balanced, aws):
    made = BlueGreen(balanced, aws)
    assert made.create(roleArn=None).returncode != 0
    for bad, words in (({"productionListenerRule": made.advanced["productionListenerRule"][:-1]}, "listener rule"),
                       ({"alternateTargetGroupArn": made.groups[0]}, "must be different"),
                       ({"roleArn": balanced.small.role}, "ecs.amazonaws.com"),
                       (dict.fromkeys(made.advanced), "advancedConfiguration is required")):
        refused = made.create(**bad)
        assert "InvalidParameterException" in refused.stderr and words in refused.stderr, refused.stderr
    created = made.create()
    assert created.returncode == 0, created.stderr
    made.deployments.ended("SUCCESSFUL")
    return made


def test_blue_green_shifts_test_then_production_traffic(balanced, colours):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html"""
    host = balanced.name
    assert asked(host, 81) == "one" and asked(host, 82) == "one"
    load = Load(host, port=81)
    try:
        colours.update("two", bake_minutes=1)
        colours.stage("BAKE_TIME")
        assert asked(host, 81) == "two" and asked(host, 82) == "two"
        service = balanced.small.service("colours")
        assert service["runningCount"] == 4, "blue stays until the bake time is over"
        done = colours.deployments.ended("SUCCESSFUL")
        assert time.monotonic() - colours.not_before >= 60
        assert done["lifecycleStage"] == "CLEAN_UP"
        eventually(lambda: balanced.small.service("colours")["runningCount"] == 2, 30)
    finally:
        said = load.stop()
    assert set(said) == {200}, said
    revision = colours.deployments.revision(done["targetServiceRevision"]["arn"])
    resolved = revision["resolvedConfiguration"]["loadBalancers"][0]
    assert resolved["targetGroupArn"] == colours.groups[1]
    assert resolved["productionListenerRule"] == colours.advanced["productionListenerRule"]


def test_a_bad_green_gets_no_traffic(balanced, colours):
    load = Load(balanced.name, port=81)
    try:
        balanced.small.ecs.update_service(
            cluster=balanced.small.name, service="colours",
            taskDefinition=balanced.small.define("false", portMappings=[{"containerPort": PORT}]),
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
        done = colours.deployments.ended("ROLLBACK_SUCCESSFUL")
    finally:
        said = load.stop()
    assert set(said) == {200}, said
    assert done["rollback"]["serviceRevisionArn"] == done["sourceServiceRevisions"][0]["arn"]
    assert asked(balanced.name, 81) == "two" and asked(balanced.name, 82) == "two"


def test_going_back_from_the_bake_is_a_change_of_rules(balanced, colours):
    load = Load(balanced.name, port=81)
    try:
        colours.update("three", bake_minutes=30)
        arn = colours.stage("BAKE_TIME")["serviceDeploymentArn"]
        assert asked(balanced.name, 81) == "three"
        known = colours.tasks()
        colours.aws(f"aws ecs stop-service-deployment --service-deployment-arn {arn}")
        eventually(lambda: asked(balanced.name, 81) == "two", 60)
        colours.deployments.ended("ROLLBACK_SUCCESSFUL")
        assert colours.tasks() <= known, "no task had to start"
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_a_canary_gets_its_share_and_goes_back(balanced, colours):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html"""
    load = Load(balanced.name, port=81)
    try:
        balanced.small.ecs.update_service(
            cluster=balanced.small.name, service="colours", taskDefinition=colours.define("canary"), deploymentConfiguration={
                "strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 40.5, "canaryBakeTimeInMinutes": 30}})
        deployment = colours.stage("PRODUCTION_TRAFFIC_SHIFT")
        eventually(lambda: {asked(balanced.name, 81) for _ in range(20)} == {"two", "canary"}, 30)
        assert asked(balanced.name, 82) == "canary", "test traffic goes there whole"
        assert deployment["targetServiceRevision"]["requestedProductionTrafficWeight"] == 40.5
        assert deployment["deploymentConfiguration"]["canaryConfiguration"]["canaryPercent"] == 40.5
        colours.aws("aws ecs stop-service-deployment --service-deployment-arn", deployment["serviceDeploymentArn"])
        colours.deployments.ended("ROLLBACK_SUCCESSFUL")
        assert {asked(balanced.name, 81) for _ in range(10)} == {"two"}
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_a_linear_deployment_arrives(balanced, colours):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-linear.html"""
    balanced.small.ecs.update_service(
        cluster=balanced.small.name, service="colours", taskDefinition=colours.define("two"), deploymentConfiguration={
            "strategy": "LINEAR", "bakeTimeInMinutes": 0, "linearConfiguration": {"stepPercent": 30, "stepBakeTimeInMinutes": 0}})
    done = colours.deployments.ended("SUCCESSFUL")
    assert done["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100
    assert {asked(balanced.name, 81) for _ in range(10)} == {"two"}


def test_the_role_must_be_allowed_to_change_the_rules(balanced, colours):
    iam = balanced.small.clients("iam")
    policy = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
    iam.detach_role_policy(RoleName="ecsLoadBalancers", PolicyArn=policy)
    try:
        colours.update("four")
        eventually(lambda: any("unable to modify the listener rule" in event["message"]
                               for event in balanced.small.service("colours")["events"]), 60)
        assert asked(balanced.name, 81) == "two"
    finally:
        iam.attach_role_policy(RoleName="ecsLoadBalancers", PolicyArn=policy)
    colours.deployments.ended("SUCCESSFUL")
    assert asked(balanced.name, 81) == "four"


def test_what_there_is_not_is_refused(balanced, aws):
    def refused(configuration: dict) -> str:
        said = aws(f"aws ecs update-service --cluster {balanced.small.name} --service web --deployment-configuration",
                   json.dumps(configuration), check=False)
        assert "InvalidParameterException" in said.stderr, said.stderr
        return said.stderr

    assert "strategy is CANARY" in refused({"strategy": "CANARY"})
    assert "stepPercent" in refused({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2}})
    assert "LINEAR strategy only" in refused({"strategy": "CANARY", "linearConfiguration": {"stepPercent": 10}})
    assert "Lambda" in refused({"strategy": "BLUE_GREEN", "lifecycleHooks": [
        {"hookTargetArn": "arn:aws:lambda:us-west-1:123456789012:function:x", "roleArn": "arn:aws:iam::123456789012:role/x",
         "lifecycleStages": ["PRE_SCALE_UP"]}]})
    assert "bakeTimeInMinutes" in refused({"bakeTimeInMinutes": 5})
    assert "advancedConfiguration is required" in refused({"strategy": "BLUE_GREEN"})

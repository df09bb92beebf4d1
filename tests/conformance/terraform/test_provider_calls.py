"""Row B9: what `terraform apply`, a second `plan`, `refresh` and `destroy` of examples/frameratr/terraform ask of the API.

Ours: the calls are the AWS provider's (5.x) as its source makes them (harness/terraform); the provider itself is not run here.
"""
import re
import shutil
import subprocess

import pytest
from harness.clients import Clients
from harness.inventory import inventory
from harness.served import not_served
from harness.server import ROOT
from harness.terraform import RESOURCES, TAGS

FOLDER = ROOT / "examples/frameratr/terraform"
NAME = "frameratr-dev"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}
EVERYTHING = ("-1", 0, "0.0.0.0/0", "")
KEYS = ["DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASS", "TMDB_TOKEN", "TMDB_SLEEP_SEC", "FLASK_PORT"]


def test_the_files_are_formatted_and_every_resource_is_replayed():
    text = "".join(path.read_text() for path in FOLDER.glob("*.tf"))
    assert set(re.findall(r'^resource "(\w+)"', text, re.MULTILINE)) == set(RESOURCES)
    if terraform := shutil.which("terraform"):
        done = subprocess.run([terraform, "fmt", "-check", "-diff", FOLDER], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class Stack:
    """The resources in the order of their dependencies."""

    def __init__(self, clients, region: str):
        self.clients, self.region = clients, region
        self.made: list = []

    def __call__(self, kind: str, **arguments):
        resource = RESOURCES[kind](self.clients, **arguments)
        resource.kind_in_terraform = kind
        resource.create()
        self.made.append(resource)
        return resource

    def named(self, name: str) -> dict[str, str]:
        return {**TAGS, "Name": f"{NAME}-{name}"}

    def network(self) -> None:
        self.account = self.clients("sts").get_caller_identity()["Account"]
        zones = self.clients("ec2").describe_availability_zones(
            AllAvailabilityZones=False, Filters=[{"Name": "state", "Values": ["available"]}])["AvailabilityZones"]
        zones = sorted(zone["ZoneName"] for zone in zones if zone["ZoneType"] == "availability-zone")[:2]
        vpc = self("aws_vpc", cidr_block="10.0.0.0/16", instance_tenancy="default", enable_dns_hostnames=True, enable_dns_support=True,
                   enable_network_address_usage_metrics=False, ipv6=[], tags=self.named("vpc"))
        gateway = self("aws_internet_gateway", vpc_id=vpc.id, tags=self.named("igw"))
        subnets = {kind: [self("aws_subnet", vpc_id=vpc.id, cidr_block=f"10.0.{first + number}.0/24", availability_zone=zones[number],
                               map_public_ip_on_launch=kind == "public", tags=self.named(f"{kind}-{number + 1}"), ipv6_native=False,
                               assign_ipv6_address_on_creation=False, enable_dns64=False,
                               enable_resource_name_dns_a_record_on_launch=False, enable_resource_name_dns_aaaa_record_on_launch=False).id
                          for number in range(2)] for kind, first in (("public", 1), ("private", 10))}
        address = self("aws_eip", domain="vpc", tags=self.named("nat"))
        nat = self("aws_nat_gateway", allocation_id=address.id, subnet_id=subnets["public"][0], connectivity_type="public",
                   tags=self.named("nat"))
        for kind, way in (("public", {"GatewayId": gateway.id}), ("private", {"NatGatewayId": nat.id})):
            table = self("aws_route_table", vpc_id=vpc.id, routes={"0.0.0.0/0": way}, tags=self.named(kind))
            for subnet in subnets[kind]:
                self("aws_route_table_association", subnet_id=subnet, route_table_id=table.id)
        groups, before = {}, {("tcp", 80, "0.0.0.0/0", "HTTP"), ("tcp", 443, "0.0.0.0/0", "HTTPS")}
        for group, then in (("alb", (3000, "Flask")), ("ecs", (5432, "PostgreSQL")), ("rds", ())):
            made = self("aws_security_group", name=f"{NAME}-{group}-sg", description=f"group {group}", vpc_id=vpc.id, ingress=before,
                        egress={EVERYTHING}, tags=self.named(f"{group}-sg"))
            groups[group] = made.id
            before = {("tcp", then[0], made.id, then[1])} if then else set()
        self.vpc, self.subnets, self.groups = vpc.id, subnets, groups

    def balancer(self) -> None:
        attributes = RESOURCES["aws_lb"].ATTRIBUTES
        self.lb = self("aws_lb", name=f"{NAME}-alb", load_balancer_type="application", internal=False, security_groups={self.groups["alb"]},
                       subnets=set(self.subnets["public"]), ip_address_type="ipv4", attributes=attributes, tags=TAGS)
        self.targets = self(
            "aws_lb_target_group", name=f"{NAME}-tg", port=3000, protocol="HTTP", protocol_version="HTTP1", vpc_id=self.vpc, target_type="ip",
            ip_address_type="ipv4", attributes=RESOURCES["aws_lb_target_group"].ATTRIBUTES, tags=TAGS,
            **{f"health_check.{key}": value for key, value in {
                "path": "/health", "interval": 30, "timeout": 5, "healthy_threshold": 2, "unhealthy_threshold": 3, "matcher": "200",
                "port": "traffic-port", "enabled": True}.items()})
        self("aws_lb_listener", load_balancer_arn=self.lb.id, port=80, protocol="HTTP", type="forward", target_group_arn=self.targets.id, tags=TAGS)

    def data(self) -> None:
        self("aws_db_subnet_group", name=f"{NAME}-db", description="Managed by Terraform", subnet_ids=set(self.subnets["private"]), tags=TAGS)
        self("aws_db_instance", identifier=f"{NAME}-db", engine="postgres", engine_version=self.version(), instance_class="db.t3.micro",
             allocated_storage=20, storage_encrypted=True, db_name="frameratr", username="fr_user", db_subnet_group_name=f"{NAME}-db",
             vpc_security_group_ids={self.groups["rds"]}, publicly_accessible=False, backup_retention_period=7, multi_az=False,
             auto_minor_version_upgrade=True, copy_tags_to_snapshot=False, deletion_protection=False, tags=TAGS, port=5432,
             iam_database_authentication_enabled=False, performance_insights_enabled=False)
        self.secret = self("aws_secretsmanager_secret", name=f"{NAME}-backend", description="Settings of the backend", policy="", replica=[],
                           kms_key_id="", tags=TAGS)
        self("aws_secretsmanager_secret_version", secret_id=self.secret.id, secret_string='{"DB_HOST":"h"}', version_stages=["AWSCURRENT"])
        self("aws_ecr_repository", name=f"{NAME}-backend", image_tag_mutability="MUTABLE", encryption_type="AES256", scan_on_push=False, tags=TAGS)
        self("aws_ecr_lifecycle_policy", repository=f"{NAME}-backend", policy={"rules": [{
            "rulePriority": 1, "description": "Keep the last ten images", "action": {"type": "expire"},
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}}]})

    def version(self) -> str:
        versions = [one["EngineVersion"] for one in self.clients("rds").describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]]
        return "16.10" if "16.10" in versions else versions[-1]

    def containers(self) -> None:
        cluster = self("aws_ecs_cluster", name=f"{NAME}-cluster", status="ACTIVE", setting=[("containerInsights", "disabled")], configuration=None, tags=TAGS)
        self("aws_cloudwatch_log_group", name=f"/ecs/{NAME}-backend", retention_in_days=7, log_group_class="STANDARD", kms_key_id="", tags=TAGS)
        read = {"Version": "2012-10-17", "Statement": [
            {"Action": "secretsmanager:GetSecretValue", "Effect": "Allow", "Resource": self.secret.id}]}
        for role in ("execution", "task"):
            self("aws_iam_role", name=f"{NAME}-{role}", path="/", max_session_duration=3600, description="", assume_role_policy=TRUST, tags=TAGS)
        self("aws_iam_role_policy_attachment", role=f"{NAME}-execution",
             policy_arn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
        self("aws_iam_role_policy", role=f"{NAME}-execution", name="read-settings", policy=read)
        policy = self("aws_iam_policy", name=f"{NAME}-task", path="/", policy=read, tags=TAGS)
        self("aws_iam_role_policy_attachment", role=f"{NAME}-task", policy_arn=policy.id)
        uri = self.clients("ecr").describe_repositories(repositoryNames=[f"{NAME}-backend"])["repositories"][0]["repositoryUri"]
        options = {"awslogs-group": f"/ecs/{NAME}-backend", "awslogs-region": self.region, "awslogs-stream-prefix": "ecs"}
        roles = f"arn:aws:iam::{self.account}:role/{NAME}-"
        definition = self(
            "aws_ecs_task_definition", family=f"{NAME}-backend", cpu="256", memory="512", network_mode="awsvpc",
            requires_compatibilities=["FARGATE"], execution_role_arn=f"{roles}execution", task_role_arn=f"{roles}task", volume=[],
            placement_constraints=[], tags=TAGS, container_definitions=[{
                "name": "backend", "image": f"{uri}:latest", "essential": True, "portMappings": [{"containerPort": 3000, "protocol": "tcp"}],
                "environment": [{"name": "TMDB_URL", "value": "http://movies"}, {"name": "JWT_PUBLIC_KEY", "value": "k"}],
                "secrets": [{"name": key, "valueFrom": f"{self.secret.id}:{key}::"} for key in KEYS],
                "logConfiguration": {"logDriver": "awslogs", "options": options}}])
        self("aws_ecs_service", name=f"{NAME}-backend-service", cluster=cluster.id, task_definition=definition.id, desired_count=1,
             launch_type="FARGATE", platform_version="LATEST", scheduling_strategy="REPLICA", enable_execute_command=False,
             enable_ecs_managed_tags=False, propagate_tags="NONE", health_check_grace_period_seconds=60, subnets=set(self.subnets["private"]),
             security_groups={self.groups["ecs"]}, assign_public_ip="DISABLED", target_group_arn=self.targets.id,
             deployment_maximum_percent=200, deployment_minimum_healthy_percent=100, deployment_controller="ECS",
             deployment_circuit_breaker={"enable": True, "rollback": True}, availability_zone_rebalancing="DISABLED",
             capacity_provider_strategy=[], service_registries=[], placement=[], tags=TAGS)

    def scaling(self) -> None:
        where = f"service/{NAME}-cluster/{NAME}-backend-service"
        self("aws_appautoscaling_target", resource_id=where, min_capacity=1, max_capacity=4, suspended=False, tags=TAGS)
        self("aws_appautoscaling_policy", name=f"{NAME}-cpu", resource_id=where, target_value=70.0, metric="ECSServiceAverageCPUUtilization",
             disable_scale_in=False)

    def plan(self) -> dict[str, dict]:
        return {f"{one.kind_in_terraform} {one.id}": changes for one in self.made if (changes := one.plan())}

    def destroy(self) -> None:
        while self.made:
            self.made[-1].destroy()
            self.made.pop()


@pytest.fixture(scope="module")
def account(own_region):
    clients, region = own_region
    before = inventory(clients)
    stack = Stack(clients, region)
    yield stack, before
    stack.destroy()


@pytest.fixture(scope="module")
def own_region(server):
    """The session's server in a region where no other test works."""
    return Clients(server.environment(), "eu-north-1"), "eu-north-1"


def test_apply_plan_and_destroy(account):
    stack, before = account
    later = not_served("application_autoscaling:PutScalingPolicy")
    for part in (stack.network, stack.balancer, stack.data, stack.containers, *([] if later else [stack.scaling])):
        part()
        assert stack.plan() == {}, f"a second plan shows changes after {part.__name__}"
    assert {one.kind_in_terraform for one in stack.made} == {name for name in RESOURCES if not later or "appautoscaling" not in name}
    stack.destroy()
    kept = (f"task-definition/{NAME}", "iam roles: AWSServiceRoleFor")
    assert not [line for line in inventory(stack.clients) - before if not any(one in line for one in kept)], (
        "destroy leaves deregistered definitions and the services' own roles only, as on AWS")

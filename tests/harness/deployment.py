"""The zapier-triggers deployment, step by step with the document's own commands."""
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests

from harness.clients import Aws
from harness.containers import ContainerClient, image
from harness.server import ROOT, Server
from harness.waiting import eventually

EXAMPLE = ROOT / "examples/zapier-triggers"
NAME = "zapier-triggers"
PASSWORD = "correcthorsebattery"


@dataclass
class Deployment:
    server: Server
    aws: Aws
    folder: Path
    docker: ContainerClient = field(init=False)
    uri: str = ""
    endpoint: str = ""
    group: str = ""
    subnets: str = ""
    vpc: str = ""
    role: str = ""

    # ECR

    def create_repository(self, name: str) -> str:
        return self.aws(f"aws ecr create-repository --repository-name {name}").json["repository"]["repositoryUri"]

    @property
    def registry(self) -> str:
        return self.uri.split("/")[0]

    def login(self) -> None:
        """Makes the repository, and logs the container client in to its registry."""
        self.uri = self.create_repository(f"{NAME}-backend")
        self.docker = ContainerClient(self.folder / "containers", self.registry)
        token = self.aws("aws ecr get-login-password").text
        self.docker(f"podman login --username AWS --password-stdin {self.registry}", input=token)

    def push_base(self, name: str) -> str:
        """The base image in our own registry, so that a build pulls it from there."""
        uri = self.create_repository(name)
        self.docker(f"skopeo copy --quiet oci:{image(name)}:latest docker://{uri}:latest")
        return f"{uri}:latest"

    def build_and_push(self, base: str, *options: str) -> str:
        """`docker build`, `tag`, `push`; returns the digest that ECR has for :latest."""
        self.docker(f"podman build --platform linux/amd64 --build-arg BASE={base} -t {NAME}-backend", *options, ".",
                    cwd=EXAMPLE)
        self.docker(f"podman tag {NAME}-backend:latest {self.uri}:latest")
        self.docker(f"podman push {self.uri}:latest")
        return self.latest_digest()

    def latest_digest(self) -> str:
        return self.aws(f"aws ecr describe-images --repository-name {NAME}-backend --image-ids imageTag=latest"
                        " --query imageDetails[0].imageDigest --output text").text

    # RDS

    def create_database(self) -> None:
        self.aws(f"aws rds create-db-instance --db-instance-identifier {NAME}-db --db-instance-class db.t4g.micro"
                 f" --engine postgres --engine-version 16.6 --master-username zapier_user --master-user-password {PASSWORD}"
                 " --allocated-storage 20 --db-name zapier_triggers --publicly-accessible --backup-retention-period 0")
        self.aws(f"aws rds wait db-instance-available --db-instance-identifier {NAME}-db")
        self.endpoint = self.aws(f"aws rds describe-db-instances --db-instance-identifier {NAME}-db"
                                 " --query DBInstances[0].Endpoint.Address --output text").text

    def database_url(self, database: str = "zapier_triggers") -> str:
        return f"postgresql://zapier_user:{PASSWORD}@{self.endpoint}:5432/{database}"

    # ECS

    def find_network(self) -> None:
        self.vpc = vpc = self.aws("aws ec2 describe-vpcs --filters Name=is-default,Values=true --query Vpcs[0].VpcId --output text").text
        self.group = self.aws(f"aws ec2 describe-security-groups --filters Name=vpc-id,Values={vpc} Name=group-name,Values=default"
                              " --query SecurityGroups[0].GroupId --output text").text
        found = self.aws(f"aws ec2 describe-subnets --filters Name=vpc-id,Values={vpc}"
                         " --query Subnets[].SubnetId --output text").text
        self.subnets = ",".join(found.split())

    def rule(self, verb: str, port: int) -> None:
        """verb: authorize or revoke"""
        self.aws(f"aws ec2 {verb}-security-group-ingress --group-id {self.group} --protocol tcp --port {port} --cidr 0.0.0.0/0")

    def create_role(self) -> None:
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        self.role = self.aws("aws iam create-role --role-name ecsTaskExecutionRole --assume-role-policy-document",
                             json.dumps(trust)).json["Role"]["Arn"]
        self.aws("aws iam attach-role-policy --role-name ecsTaskExecutionRole"
                 " --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")

    def register(self, **changes: object) -> str:
        """Registers the example's task definition; `changes` replace fields of it or of its container."""
        text = (EXAMPLE / "ecs-task-definition.json").read_text()
        for key, value in {"IMAGE": f"{self.uri}:latest", "DATABASE_URL": self.database_url(),
                           "EXECUTION_ROLE_ARN": self.role, "REGION": self.aws.region}.items():
            text = text.replace(f"@{key}@", value)
        definition = json.loads(text)
        container = definition["containerDefinitions"][0]
        for key, value in changes.items():
            (definition if key in definition else container)[key] = value
        path = self.folder / "task-definition.json"
        path.write_text(json.dumps(definition))
        done = self.aws(f"aws ecs register-task-definition --cli-input-json file://{path}")
        return done.json["taskDefinition"]["taskDefinitionArn"]

    def network(self, group: str = "") -> str:
        return f"awsvpcConfiguration={{subnets=[{self.subnets}],securityGroups=[{group or self.group}],assignPublicIp=ENABLED}}"

    def create_service(self) -> None:
        self.aws(f"aws ecs create-service --cluster {NAME}-cluster --service-name {NAME}-service --task-definition {NAME}-backend"
                 " --desired-count 1 --launch-type FARGATE --network-configuration", self.network())
        self.wait_stable()

    def wait_stable(self) -> None:
        self.aws(f"aws ecs wait services-stable --cluster {NAME}-cluster --services {NAME}-service", timeout_s=300)

    def service(self) -> dict:
        return self.aws(f"aws ecs describe-services --cluster {NAME}-cluster --services {NAME}-service").json["services"][0]

    def tasks(self, status: str = "RUNNING") -> list[dict]:
        arns = self.aws(f"aws ecs list-tasks --cluster {NAME}-cluster --service-name {NAME}-service --desired-status {status}"
                        " --query taskArns[] --output text").text.split()
        if not arns:
            return []
        return self.aws(f"aws ecs describe-tasks --cluster {NAME}-cluster --tasks {' '.join(arns)}").json["tasks"]

    def run_task(self, definition: str, group: str = "", **overrides: object) -> str:
        """Starts one task, in the service's security group or `group`; overrides: of the container `backend`. Returns its ARN."""
        words = ["--overrides", json.dumps({"containerOverrides": [{"name": "backend", **overrides}]})] if overrides else []
        done = self.aws(f"aws ecs run-task --cluster {NAME}-cluster --task-definition {definition} --launch-type FARGATE"
                        " --network-configuration", self.network(group), *words).json
        assert done["failures"] == [], done
        return done["tasks"][0]["taskArn"]

    def task(self, arn: str) -> dict:
        return self.aws(f"aws ecs describe-tasks --cluster {NAME}-cluster --tasks {arn}").json["tasks"][0]

    def wait_stopped(self, arn: str, within_s: float = 60) -> dict:
        def stopped() -> dict | None:
            task = self.task(arn)
            return task if task["lastStatus"] == "STOPPED" else None
        return eventually(stopped, within_s, every_s=0.5, what=f"{arn} STOPPED")

    def public_ip(self, task: dict) -> str:
        details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
        return self.aws(f"aws ec2 describe-network-interfaces --network-interface-ids {details['networkInterfaceId']}"
                        " --query NetworkInterfaces[0].Association.PublicIp --output text").text

    def url(self) -> str:
        """Of the service's newest running task."""
        running = [task for task in self.tasks() if task["lastStatus"] == "RUNNING"]
        newest = max(running, key=lambda task: task["createdAt"])
        return f"http://{self.public_ip(newest)}:8000"


def reachable(url: str, timeout_s: float = 2) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=timeout_s).status_code == 200
    except requests.ConnectionError:
        return False
    except requests.Timeout:
        return False


def refused_or_timeout(url: str, timeout_s: float = 2) -> str:
    """How a request fails: a dropped packet is a timeout, a closed port a refusal."""
    began = time.monotonic()
    try:
        requests.get(f"{url}/health", timeout=timeout_s)
    except requests.ConnectTimeout:
        return "timeout"
    except requests.ConnectionError as error:
        return f"{error} after {time.monotonic() - began:.1f} s"
    return "answered"

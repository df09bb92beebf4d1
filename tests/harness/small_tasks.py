"""Small tasks of a 2 MB image, by boto3: for tests of what tasks do, rather than of what people type."""
import json
import uuid
from pathlib import Path

from harness.clients import Clients
from harness.containers import ContainerClient, image
from harness.waiting import eventually


TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def execution_role(iam, name: str = "ecsTaskExecutionRole") -> str:
    """Made when it is missing; what Fargate needs to pull from ECR and to write logs."""
    try:
        return iam.get_role(RoleName=name)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.attach_role_policy(RoleName=name,
                               PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
        return arn


class SmallTasks:
    """A cluster and a repository with busybox in it, with names of their own."""

    def __init__(self, clients: Clients, folder: Path):
        self.clients = clients
        self.ecs, self.ec2, self.ecr = clients("ecs"), clients("ec2"), clients("ecr")
        self.name = f"t{uuid.uuid4().hex[:10]}"
        self.uri = self.ecr.create_repository(repositoryName=self.name)["repository"]["repositoryUri"]
        self.registry = self.uri.split("/")[0]
        self.podman = ContainerClient(folder / "containers", self.registry)
        token = self.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        (folder / "containers/auth.json").write_text('{"auths": {"%s": {"auth": "%s"}}}' % (self.registry, token))
        self.podman(f"skopeo copy --quiet oci:{image('busybox')}:latest docker://{self.uri}:latest")
        self.role = execution_role(clients("iam"))
        self.ecs.create_cluster(clusterName=self.name)
        self.vpc = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        subnets = self.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["Subnets"]
        self.subnets = [subnet["SubnetId"] for subnet in subnets]
        self.group = self.ec2.create_security_group(GroupName=self.name, Description="small tasks", VpcId=self.vpc)["GroupId"]

    def define(self, *command: str, family: str = "", also: tuple[dict, ...] = (), task: dict | None = None,
               **container: object) -> str:
        """Registers a task definition of one container `app`, with `also` beside it; returns its ARN."""
        words = {"command": list(command)} if command else {}
        definition = {
            "family": family or f"{self.name}-{uuid.uuid4().hex[:6]}", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "requiresCompatibilities": ["FARGATE"], "executionRoleArn": self.role,
            "containerDefinitions": [{"name": "app", "image": f"{self.uri}:latest", "stopTimeout": 2, **words, **container},
                                     *also],
            **(task or {})}
        return self.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]

    def network(self, public: bool = False, subnets: list[str] | None = None) -> dict:
        return {"awsvpcConfiguration": {"subnets": subnets or self.subnets, "securityGroups": [self.group],
                                        "assignPublicIp": "ENABLED" if public else "DISABLED"}}

    def run(self, definition: str, count: int = 1, subnets: list[str] | None = None, **more: object) -> dict:
        """The answer of RunTask."""
        return self.ecs.run_task(cluster=self.name, taskDefinition=definition, launchType="FARGATE", count=count,
                                 networkConfiguration=self.network(subnets=subnets), **more)

    def task(self, arn: str) -> dict:
        return self.ecs.describe_tasks(cluster=self.name, tasks=[arn])["tasks"][0]

    def stopped(self, arn: str, within_s: float = 60) -> dict:
        return eventually(lambda: task if (task := self.task(arn))["lastStatus"] == "STOPPED" else None, within_s,
                          what=f"{arn} stopped")

    def run_to_end(self, definition: str, **more: object) -> dict:
        answer = self.run(definition, **more)
        assert not answer["failures"], answer["failures"]
        return self.stopped(answer["tasks"][0]["taskArn"])

    def create_service(self, name: str, definition: str, count: int = 1, **more: object) -> dict:
        return self.ecs.create_service(cluster=self.name, serviceName=name, taskDefinition=definition, desiredCount=count,
                                       launchType="FARGATE", networkConfiguration=self.network(), **more)["service"]

    def service(self, name: str) -> dict:
        return self.ecs.describe_services(cluster=self.name, services=[name])["services"][0]

    def remove(self) -> None:
        """Services and tasks, so that they take no room from later tests."""
        for arn in self.ecs.list_services(cluster=self.name)["serviceArns"]:
            self.ecs.delete_service(cluster=self.name, service=arn, force=True)
        for arn in self.ecs.list_tasks(cluster=self.name)["taskArns"]:
            self.ecs.stop_task(cluster=self.name, task=arn)
        self.podman.remove_storage()


def reason_of(task: dict) -> str:
    """All that a stopped task says of why."""
    said = [task.get("stopCode", ""), task.get("stoppedReason", "")]
    return " | ".join(said + [container.get("reason", "") for container in task["containers"]])

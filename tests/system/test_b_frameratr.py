"""Rows B8, B10, B11 and B13, and B1, B2, B5, B6 and B12 once more, in the example's whole deployment as deploy.sh makes it.

The tests run in order over one deployment, as a person would look at it, and end with undo.sh.
"""
import base64
import hmac
import json
import os
import subprocess
import threading
import time
from pathlib import Path

import jwt
import pytest
import requests

from harness.clients import Aws, Clients
from harness.containers import ContainerClient, image
from harness.inventory import inventory
from harness.packets import Place
from harness.server import ROOT, Server
from harness.waiting import eventually

EXAMPLE = ROOT / "examples/frameratr"
REGION = "us-east-2"
NAME = "frameratr-dev"
DOCUMENT = f"--cluster {NAME}-cluster --services {NAME}-backend-service --region {REGION}"


class Deployed:
    """The example, deployed; and what a person who works with it types."""

    def __init__(self, server: Server, folder: Path):
        self.server, self.folder = server, folder
        self.aws = Aws(server.environment(), folder, REGION)
        self.clients = Clients(server.environment(), REGION)
        uri = self.aws("aws ecr create-repository --repository-name python").json["repository"]["repositoryUri"]
        self.registry = uri.split("/")[0]
        self.docker = ContainerClient(folder / "containers", self.registry)
        self.docker(f"podman login --username AWS --password-stdin {self.registry}", input=self.aws("aws ecr get-login-password").text)
        self.docker(f"skopeo copy --quiet oci:{image('python')}:latest docker://{uri}:latest")
        self.before = inventory(self.clients)
        self.environment = {**self.docker.environment, **self.aws.environment, "STATE_DIR": str(folder / "state"),
                            "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"}

    def script(self, name: str, *words: str, check: bool = True, **changes: str) -> subprocess.CompletedProcess:
        done = subprocess.run([EXAMPLE / name, *words], env={**self.environment, **changes}, capture_output=True, text=True, timeout=600)
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done

    def deploy(self, **changes: str) -> None:
        self.script("deploy.sh", **changes)
        self.url = (self.folder / "state/url").read_text().strip()
        self.dns = self.url.removeprefix("http://")

    def curl(self, path: str, *options: str) -> tuple[int, str]:
        """Status and body."""
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "15", "-w", "\n%{http_code}", *options, self.url + path],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"curl {path}: {done.stderr}"
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def get(self, path: str, *options: str) -> object:
        status, body = self.curl(path, *options)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def token(self, user: str = "ann") -> str:
        return self.script("token", user).stdout.strip()

    def claims(self, **changes: object) -> dict:
        return {"sub": "ann", "aud": "frameratr", "exp": int(time.time()) + 60, **changes}

    def favorites(self, authorization: str) -> int:
        return self.curl("/api/favorites/movies", "-H", f"Authorization: {authorization}")[0]

    def describe(self, query: str) -> str:
        return self.aws(f"aws ecs describe-services {DOCUMENT} --query {query} --output text").text

    def run_task(self, *command: str) -> dict:
        """`aws ecs run-task` with a command override, when it has stopped."""
        network = json.loads(self.aws(f"aws ecs describe-services {DOCUMENT} --query services[0].networkConfiguration").stdout)
        started = self.aws(
            f"aws ecs run-task --cluster {NAME}-cluster --task-definition {NAME}-backend --launch-type FARGATE",
            "--network-configuration", json.dumps(network),
            "--overrides", json.dumps({"containerOverrides": [{"name": "backend", "command": command}]})).json["tasks"][0]["taskArn"]

        def stopped() -> dict | None:
            task = self.clients("ecs").describe_tasks(cluster=f"{NAME}-cluster", tasks=[started])["tasks"][0]
            return task if task["lastStatus"] == "STOPPED" else None
        return eventually(stopped, 90, every_s=0.3, what="the task has stopped")

    def said(self, task: dict) -> list[str]:
        stream = f"ecs/backend/{task['taskArn'].rsplit('/', 1)[1]}"
        events = self.clients("logs").get_log_events(logGroupName=f"/ecs/{NAME}-backend", logStreamName=stream, startFromHead=True)
        return [event["message"] for event in events["events"]]

    def python(self, code: str) -> object:
        """What the code prints as JSON in a task of the service's definition."""
        task = self.run_task("python", "-c", code)
        lines = self.said(task)
        assert task["containers"][0].get("exitCode") == 0, (task, lines)
        return json.loads(lines[-1])

    def id(self, label: str) -> str:
        """The id that an EC2 resource of the deployment has."""
        found = self.clients("ec2").describe_tags(Filters=[{"Name": "value", "Values": [f"{NAME}-{label}"]}])["Tags"]
        assert len(found) == 1, found
        return found[0]["ResourceId"]


@pytest.fixture(scope="module")
def deployed(module_server, tmp_path_factory):
    made = Deployed(module_server, tmp_path_factory.mktemp("frameratr"))
    try:
        made.deploy()
        yield made
    finally:
        made.docker.remove_storage()


# B10


def test_b10_the_documents_checks(deployed):
    assert deployed.describe("services[0].runningCount") == "1"
    assert deployed.get("/health") == {"ok": True}
    assert [movie["title"] for movie in deployed.get("/api/tmdb/search/movies?q=batman")["results"]] == ["Batman", "Batman Begins"]
    assert deployed.get("/api/tmdb/trending/movies")["results"]
    assert deployed.get("/api/movies") == {"movies": []}


def test_b4_it_scales_between_one_and_four(deployed):
    resource = f"service/{NAME}-cluster/{NAME}-backend-service"
    [target] = deployed.aws("aws application-autoscaling describe-scalable-targets --service-namespace ecs"
                            f" --resource-ids {resource} --region {REGION}").json["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    [policy] = deployed.aws("aws application-autoscaling describe-scaling-policies --service-namespace ecs"
                            f" --resource-id {resource} --region {REGION}").json["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 70
    alarms = deployed.clients("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in policy["Alarms"]} <= {alarm["AlarmName"] for alarm in alarms}


def test_b10_the_log_is_followed(deployed):
    follow = deployed.aws.start(f"aws logs tail /ecs/{NAME}-backend --follow --region {REGION} --since 1m --format short")
    try:
        deployed.get("/api/tmdb/search/movies?q=followed")
        eventually(lambda: "GET /api/tmdb/search/movies?q=followed" in follow.read(1), 30, what="the request's line")
    finally:
        follow.end()


# B11


def test_b11_the_schema_was_made_by_a_task(deployed):
    ecs = deployed.clients("ecs")
    stopped = ecs.list_tasks(cluster=f"{NAME}-cluster", desiredStatus="STOPPED", startedBy="schema")["taskArns"]
    task, = ecs.describe_tasks(cluster=f"{NAME}-cluster", tasks=stopped)["tasks"]
    assert task["containers"][0]["exitCode"] == 0 and task["stopCode"] == "EssentialContainerExited"
    assert deployed.said(task) == ["schema.sql done: 4 tables"]


def test_b11_the_exit_code_tells_that_it_went_wrong(deployed):
    task = deployed.run_task("sh", "-c", "DB_PASS=wrong exec python -m frameratr.schema")
    assert task["containers"][0]["exitCode"] == 1
    assert "password authentication failed" in deployed.said(task)[-1]


# B13


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_b13_a_signed_token_is_believed(deployed):
    token = deployed.token()
    sent = ["-X", "POST", "-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"]
    assert deployed.curl("/api/ratings", *sent, "-d", '{"movie_id": 268, "stars": 4}')[0] == 201
    assert deployed.get("/api/movies/268")["stars"] == 4.0
    assert deployed.curl("/api/favorites/movies/268", "-X", "PUT", "-H", f"Authorization: Bearer {token}")[0] == 204
    assert [one["id"] for one in deployed.get("/api/favorites/movies", "-H", f"Authorization: Bearer {token}")["movies"]] == [268]
    bob = deployed.token("bob")
    assert deployed.get("/api/favorites/movies", "-H", f"Authorization: Bearer {bob}") == {"movies": []}


def test_b13_other_tokens_are_refused(deployed):
    key = (deployed.folder / "state/jwt-private.pem").read_text()
    good = jwt.encode(deployed.claims(), key, algorithm="RS256")
    head, body, signature = good.split(".")
    forged = base64url(json.dumps(deployed.claims(sub="bob")).encode())
    public = (deployed.folder / "state/jwt-public.pem").read_bytes()
    confused = base64url(b'{"alg":"HS256","typ":"JWT"}') + "." + body
    confused += "." + base64url(hmac.digest(public, confused.encode(), "sha256"))
    assert deployed.favorites(f"Bearer {good}") == 200
    for what, token in {
            "tampered": f"{head}.{forged}.{signature}", "no signature": f"{head}.{body}.",
            "expired": jwt.encode(deployed.claims(exp=int(time.time()) - 1), key, algorithm="RS256"),
            "none": jwt.encode(deployed.claims(), None, algorithm="none"), "public key as password": confused,
            "for others": jwt.encode(deployed.claims(aud="another"), key, algorithm="RS256")}.items():
        assert deployed.favorites(f"Bearer {token}") == 401, what
    assert deployed.curl("/api/favorites/movies")[0] == 401


def test_b13_the_balancer_leaves_authorization_untouched(deployed):
    """Byte for byte: a service's answer changes with one bit of it. What the balancer adds are headers of its own."""
    token = deployed.token()
    assert deployed.favorites(f"bearer   {token}  ") == 200, "scheme in small letters, spaces around"
    assert deployed.favorites(f"Bearer {token[:-2]}{'A' if token[-2] != 'A' else 'B'}{token[-1]}") == 401
    longer = jwt.encode(deployed.claims(note="x" * 5000), (deployed.folder / "state/jwt-private.pem").read_text(), algorithm="RS256")
    assert deployed.favorites(f"Bearer {longer}") == 200
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(3):  # over one connection, with and without
            assert session.get(f"{deployed.url}/api/favorites/movies", timeout=10).status_code == 401
            answer = session.get(f"{deployed.url}/api/favorites/movies", timeout=10, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200


# B5 and B6


def test_b5_the_secrets_keys_are_environment_variables(deployed):
    kept = json.loads((deployed.folder / "state/settings.json").read_text())
    env = deployed.python("import json, os; print(json.dumps(dict(os.environ)))")
    assert {name: env.get(name) for name in kept} == kept
    assert env["DB_HOST"] == deployed.aws(f"aws rds describe-db-instances --db-instance-identifier {NAME}-db"
                                          " --query DBInstances[0].Endpoint.Address --output text").text
    described = deployed.aws(f"aws ecs describe-task-definition --task-definition {NAME}-backend").stdout
    assert kept["DB_PASS"] not in described and not any(name.startswith("AWS_SECRET") for name in env)


def test_b5_b6_without_the_permission_the_task_says_so(deployed):
    iam = deployed.clients("iam")
    role, policy = f"{NAME}-execution", "pull-log-and-read"
    held = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    less = {**held, "Statement": [one for one in held["Statement"] if one["Action"] != "secretsmanager:GetSecretValue"]}
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(less))
    try:
        task = deployed.run_task("true")
        assert task["stopCode"] == "TaskFailedToStart" and "secretsmanager:GetSecretValue" in task["stoppedReason"]
        assert "secretsmanager:GetSecretValue" in deployed.server.command("why", task["taskArn"], "--region", REGION).stdout
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(held))
    assert deployed.run_task("true")["containers"][0]["exitCode"] == 0


def test_b6_the_tasks_role_reads_its_secret_and_nothing_else(deployed):
    keys = deployed.python("import json, os, urllib.request as u; print(json.dumps(json.load("
                           "u.urlopen('http://169.254.170.2' + os.environ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'], timeout=5))))")
    keys = {"AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"], "SessionToken": keys["Token"]}

    def client(service: str):
        return deployed.clients(service, keys=keys)
    assert f":assumed-role/{NAME}-task/" in client("sts").get_caller_identity()["Arn"]
    assert json.loads(client("secretsmanager").get_secret_value(SecretId=f"{NAME}-backend")["SecretString"])["DB_NAME"] == "frameratr"
    deployed.clients("secretsmanager").create_secret(Name="another", SecretString="x")
    try:
        for what, call in {
                "another secret": lambda: client("secretsmanager").get_secret_value(SecretId="another"),
                "writing its own": lambda: client("secretsmanager").put_secret_value(SecretId=f"{NAME}-backend", SecretString="x"),
                "images": lambda: client("ecr").describe_images(repositoryName=f"{NAME}-backend"),
                "services": lambda: client("ecs").update_service(cluster=f"{NAME}-cluster", service=f"{NAME}-backend-service", desiredCount=0),
                "roles": lambda: client("iam").list_roles()}.items():
            with pytest.raises(client("sts").exceptions.ClientError) as refused:
                call()
            assert "AccessDenied" in refused.value.response["Error"]["Code"], what
    finally:
        deployed.clients("secretsmanager").delete_secret(SecretId="another", ForceDeleteWithoutRecovery=True)


# B1 and B2


def test_b1_b2_who_reaches_whom(deployed):
    ec2 = deployed.clients("ec2")
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [deployed.id("vpc")]}])["NetworkInterfaces"]
    of = {group: [i for i in interfaces if deployed.id(group) in [g["GroupId"] for g in i["Groups"]]] for group in ("alb-sg", "ecs-sg", "rds-sg")}
    assert {group: len(found) for group, found in of.items()} == {"alb-sg": 2, "ecs-sg": 1, "rds-sg": 1}
    assert not any("Association" in i for i in of["ecs-sg"] + of["rds-sg"]), "no public address in the private subnets"
    task, database = (Place(of[group][0]["NetworkInterfaceId"]) for group in ("ecs-sg", "rds-sg"))
    at = {group: found[0]["PrivateIpAddress"] for group, found in of.items()}
    host = Place()
    assert host.connects(deployed.dns, 80) and host.connects(deployed.dns, 443)
    assert not host.connects(deployed.dns, 3000) and not host.connects(deployed.dns, 5432)
    for address, port in ((at["ecs-sg"], 3000), (at["rds-sg"], 5432)):
        way = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True).stdout
        assert " dev lf-" not in way, "the host has no way to a private address"
    made = ec2.create_network_interface(SubnetId=deployed.id("private-1"), Groups=[deployed.id("alb-sg")])["NetworkInterface"]
    front = Place(made["NetworkInterfaceId"])
    try:
        assert eventually(lambda: front.connects(at["ecs-sg"], 3000), 60), "ALB to ECS"
        assert not front.connects(at["rds-sg"], 5432), "ALB to RDS"
    finally:
        ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
    assert task.connects(at["rds-sg"], 5432), "ECS to RDS"
    assert not database.connects(at["ecs-sg"], 3000), "RDS to ECS"


def test_b1_the_task_goes_out_through_the_nat_only(deployed):
    ec2 = deployed.clients("ec2")
    table, nat = deployed.id("private"), deployed.id("nat")
    assert deployed.curl("/api/tmdb/search/movies?q=avatar")[0] == 200
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    try:
        assert deployed.curl("/api/tmdb/search/movies?q=lord")[0] == 502
        assert deployed.get("/api/movies")["movies"], "the database needs no way out"
    finally:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    eventually(lambda: deployed.curl("/api/tmdb/search/movies?q=rings")[0] == 200, 60, what="the way out is back")


# B12


def test_b12_https_with_the_certificate_of_acm(deployed):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "10", "--cacert", deployed.server.data / "ca/ca.crt", "--connect-to",
                           f"frameratr.example.com:443:{deployed.dns}:443", "https://frameratr.example.com/health"], capture_output=True, text=True)
    assert json.loads(done.stdout or "{}") == {"ok": True}, done.stderr


# B8: a new version of the image, as the document's "current setup" rolls it out


def test_b8_a_new_version_loses_no_request_and_the_old_one_is_kept(deployed):
    ecr = deployed.clients("ecr")
    old = ecr.describe_images(repositoryName=f"{NAME}-backend", imageIds=[{"imageTag": "latest"}])["imageDetails"][0]["imageDigest"]
    stop, answers = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            answers.append(deployed.curl("/health")[0])
            time.sleep(0.05)
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        deployed.deploy(BUILD_OPTIONS="--label release=two")
        eventually(lambda: len(answers) > 100, 60)
    finally:
        stop.set()
        asking.join()
    assert set(answers) == {200}, set(answers)
    new = ecr.describe_images(repositoryName=f"{NAME}-backend", imageIds=[{"imageTag": "latest"}])["imageDetails"][0]["imageDigest"]
    digests = {one["imageDigest"] for one in ecr.list_images(repositoryName=f"{NAME}-backend")["imageIds"]}
    assert new != old and {new, old} <= digests
    tasks = deployed.clients("ecs").list_tasks(cluster=f"{NAME}-cluster", serviceName=f"{NAME}-backend-service")["taskArns"]
    running = deployed.clients("ecs").describe_tasks(cluster=f"{NAME}-cluster", tasks=tasks)["tasks"]
    assert [task["containers"][0]["imageDigest"] for task in running] == [new]


# B5: "Rotation - can automatically rotate passwords"


def test_b5_a_task_rotates_the_password(deployed):
    secrets, ecs, iam = deployed.clients("secretsmanager"), deployed.clients("ecs"), deployed.clients("iam")
    before = json.loads(secrets.get_secret_value(SecretId=f"{NAME}-backend")["SecretString"])["DB_PASS"]
    definition = ecs.describe_task_definition(taskDefinition=f"{NAME}-backend")["taskDefinition"]
    secret = secrets.describe_secret(SecretId=f"{NAME}-backend")["ARN"]
    role = iam.create_role(RoleName=f"{NAME}-rotate", AssumeRolePolicyDocument=json.dumps(
        iam.get_role(RoleName=f"{NAME}-task")["Role"]["AssumeRolePolicyDocument"]))["Role"]["Arn"]
    rights = [{"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], "Resource": secret},
              {"Effect": "Allow", "Action": "secretsmanager:GetRandomPassword", "Resource": "*"}]
    iam.put_role_policy(RoleName=f"{NAME}-rotate", PolicyName="rotate", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": rights}))
    container = {**definition["containerDefinitions"][0], "command": ["python", "-m", "frameratr.rotate"], "secrets": [], "portMappings": []}
    place = {"cluster": f"{NAME}-cluster", "subnets": f"{deployed.id('private-1')} {deployed.id('private-2')}",
             "security-groups": deployed.id("ecs-sg")}
    made = ecs.register_task_definition(
        family=f"{NAME}-rotate", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", taskRoleArn=role,
        executionRoleArn=definition["executionRoleArn"], containerDefinitions=[container],
        tags=[{"key": f"landfall:{key}", "value": value} for key, value in place.items()])["taskDefinition"]["taskDefinitionArn"]
    try:
        deployed.aws(f"aws secretsmanager rotate-secret --secret-id {NAME}-backend --rotation-lambda-arn {made}"
                     " --rotation-rules AutomaticallyAfterDays=30")

        def rotated() -> dict | None:
            described = secrets.describe_secret(SecretId=secret)
            return described if "LastRotatedDate" in described else None
        described = eventually(rotated, 90, every_s=0.5, what=deployed.server.command("why", f"{NAME}-backend", "--region", REGION).stdout)
        assert described["RotationEnabled"] and described["NextRotationDate"] > described["LastRotatedDate"]
        assert sorted(stage for stages in described["VersionIdsToStages"].values() for stage in stages) == ["AWSCURRENT", "AWSPREVIOUS"]
        after = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])["DB_PASS"]
        assert after != before
        # New tasks get the new password, and the old one has gone.
        assert deployed.run_task("python", "-m", "frameratr.schema")["containers"][0]["exitCode"] == 0
        assert deployed.run_task("sh", "-c", f"DB_PASS={before} exec python -m frameratr.schema")["containers"][0]["exitCode"] == 1
        held, deployments = inventory(deployed.clients), deployed.describe("services[0].deployments[].id")
        deployed.deploy(BUILD_OPTIONS="--label release=two")
        assert inventory(deployed.clients) == held and deployed.describe("services[0].deployments[].id") == deployments, "nothing to do"
        assert json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])["DB_PASS"] == after
        deployed.aws(f"aws ecs update-service --cluster {NAME}-cluster --service {NAME}-backend-service --force-new-deployment")
        eventually(lambda: deployed.describe("services[0].deployments[0].rolloutState") == "COMPLETED", 120, every_s=1)
        assert deployed.get("/api/movies")["movies"]
    finally:
        ecs.deregister_task_definition(taskDefinition=made)
        ecs.delete_task_definitions(taskDefinitions=[made])
        iam.delete_role_policy(RoleName=f"{NAME}-rotate", PolicyName="rotate")
        iam.delete_role(RoleName=f"{NAME}-rotate")


# Faults


def test_it_answers_while_the_server_is_down_and_after(deployed):
    """Traffic and open connections go on. Names inside a VPC are answered by the server, so the service has its database's already."""
    token = deployed.token()
    assert deployed.get("/api/movies")["movies"]
    deployed.server.kill()
    try:
        assert deployed.get("/health") == {"ok": True}
        assert deployed.get("/api/movies")["movies"] and deployed.favorites(f"Bearer {token}") == 200
    finally:
        deployed.server.start()
    assert deployed.get("/health") == {"ok": True} and deployed.favorites(f"Bearer {token}") == 200
    assert deployed.describe("services[0].runningCount") == "1"
    assert deployed.get("/api/tmdb/search/movies?q=ring")["results"]
    assert deployed.run_task("true")["containers"][0]["exitCode"] == 0


# The end


def test_undo_leaves_nothing(deployed):
    deployed.script("undo.sh")
    assert inventory(deployed.clients) == deployed.before
    eventually(lambda: deployed.dns not in Path("/etc/hosts").read_text(), 60, what="the balancer's name is gone")
    deployed.script("undo.sh")  # nothing to do is no error


def test_a_deployment_that_cannot_go_on_says_why(deployed):
    done = deployed.script("deploy.sh", check=False, BASE_IMAGE=f"{deployed.registry}/nothing:latest")
    assert done.returncode == 1 and "the image was not built" in done.stderr and "nothing" in done.stderr
    deployed.script("undo.sh")
    assert inventory(deployed.clients) == deployed.before

"""Rows B5 and B6: secrets by ARN, execution role and task role.

An unchanged boto3 in a task gets the role's temporary credentials, and they are enforced. Secrets and parameters are environment variables
of the container; one that cannot be read stops the task with a reason.

Documented: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
Documented: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
"""
import json
import shutil
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from harness.clients import Clients
from harness.containers import ContainerClient, image
from harness.served import not_served
from harness.server import REGION
from harness.waiting import eventually

MISSING = not_served("ecs:RunTask", "ecr:CreateRepository", "logs:FilterLogEvents", "iam:CreateRole", "secretsmanager:GetSecretValue",
                     "ssm:GetParameter")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not served yet: {', '.join(MISSING)}")

TRUST = {"Version": "2012-10-17",
         "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
GROUP = "/ecs/roles"

# What runs in the task. Every line it prints is one JSON document.
PROBE = """
import json, os, urllib.request
import boto3
from botocore.exceptions import ClientError

def say(name, call):
    try:
        print(json.dumps([name, call()], default=str), flush=True)
    except ClientError as error:
        print(json.dumps([name, error.response["Error"]]), flush=True)
    except Exception as error:
        print(json.dumps([name, {"Code": type(error).__name__, "Message": str(error)}]), flush=True)

def get(url):
    try:
        return json.load(urllib.request.urlopen(url, timeout=5))
    except urllib.error.HTTPError as error:
        return [error.code, json.load(error)]

meta = os.environ["ECS_CONTAINER_METADATA_URI_V4"]
agent = "http://169.254.170.2"
say("who", lambda: boto3.client("sts").get_caller_identity()["Arn"])
say("groups", lambda: len(boto3.client("logs").describe_log_groups()["logGroups"]))
say("clusters", lambda: boto3.client("ecs").list_clusters()["clusterArns"])
say("users", lambda: boto3.client("iam").list_users()["Users"])
say("container", lambda: get(meta))
say("task", lambda: get(meta + "/task"))
say("stats", lambda: get(meta + "/stats"))
say("env", lambda: dict(os.environ))
say("credentials", lambda: sorted(get(agent + os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])))
say("another", lambda: get(agent + os.environ.get("OTHER", "/v2/credentials/none")))
"""


@pytest.fixture(scope="module")
def server(module_server):
    return module_server


@pytest.fixture(scope="module")
def clients(server):
    return Clients(server.environment(), REGION)


def site_packages(into: Path) -> None:
    """boto3 as it is installed here: the model data of the services that the probe asks."""
    packages = Path(boto3.__file__).parent.parent
    for name in ("boto3", "s3transfer", "jmespath", "dateutil", "urllib3"):
        shutil.copytree(packages / name, into / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(packages / "six.py", into)
    shutil.copytree(packages / "botocore", into / "botocore", ignore=shutil.ignore_patterns("__pycache__", "data"))
    data = packages / "botocore/data"
    for entry in data.iterdir():
        if entry.is_file():
            (into / "botocore/data").mkdir(exist_ok=True)
            shutil.copy(entry, into / "botocore/data")
    for service in ("sts", "logs", "ecs", "iam"):
        shutil.copytree(data / service, into / "botocore/data" / service)


@pytest.fixture(scope="module")
def pushed(clients, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("image")
    ecr = clients("ecr")
    uri = ecr.create_repository(repositoryName="probe")["repository"]["repositoryUri"]
    docker = ContainerClient(folder / "containers", uri.split("/")[0])
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    import base64
    docker(f"podman login --username AWS --password-stdin {uri.split('/')[0]}", input=base64.b64decode(token).decode().split(":")[1])
    docker(f"skopeo copy --quiet oci:{image('python')}:latest docker://{uri}:base")
    (folder / "site").mkdir()
    site_packages(folder / "site")
    (folder / "probe.py").write_text(PROBE)
    (folder / "Containerfile").write_text(
        f"FROM {uri}:base\nCOPY site /opt/site\nCOPY probe.py /probe.py\nENV PYTHONPATH=/opt/site\n"
        'CMD ["python3", "/probe.py"]\n')
    docker(f"podman build -t {uri}:latest {folder}")
    docker(f"podman push {uri}:latest")
    yield f"{uri}:latest"
    docker.remove_storage()


@pytest.fixture(scope="module")
def task(server, clients, pushed):
    """task(task_role): runs the probe with this role, and returns what it said by name."""
    iam, ecs, logs, ec2 = clients("iam"), clients("ecs"), clients("logs"), clients("ec2")
    execution = iam.create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="execution", PolicyArn=EXECUTION)
    logs.create_log_group(logGroupName=GROUP)
    ecs.create_cluster(clusterName="roles")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]["SubnetId"]

    def start(role: str | None, environment: dict, secrets: dict) -> dict:
        log = {"logDriver": "awslogs", "options": {"awslogs-group": GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": "t"}}
        given = {"taskRoleArn": role} if role else {}
        definition = ecs.register_task_definition(
            family="probe", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="512", memory="1024",
            executionRoleArn=execution, **given, containerDefinitions=[{
                "name": "probe", "image": pushed, "logConfiguration": log,
                "environment": [{"name": key, "value": value} for key, value in environment.items()],
                "secrets": [{"name": key, "valueFrom": value} for key, value in secrets.items()]}])
        arn = ecs.run_task(
            cluster="roles", taskDefinition=definition["taskDefinition"]["taskDefinitionArn"], launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "assignPublicIp": "ENABLED"}})["tasks"][0]["taskArn"]

        def stopped():
            found = ecs.describe_tasks(cluster="roles", tasks=[arn])["tasks"][0]
            return found if found["lastStatus"] == "STOPPED" else None
        return eventually(stopped, 90, every_s=0.3, what="the probe has ended")

    def run(role: str | None, secrets: dict | None = None, **environment: str) -> dict:
        ended = start(role, environment, secrets or {})
        arn = ended["taskArn"]
        stream = f"t/probe/{arn.rsplit('/', 1)[1]}"
        lines = [event["message"] for event in logs.get_log_events(
            logGroupName=GROUP, logStreamName=stream, startFromHead=True)["events"]]
        assert ended["containers"][0].get("exitCode") == 0, (ended, lines)
        return {name: value for name, value in map(json.loads, lines)} | {"arn": arn}

    run.start = start
    return run


@pytest.fixture(scope="module")
def role(clients):
    iam = clients("iam")
    arn = iam.create_role(RoleName="app", Path="/teams/", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="app", PolicyName="logs", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}]}))
    return arn


@pytest.fixture(scope="module")
def said(task, role):
    return task(role)


def test_the_task_is_its_role(said, role):
    account = role.split(":")[4]
    task_id = said["arn"].rsplit("/", 1)[1]
    assert said["who"] == f"arn:aws:sts::{account}:assumed-role/app/{task_id}"
    assert said["credentials"] == ["AccessKeyId", "Expiration", "RoleArn", "SecretAccessKey", "Token"]


def test_the_roles_policies_are_enforced(said):
    assert said["groups"] >= 1
    assert said["clusters"]["Code"] == "AccessDeniedException"
    assert "because no identity-based policy allows the ecs:ListClusters action" in said["clusters"]["Message"]
    assert said["users"]["Code"] == "AccessDenied"


def test_no_static_keys_in_the_container(said):
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & set(said["env"])
    assert said["env"]["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE"


def test_metadata_of_task_and_container(said):
    assert said["task"]["TaskARN"] == said["arn"]
    assert said["task"]["Family"] == "probe" and said["task"]["Limits"] == {"CPU": 0.5, "Memory": 1024}
    assert said["container"]["Name"] == "probe" and said["container"]["LogDriver"] == "awslogs"
    network = said["container"]["Networks"][0]
    assert network["NetworkMode"] == "awsvpc" and network["DomainNameServers"] and network["MACAddress"]
    assert said["stats"]["memory_stats"]["usage"] > 0


def test_a_task_without_a_role_has_no_credentials(task):
    said = task(None)
    assert said["who"]["Code"] == "NoCredentialsError"
    assert "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" not in said["env"]


def test_another_tasks_credentials_are_refused(task, role, said):
    path = said["env"]["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    assert task(role, OTHER=path)["another"][1]["code"] == "InvalidIdInRequest"


@pytest.fixture(scope="module")
def stored(clients) -> dict:
    """What a deployment keeps, and the right of the execution role to read it."""
    secrets, ssm = clients("secretsmanager"), clients("ssm")
    arn = secrets.create_secret(Name="frameratr/database", SecretString=json.dumps({"password": "first", "port": 5432}))["ARN"]
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({"password": "second", "port": 5432}))
    ssm.put_parameter(Name="/frameratr/key", Value="api-key", Type="SecureString")
    ssm.put_parameter(Name="/frameratr/mode", Value="test", Type="String")
    clients("iam").put_role_policy(RoleName="execution", PolicyName="secrets", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn},
            {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "arn:aws:ssm:*:*:parameter/frameratr/*"}]}))
    return {"arn": arn}


def test_secrets_are_environment_variables(task, stored):
    arn, account = stored["arn"], stored["arn"].split(":")[4]
    env = task(None, secrets={
        "WHOLE": arn, "PASSWORD": f"{arn}:password::", "PORT": f"{arn}:port::", "OLD": f"{arn}:password:AWSPREVIOUS:",
        "KEY": f"arn:aws:ssm:{REGION}:{account}:parameter/frameratr/key", "MODE": "/frameratr/mode"})["env"]
    assert json.loads(env["WHOLE"]) == {"password": "second", "port": 5432}
    assert (env["PASSWORD"], env["PORT"], env["OLD"], env["KEY"], env["MODE"]) == ("second", "5432", "first", "api-key", "test")


@pytest.mark.parametrize("suffix, said", [
    (":nothing::", "did not contain json key nothing"), (":password:NONE:", "for staging label: NONE"),
    ("x", "can't find the specified secret"), (None, "ParameterNotFound")])
def test_a_missing_secret_stops_the_task_with_a_reason(task, stored, suffix, said):
    reference = "/frameratr/none" if suffix is None else stored["arn"] + suffix
    if suffix == "x":
        reference = stored["arn"][:-1] + ("a" if stored["arn"][-1] != "a" else "b")
    ended = task.start(None, {}, {"X": reference})
    assert ended["stopCode"] == "TaskFailedToStart"
    assert ended["stoppedReason"].startswith("ResourceInitializationError: unable to pull secrets or registry auth: ")
    assert said in ended["stoppedReason"]


def test_a_missing_permission_stops_the_task_and_why_names_it(server, clients, task, stored):
    iam = clients("iam")
    held = iam.get_role_policy(RoleName="execution", PolicyName="secrets")["PolicyDocument"]
    iam.delete_role_policy(RoleName="execution", PolicyName="secrets")
    ended = task.start(None, {}, {"X": stored["arn"]})
    assert f"secretsmanager:GetSecretValue on resource: {stored['arn']} because no identity-based policy" in ended["stoppedReason"]
    assert "aws iam put-role-policy --role-name execution" in server.why("execution")
    iam.put_role_policy(RoleName="execution", PolicyName="secrets", PolicyDocument=json.dumps(held))
    assert task(None, secrets={"X": stored["arn"]})["env"]["X"]


def test_a_task_whose_role_is_gone_is_refused(clients, role):
    iam = clients("iam")
    iam.delete_role_policy(RoleName="app", PolicyName="logs")
    iam.delete_role(RoleName="app")
    ecs = clients("ecs")
    definition = ecs.list_task_definitions(familyPrefix="probe", sort="DESC")["taskDefinitionArns"]
    with_role = next(arn for arn in definition
                     if ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"].get("taskRoleArn"))
    subnet = clients("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    with pytest.raises(ClientError) as refused:
        ecs.run_task(cluster="roles", taskDefinition=with_role, launchType="FARGATE",
                     networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}})
    assert "role" in refused.value.response["Error"]["Message"].lower()

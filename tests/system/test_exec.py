"""`landfall exec`: a person's way into a running task, on a terminal or through pipes."""
import os
import pty
import subprocess
import time

import pytest

from harness.clients import Aws
from harness.containers import ContainerClient, image
from harness.server import binary, clean_environment
from harness.waiting import eventually

REGION = "us-west-1"


@pytest.fixture(scope="module")
def task(server, clients, tmp_path_factory):
    """A running task of two containers; its ARN."""
    if not hasattr(server, "data"):
        pytest.skip("needs a server of its own")
    folder = tmp_path_factory.mktemp("exec")
    aws = Aws(server.environment(), folder, REGION)
    uri = aws("aws ecr create-repository --repository-name exec-app").json["repository"]["repositoryUri"]
    docker = ContainerClient(folder / "containers", uri.split("/")[0])
    docker(f"podman login --username AWS --password-stdin {uri.split('/')[0]}", input=aws("aws ecr get-login-password").text)
    docker(f"skopeo copy --quiet oci:{image('busybox')}:latest docker://{uri}:latest")
    trust = ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
             ' "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}')
    role = clients("iam").create_role(RoleName="exec-app", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    clients("iam").attach_role_policy(
        RoleName="exec-app", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
    ecs = clients("ecs")
    ecs.create_cluster(clusterName="exec")

    def part(name: str) -> dict:
        return {"name": name, "image": f"{uri}:latest", "command": ["busybox", "sleep", "3600"], "essential": True,
                "linuxParameters": {"initProcessEnabled": True}, "environment": [{"name": "WHO", "value": name}]}

    ecs.register_task_definition(family="exec", cpu="256", memory="512", networkMode="awsvpc", executionRoleArn=role,
                                 requiresCompatibilities=["FARGATE"], containerDefinitions=[part("app"), part("side")])
    ec2 = clients("ec2")
    subnet = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    arn = ecs.run_task(cluster="exec", taskDefinition="exec", launchType="FARGATE", networkConfiguration={
        "awsvpcConfiguration": {"subnets": [subnet], "assignPublicIp": "ENABLED"}})["tasks"][0]["taskArn"]
    eventually(lambda: ecs.describe_tasks(cluster="exec", tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING",
               what="the task runs")
    yield arn
    ecs.stop_task(cluster="exec", task=arn)
    docker.remove_storage()


def landfall_exec(server, *words: str, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "exec", "--data-dir", str(server.data), *words], capture_output=True, text=True,
                          timeout=30, env=clean_environment(), **options)


def test_a_command_runs_in_the_container_that_is_named(server, task):
    for name in ("app", "side"):
        done = landfall_exec(server, "--container", name, task, "--", "busybox", "env")
        assert done.returncode == 0, done.stderr
        assert f"WHO={name}" in done.stdout.splitlines()
        # Nothing of the caller's environment comes along.
        assert "LANDFALL" not in done.stdout


def test_by_id_and_by_its_beginning(server, task):
    identity = task.split("/")[-1]
    for target in (identity, identity[:8]):
        done = landfall_exec(server, "--container=app", target, "busybox", "hostname", "-i")
        assert done.returncode == 0 and done.stdout.strip().startswith("172.31."), done.stderr


def test_exit_codes_and_streams(server, task):
    done = landfall_exec(server, "--container", "app", task, "--", "busybox", "sh", "-c", "cat; echo bad >&2; exit 7",
                         input="through a pipe")
    assert (done.returncode, done.stdout, done.stderr) == (7, "through a pipe", "bad\n")


def test_it_is_inside(server, task):
    done = landfall_exec(server, "--container", "app", task, "--", "busybox", "ps")
    # The init process, the program, and this.
    assert len(done.stdout.splitlines()) == 4 and "sleep 3600" in done.stdout, done.stdout
    done = landfall_exec(server, "--container", "app", task, "--", "busybox", "cat", "/proc/self/uid_map")
    assert int(done.stdout.split()[1]) > 65535


def test_on_a_terminal(server, task):
    child, terminal = pty.fork()
    if child == 0:
        os.execve(binary(), [binary(), "exec", "--data-dir", str(server.data), "--container", "app", task, "--", "busybox",
                             "sh", "-c", "test -t 0 && test -t 1 && echo it is one"], {**clean_environment(), "TERM": "xterm"})
    said = b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        said += piece
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0 and b"it is one" in said, said


def test_mistakes_are_named(server, task):
    for words, code, said in [
            ([], 2, "say which task"),
            (["--bogus", task], 2, "unknown option --bogus"),
            (["0123abcd"], 1, "no container of '0123abcd' runs"),
            ([task, "true"], 1, "choose one with --container: app, side"),
            (["--container", "else", task, "true"], 1, "runs no container 'else', but: app, side"),
            (["--container", "app", "--user", "nobody-known", task, "true"], 1, "no user 'nobody-known'")]:
        done = landfall_exec(server, *words)
        assert done.returncode == code and said in done.stderr, (words, done.stderr)
    done = landfall_exec(server, "--container", "app", task, "--", "not-a-program")
    assert done.returncode != 0 and "not-a-program" in done.stderr and "not found" in done.stderr, done.stderr


def test_without_the_server(server, task):
    """It needs what is on disk and in the kernel, nothing else."""
    server.kill()
    try:
        done = landfall_exec(server, "--container", "app", task, "--", "busybox", "echo", "still there")
        assert done.stdout == "still there\n", done.stderr
    finally:
        server.start()

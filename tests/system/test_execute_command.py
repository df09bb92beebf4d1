"""ECS Exec: `aws ecs execute-command`, spoken as session-manager-plugin speaks it, and with the plugin itself where it is."""
import json
import os
import shutil
import subprocess
import time
import uuid

import pytest

from harness.clients import Aws, Typed, refused
from harness.server import ROOT
from harness.session import Session
from harness.small_tasks import TRUST, SmallTasks
from harness.waiting import eventually

MESSAGES = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel"]


@pytest.fixture(scope="module")
def small(clients, tmp_path_factory):
    made = SmallTasks(clients, tmp_path_factory.mktemp("small"))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def role(clients) -> str:
    iam, name = clients("iam"), f"exec-{uuid.uuid4().hex[:6]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="exec", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": MESSAGES, "Resource": "*"}]}))
    return arn


@pytest.fixture(scope="module")
def running(small, role):
    """The ARN of a task with ECS Exec, two containers in it."""
    definition = small.define("sleep", "600", task={"taskRoleArn": role}, environment=[{"name": "COLOUR", "value": "teal"}],
                              also=({"name": "other", "image": f"{small.uri}:latest", "command": ["sleep", "600"],
                                     "stopTimeout": 2},))
    arn = small.run(definition, enableExecuteCommand=True)["tasks"][0]["taskArn"]
    eventually(lambda: small.task(arn)["lastStatus"] == "RUNNING", 60)
    return arn


def execute(small, task: str, command: str, container: str = "app") -> dict:
    return small.ecs.execute_command(cluster=small.name, task=task, container=container, command=command, interactive=True)


def test_the_task_says_that_its_agent_runs(small, running):
    task = small.task(running)
    assert task["enableExecuteCommand"] is True
    agent, = task["containers"][0]["managedAgents"]
    assert agent["name"] == "ExecuteCommandAgent" and agent["lastStatus"] == "RUNNING" and agent["lastStartedAt"]


def test_a_shell_on_a_terminal(small, running):
    answer = execute(small, running, "/bin/sh")
    assert answer["containerName"] == "app" and answer["taskArn"] == running and answer["interactive"] is True
    session = Session(answer["session"])
    session.until(lambda s: s.ready)
    session.type("echo colour=$COLOUR; tty\r")
    session.until("colour=teal")
    session.until("/dev/pts/")
    session.resize(101, 33)
    session.type("stty size; echo pid=$$\r")
    session.until("33 101")
    session.type("exit\r")
    assert session.end() == ""


def test_one_command_and_all_of_its_output(small, running):
    """More than the client confirms at once."""
    session = Session(execute(small, running, "sh -c 'seq 1 30000; echo the end'")["session"])
    session.end(60)
    lines = session.text.replace("\r\n", "\n").split("\n")
    assert lines[:-2] == [str(number) for number in range(1, 30001)] and lines[-2] == "the end"


def test_a_command_that_is_not_there(small, running):
    session = Session(execute(small, running, "launch-rocket --now")["session"])
    session.end()
    assert "launch-rocket" in session.text


def test_a_client_that_hangs_up_ends_its_command(small, running):
    mark = f"{time.time():.6f}"
    session = Session(execute(small, running, f"sh -c 'sleep 555; echo {mark}'", "other")["session"])
    session.until(lambda s: s.ready)
    eventually(lambda: mark in subprocess.run(["ps", "axo", "args"], capture_output=True, text=True).stdout, 10)
    session.hang_up()
    eventually(lambda: mark not in subprocess.run(["ps", "axo", "args"], capture_output=True, text=True).stdout, 10)


def test_a_session_is_opened_once_and_with_its_token_only(small, running):
    session = execute(small, running, "/bin/sh")["session"]
    assert Session(session, token="0" * 64).end() == "the connection ended"
    first = Session(session)
    first.until(lambda s: s.ready)
    assert Session(session).end() == "HTTP 404"
    first.hang_up()
    assert Session({**session, "streamUrl": session["streamUrl"] + "x"}).end() == "HTTP 404"


def test_what_is_refused(small, running, role, clients):
    ask = {"cluster": small.name, "task": running, "command": "/bin/sh", "interactive": True}
    assert refused(small.ecs.execute_command, **ask)[1].startswith("The container name is required")
    assert refused(small.ecs.execute_command, **ask, container="nobody")[0] == "InvalidParameterException"
    assert "Interactive" in refused(small.ecs.execute_command, **{**ask, "interactive": False}, container="app")[1]
    assert refused(small.ecs.execute_command, **{**ask, "command": "sh -c 'x"}, container="app")[1] == \
        "The command has a quote that does not end."
    plain = small.run(small.define("sleep", "600"))["tasks"][0]["taskArn"]
    eventually(lambda: small.task(plain)["lastStatus"] == "RUNNING", 60)
    assert "execute command was not enabled" in refused(small.ecs.execute_command, **{**ask, "task": plain})[1]
    small.ecs.stop_task(cluster=small.name, task=plain)
    without = small.define("sleep", "600")
    said = refused(small.ecs.run_task, cluster=small.name, taskDefinition=without, launchType="FARGATE", networkConfiguration=small.network(),
                   enableExecuteCommand=True)
    assert said[0] == "InvalidParameterException" and "taskRoleArn" in said[1]


def test_the_role_must_be_allowed(small, running, role, clients):
    iam, name = clients("iam"), role.rsplit("/", 1)[-1]
    document = iam.get_role_policy(RoleName=name, PolicyName="exec")["PolicyDocument"]
    iam.delete_role_policy(RoleName=name, PolicyName="exec")
    try:
        code, message = refused(small.ecs.execute_command, cluster=small.name, task=running, command="/bin/sh",
                                interactive=True, container="app")
        assert code == "TargetNotConnectedException" and "ssmmessages:CreateControlChannel" in message
    finally:
        iam.put_role_policy(RoleName=name, PolicyName="exec", PolicyDocument=json.dumps(document))


def test_the_services_tasks_have_it(small, role):
    definition = small.define("sleep", "600", task={"taskRoleArn": role})
    service = small.create_service("exec", definition, enableExecuteCommand=True)
    assert service["enableExecuteCommand"] is True
    arn = eventually(lambda: small.ecs.list_tasks(cluster=small.name, serviceName="exec")["taskArns"], 30)[0]
    eventually(lambda: small.task(arn)["lastStatus"] == "RUNNING", 60)
    session = Session(execute(small, arn, "echo from the service")["session"])
    session.end()
    assert "from the service" in session.text


PLUGIN = os.environ.get("LANDFALL_TEST_SESSION_PLUGIN") or shutil.which("session-manager-plugin") or \
    shutil.which(ROOT / ".venv/bin/session-manager-plugin")


@pytest.mark.skipif(not PLUGIN, reason="session-manager-plugin is not installed (tools/install-session-manager-plugin does it)")
class TestThePlugin:
    """`aws ecs execute-command` as typed, with AWS's own session-manager-plugin."""

    @pytest.fixture
    def typed(self, server, small, running, region, tmp_path):
        (tmp_path / "session-manager-plugin").symlink_to(PLUGIN)
        aws = Aws({**server.environment(), "PATH": f"{tmp_path}:{os.environ['PATH']}"}, tmp_path, region)

        def start(command: str) -> Typed:
            return aws.start(f"aws ecs execute-command --cluster {small.name} --task {running} --container app --interactive"
                             " --command", command, keyboard=True)
        return start

    @staticmethod
    def ends(typed: Typed) -> None:
        eventually(typed.ended, 60)
        assert typed.process.returncode == 0 and "Exiting session with sessionId: ecs-execute-command-" in typed.text, typed.text

    def test_one_command(self, typed):
        ran = typed("sh -c 'echo colour=$COLOUR; seq 1 20000'")
        self.ends(ran)
        assert "colour=teal" in ran.text
        assert "\n".join(str(number) for number in range(1, 20001)) in ran.text.replace("\r", "")

    def test_a_shell(self, typed):
        shell = typed("/bin/sh")
        eventually(lambda: "# " in shell.read(0.2), 60)
        shell.type("echo col''our=$COLOUR\r")
        eventually(lambda: "colour=teal" in shell.read(0.2), 60)
        shell.type("echo as''leep; sleep 500\r")
        eventually(lambda: "asleep" in shell.read(0.2), 60)
        shell.type("\x03")
        eventually(lambda: "# " in shell.read(0.2).rpartition("^C")[2], 60)
        shell.type("echo inter''rupted=$?\r")
        eventually(lambda: "interrupted=130" in shell.read(0.2), 60)
        shell.type("exit\r")
        self.ends(shell)

"""What a running service stands on goes away: its secret, its role, a policy, the helpers beside its containers, the proxy.

The tasks that run go on; what cannot be started says why; when the cause is gone, the service recovers by itself.

LANDFALL_TEST_KILLS   how many helpers are killed, default 8
LANDFALL_TEST_SEED    the seed that a failure printed
"""
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from harness.steady_load import PORT, Balanced, Load, serve
from harness.leaks import serving, tag_of
from harness.server import Server
from harness.small_tasks import TRUST
from harness.waiting import eventually

KILLS = int(os.environ.get("LANDFALL_TEST_KILLS", "8"))
SEED = int(os.environ.get("LANDFALL_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
PORTS = [{"containerPort": PORT}]


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    with serving(Server()) as server:
        yield Balanced(server, tmp_path_factory.mktemp("folder"))


@pytest.fixture(scope="module")
def role(balanced) -> str:
    """An execution role of the tests' own, which may read secrets."""
    iam = balanced.small.clients("iam")
    arn = iam.create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="mine",
                           PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
    allow(balanced, "secretsmanager:GetSecretValue")
    return arn


def allow(balanced, action: str) -> None:
    balanced.small.clients("iam").put_role_policy(RoleName="mine", PolicyName="read", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}))


def reasons(balanced) -> str:
    small = balanced.small
    arns = small.ecs.list_tasks(cluster=small.name, serviceName="web", desiredStatus="STOPPED")["taskArns"][-20:]
    return " | ".join(task.get("stoppedReason", "") for task in
                      (small.ecs.describe_tasks(cluster=small.name, tasks=arns)["tasks"] if arns else []))


def test_a_secret_that_is_deleted_and_restored(balanced, role):
    secrets = balanced.small.clients("secretsmanager")
    arn = secrets.create_secret(Name="word", SecretString="open sesame")["ARN"]
    definition = balanced.small.define("sh", "-c", serve("$WORD"), portMappings=PORTS, task={"executionRoleArn": role},
                                       secrets=[{"name": "WORD", "valueFrom": arn}])
    load = Load(balanced.name)
    try:
        balanced.update(taskDefinition=definition)
        balanced.steady(2)
        secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
        balanced.update(forceNewDeployment=True)
        eventually(lambda: "ResourceInitializationError" in reasons(balanced), 60)
        assert balanced.small.service("web")["runningCount"] == 2
        secrets.restore_secret(SecretId=arn)
        balanced.steady(2)
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_a_policy_that_is_edited_mid_flight(balanced, role):
    load = Load(balanced.name)
    try:
        allow(balanced, "secretsmanager:ListSecrets")
        balanced.update(forceNewDeployment=True)
        eventually(lambda: "secretsmanager:GetSecretValue" in reasons(balanced), 60)
        allow(balanced, "secretsmanager:GetSecretValue")
        balanced.steady(2)
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_a_role_that_is_removed(balanced, role):
    iam = balanced.small.clients("iam")
    policy = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    load = Load(balanced.name)
    try:
        iam.detach_role_policy(RoleName="mine", PolicyArn=policy)
        iam.delete_role_policy(RoleName="mine", PolicyName="read")
        iam.delete_role(RoleName="mine")
        balanced.small.ecs.stop_task(cluster=balanced.small.name, task=balanced.running()[0]["taskArn"])
        eventually(lambda: "unable to assume the role" in reasons(balanced), 60)
        assert balanced.small.service("web")["runningCount"] == 1
        why = balanced.server.why("web")
        assert "mine" in why and "cause:" in why, why
        iam.create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST)
        iam.attach_role_policy(RoleName="mine", PolicyArn=policy)
        allow(balanced, "secretsmanager:GetSecretValue")
        balanced.steady(2, within_s=120)
    finally:
        said = load.stop()
    assert set(said) == {200}, said


# Helpers


def helpers(balanced, name: str) -> list[int]:
    """Processes of the instance whose program has that name."""
    mark, data = tag_of(balanced.server.data), str(balanced.server.data)
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0") if folder.name.isdigit() else [""]
        except OSError:
            continue
        line = " ".join(words)
        if (mark in line or data in line) and (words[0].endswith(name) or name in words[1:2]):
            found.append(int(folder.name))
    return found


def test_helpers_that_are_killed(balanced):
    """kill -9 of conmon and runc at random moments, also while tasks start. What ran in a container whose monitor is gone is
    replaced; nothing is left over (the module's end looks)."""
    chance = random.Random(SEED)
    print(f"LANDFALL_TEST_SEED={SEED}")
    balanced.update(taskDefinition=balanced.definition)
    balanced.steady(2)
    load = Load(balanced.name)
    killed = {"conmon": 0, "runc": 0}
    try:
        for _ in range(KILLS):
            name = chance.choice(["conmon", "conmon", "runc"])
            if name == "runc":
                # It lives while a container is made: be there.
                balanced.update(forceNewDeployment=True)
            else:
                # One at a time: whoever kills the only monitors of a service has no service.
                balanced.steady(2, within_s=120)
            deadline = time.monotonic() + 3
            while not (there := helpers(balanced, name)) and time.monotonic() < deadline:
                time.sleep(0.005)
            if there:
                try:
                    os.kill(chance.choice(there), signal.SIGKILL)
                    killed[name] += 1
                except ProcessLookupError:
                    pass
            time.sleep(chance.random() * 2)
        balanced.steady(2, within_s=180)
        eventually(lambda: load.said[200] > 50 * sum(killed.values()), 60, what="served all the while")
    finally:
        said = load.stop()
    assert killed["conmon"], killed
    # A container that is killed takes the answers that it was giving with it, and those asked of it before it has left rotation.
    assert sum(said.values()) - said[200] <= 10 * sum(killed.values()), (said, killed)


def test_the_proxy_that_is_killed(balanced):
    """Its connections break; a new one serves within seconds, the server's other work goes on."""
    before = {task["taskArn"] for task in balanced.running()}
    proxies = helpers(balanced, "proxy")
    assert proxies
    for pid in proxies:
        os.kill(pid, signal.SIGKILL)
    load = Load(balanced.name, threads=1)
    try:
        eventually(lambda: load.said[200] > 100, 60)
    finally:
        load.stop()
    balanced.steady(2)
    assert {task["taskArn"] for task in balanced.running()} == before, "no task is replaced for it"

"""Issue 4, "Unhealthy, not only dead": what a task definition says is so inside the container, and what cannot be is refused."""
import subprocess
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from harness.server import binary
from harness.small_tasks import SmallTasks, reason_of
from harness.waiting import eventually


@pytest.fixture(scope="module")
def tasks(clients, tmp_path_factory):
    made = SmallTasks(clients, tmp_path_factory.mktemp("small"))
    yield made
    made.remove()


def says(tasks, script: str, **words) -> dict:
    """Runs a script to its end: it exits with 0 when what it looks at is so."""
    stopped = tasks.run_to_end(tasks.define("sh", "-c", script, **words))
    assert stopped["containers"][0].get("exitCode") == 0, (script, stopped["containers"], reason_of(stopped))
    return stopped


def refused(tasks, words: str, task: dict | None = None, **container) -> None:
    with pytest.raises(ClientError) as problem:
        tasks.define("true", task=task, **container)
    error = problem.value.response["Error"]
    assert error["Code"] == "ClientException" and words in error["Message"], error


# Replaced when it does not serve


def test_a_failing_container_health_check_replaces_the_task(server, tasks):
    if not hasattr(server, "data"):
        pytest.skip("needs a server of its own")
    definition = tasks.define("sh", "-c", "touch /tmp/good; exec sleep 600", healthCheck={
        "command": ["CMD-SHELL", "test -e /tmp/good"], "interval": 5, "timeout": 2, "retries": 2})
    tasks.create_service("health", definition)

    def healthy() -> dict | None:
        arns = tasks.ecs.list_tasks(cluster=tasks.name, serviceName="health")["taskArns"]
        found = tasks.ecs.describe_tasks(cluster=tasks.name, tasks=arns)["tasks"] if arns else []
        return next((task for task in found if task["healthStatus"] == "HEALTHY"), None)

    first = eventually(healthy, 60)
    # Somebody breaks it: the program goes on, the check fails.
    subprocess.run([binary(), "exec", "--data-dir", str(server.data), first["containers"][0]["runtimeId"], "--", "rm",
                    "/tmp/good"], check=True)
    second = eventually(lambda: task if (task := healthy()) and task["taskArn"] != first["taskArn"] else None, 90)
    assert second
    gone = tasks.stopped(first["taskArn"])
    assert gone["stopCode"] == "ServiceSchedulerInitiated" and "health checks" in gone["stoppedReason"]
    events = [event["message"] for event in tasks.service("health")["events"]]
    assert any("failed container health checks" in event for event in events), events


def test_tasks_are_spread_over_zones(tasks):
    service = tasks.create_service("spread", tasks.define("sleep", "600"), 4)
    assert service["desiredCount"] == 4

    def zones() -> list[str] | None:
        arns = tasks.ecs.list_tasks(cluster=tasks.name, serviceName="spread")["taskArns"]
        found = tasks.ecs.describe_tasks(cluster=tasks.name, tasks=arns)["tasks"] if len(arns) == 4 else []
        return [task.get("availabilityZone", "") for task in found] if found and all(
            task["lastStatus"] == "RUNNING" for task in found) else None

    found = eventually(zones, 60)
    assert len(set(found)) == 2 and all(found.count(zone) == 2 for zone in found), found


# What the definition says


def test_cpu_is_limited(tasks):
    """256 units are a quarter of a core: a loop of two seconds gets about half a second."""
    script = ("end=$(($(date +%s)+3)); while [ $(date +%s) -lt $end ]; do :; done;"
              " set -- $(cat /proc/self/stat | cut -d' ' -f14-17); cat /proc/1/stat | cut -d' ' -f14-17 > /tmp/t; set -- $(cat /tmp/t);"
              " test $(($1+$2+$3+$4)) -lt 150")
    says(tasks, script)


def test_containers_of_a_task_share_a_volume(tasks):
    mount = [{"sourceVolume": "shared", "containerPath": "/shared"}]
    writer = {"name": "writer", "image": f"{tasks.uri}:latest", "essential": False, "mountPoints": mount,
              "command": ["sh", "-c", "echo hello > /shared/word"]}
    reader = tasks.define("sh", "-c", "test $(cat /shared/word) = hello && ! touch /shared/other", also=(writer,),
                          task={"volumes": [{"name": "shared"}]}, mountPoints=[{**mount[0], "readOnly": True}],
                          dependsOn=[{"containerName": "writer", "condition": "SUCCESS"}])
    stopped = tasks.run_to_end(reader)
    assert {c["name"]: c.get("exitCode") for c in stopped["containers"]} == {"app": 0, "writer": 0}, stopped["containers"]


def test_a_read_only_root_and_an_init_process(tasks):
    says(tasks, "! touch /word", readonlyRootFilesystem=True)
    says(tasks, "test $$ != 1", linuxParameters={"initProcessEnabled": True})
    says(tasks, "test $$ = 1 || test $PPID = 0")


def test_ulimits(tasks):
    says(tasks, "test $(ulimit -n) = 700 && test $(ulimit -Hn) = 800", ulimits=[{"name": "nofile", "softLimit": 700, "hardLimit": 800}])
    # More than this machine has, without the privilege to raise it: said, not ignored.
    stopped = tasks.run_to_end(tasks.define("true", ulimits=[{"name": "nofile", "softLimit": 10**9, "hardLimit": 10**9}]))
    assert stopped["stopCode"] == "TaskFailedToStart" and "rlimit" in reason_of(stopped).lower(), reason_of(stopped)
    refused(tasks, "ulimit nproc", ulimits=[{"name": "nproc", "softLimit": 1, "hardLimit": 1}])


def test_system_controls_and_labels(tasks):
    says(tasks, "test $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) = 99",
         systemControls=[{"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "99"}])
    says(tasks, "wget -qO- $ECS_CONTAINER_METADATA_URI_V4 | grep -q '\"team\": *\"blue\"'", dockerLabels={"team": "blue"})
    refused(tasks, "system control", systemControls=[{"namespace": "kernel.shmmax", "value": "1"}])


def test_what_there_is_not_is_refused_by_name(tasks):
    refused(tasks, "between 21 and 200", task={"ephemeralStorage": {"sizeInGiB": 201}})
    refused(tasks, "Volume 'files'", task={"volumes": [{"name": "files", "configuredAtLaunch": True}]})
    refused(tasks, "Transit encryption", task={"volumes": [{"name": "files", "efsVolumeConfiguration": {
        "fileSystemId": "fs-12345678", "authorizationConfig": {"iam": "ENABLED"}}}]})
    refused(tasks, "ends in .env", environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::bucket/app.txt"}])
    refused(tasks, "privileged", privileged=True)
    refused(tasks, "sharedMemorySize", linuxParameters={"sharedMemorySize": 64})


# RunTask, StopTask, ListTasks


def test_a_task_ends_by_its_signal_or_is_killed(tasks):
    def run(trap: str, stop_timeout_s: int) -> str:
        return tasks.run(tasks.define(
            "sh", "-c", f"{trap}; touch /tmp/ready; while :; do sleep 0.1; done", stopTimeout=stop_timeout_s,
            healthCheck={"command": ["CMD-SHELL", "test -e /tmp/ready"], "interval": 5}))["tasks"][0]["taskArn"]

    polite, deaf = run("trap 'exit 7' TERM", 20), run("trap '' TERM", 3)
    for arn in (polite, deaf):
        eventually(lambda: tasks.task(arn)["healthStatus"] == "HEALTHY", 60, what="the trap is set")
    began = time.monotonic()
    for arn in (polite, deaf):
        said = tasks.ecs.stop_task(cluster=tasks.name, task=arn, reason="enough")["task"]
        assert said["desiredStatus"] == "STOPPED"
    first = tasks.stopped(polite)
    assert first["containers"][0]["exitCode"] == 7 and first["stoppedReason"] == "enough" and first["stopCode"] == "UserInitiated"
    second = tasks.stopped(deaf)
    assert second["containers"][0]["exitCode"] == 137 and time.monotonic() - began >= 3


def test_a_client_token_runs_a_task_once(tasks):
    definition, token = tasks.define("sleep", "600"), uuid.uuid4().hex
    first = tasks.run(definition, clientToken=token, startedBy="somebody", group="batch")["tasks"]
    again = tasks.run(definition, clientToken=token, startedBy="somebody", group="batch")["tasks"]
    assert [task["taskArn"] for task in first] == [task["taskArn"] for task in again]
    assert first[0]["startedBy"] == "somebody" and first[0]["group"] == "batch"
    with pytest.raises(tasks.ecs.exceptions.ConflictException):
        tasks.run(definition, clientToken=token, startedBy="another", group="batch")
    assert tasks.ecs.list_tasks(cluster=tasks.name, startedBy="somebody")["taskArns"] == [first[0]["taskArn"]]


def test_lists_come_in_pages(tasks):
    arns = {task["taskArn"] for task in tasks.run(tasks.define("sleep", "600"), count=5, startedBy="pages")["tasks"]}
    pages = list(tasks.ecs.get_paginator("list_tasks").paginate(cluster=tasks.name, startedBy="pages",
                                                                PaginationConfig={"PageSize": 2}))
    assert [len(page["taskArns"]) for page in pages] == [2, 2, 1]
    assert {arn for page in pages for arn in page["taskArns"]} == arns
    with pytest.raises(tasks.ecs.exceptions.InvalidParameterException):
        tasks.ecs.list_tasks(cluster=tasks.name, nextToken="nonsense")


def test_overrides_of_size_and_roles(tasks):
    answer = tasks.run_to_end(tasks.define("true"), overrides={"cpu": "512", "memory": "1024", "containerOverrides": [
        {"name": "app", "command": ["sh", "-c", "test $(nproc) -ge 1"], "memory": 64}]})
    assert answer["cpu"] == "512" and answer["memory"] == "1024" and answer["containers"][0]["memory"] == "64"
    with pytest.raises(ClientError) as problem:
        tasks.run(tasks.define("true"), overrides={"containerOverrides": [{"name": "nobody", "command": ["x"]}]})
    assert "nobody" in problem.value.response["Error"]["Message"]

"""Deployments that cannot work: each is refused with AWS's words, or stops with a reason that names what to repair."""
import threading
import time

import pytest

from harness.clients import refused
from harness.small_tasks import SmallTasks, execution_role, reason_of
from harness.waiting import eventually


@pytest.fixture(scope="module")
def tasks(clients, tmp_path_factory):
    made = SmallTasks(clients, tmp_path_factory.mktemp("small"))
    yield made
    made.remove()


# Refused at once


@pytest.mark.parametrize("cpu, memory", [("256", "4096"), ("512", "512"), ("300", "512"), ("4096", "512"), ("256", "513")])
def test_sizes_that_fargate_has_not(tasks, cpu, memory):
    code, message = refused(tasks.define, task={"cpu": cpu, "memory": memory})
    assert code == "ClientException" and "No Fargate configuration exists for given values" in message, message


@pytest.mark.parametrize("gone", ["cpu", "memory"])
def test_a_size_that_is_missing(tasks, gone):
    definition = {"family": "x", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
                  "executionRoleArn": tasks.role, "containerDefinitions": [{"name": "app", "image": tasks.uri}]}
    del definition[gone]
    code, message = refused(tasks.ecs.register_task_definition, **definition)
    assert code == "ClientException" and gone in message.lower(), message


def test_ports_that_clash(tasks):
    one = {"portMappings": [{"containerPort": 8000}]}
    other = {"name": "other", "image": f"{tasks.uri}:latest", **one}
    code, message = refused(tasks.define, also=(other,), **one)
    assert code == "ClientException" and "8000" in message, message
    code, message = refused(tasks.define, portMappings=[{"containerPort": 8000, "hostPort": 9000}])
    assert code == "ClientException" and "hostPort" in message or "host port" in message, message


def test_things_that_are_not_there(tasks):
    definition = tasks.define("true")
    network = tasks.network()
    run = dict(cluster=tasks.name, taskDefinition=definition, launchType="FARGATE", networkConfiguration=network)
    code, _ = refused(tasks.ecs.run_task, **{**run, "cluster": "nowhere"})
    assert code == "ClusterNotFoundException"
    code, message = refused(tasks.ecs.run_task, **{**run, "taskDefinition": "nothing:1"})
    assert (code, message) == ("InvalidParameterException", "TaskDefinition not found.")
    for key, value in (("subnets", ["subnet-0123456789abcdef0"]), ("securityGroups", ["sg-0123456789abcdef0"])):
        bent = {"awsvpcConfiguration": {**network["awsvpcConfiguration"], key: value}}
        code, message = refused(tasks.ecs.run_task, **{**run, "networkConfiguration": bent})
        assert code in ("InvalidParameterException", "ClientException") and value[0] in message, message
    code, _ = refused(tasks.ecs.update_service, cluster=tasks.name, service="nothing", desiredCount=1)
    assert code == "ServiceNotFoundException"


# Stops with a reason


def test_an_unknown_image(tasks):
    stopped = tasks.run_to_end(tasks.define("true", image=f"{tasks.uri}:never"))
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert "CannotPullContainerError" in reason_of(stopped) and f"{tasks.uri}:never" in reason_of(stopped), stopped


def test_an_unknown_repository(tasks):
    stopped = tasks.run_to_end(tasks.define("true", image=f"{tasks.registry}/never:latest"))
    assert "CannotPullContainerError" in reason_of(stopped) and "never" in reason_of(stopped), stopped


def test_a_command_that_is_not_found(tasks):
    stopped = tasks.run_to_end(tasks.define("launch-rocket", "--now"))
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert "CannotStartContainerError" in reason_of(stopped) and "launch-rocket" in reason_of(stopped), reason_of(stopped)


def test_memory_that_runs_out(tasks):
    # A shell that keeps doubling a string.
    stopped = tasks.run_to_end(tasks.define("sh", "-c", "a=0123456789abcdef; while :; do a=$a$a; done"))
    assert "OutOfMemoryError" in reason_of(stopped), reason_of(stopped)
    assert stopped["containers"][0]["exitCode"] == 137


def test_an_exit_code(tasks):
    stopped = tasks.run_to_end(tasks.define("sh", "-c", "exit 42"))
    assert stopped["stopCode"] == "EssentialContainerExited" and stopped["containers"][0]["exitCode"] == 42


def test_a_command_override(tasks):
    overrides = {"containerOverrides": [{"name": "app", "command": ["sh", "-c", "exit $CODE"],
                                         "environment": [{"name": "CODE", "value": "7"}]}]}
    assert tasks.run_to_end(tasks.define("true"), overrides=overrides)["containers"][0]["exitCode"] == 7


def test_a_role_that_is_missing(tasks, clients):
    iam, account = clients("iam"), clients("sts").get_caller_identity()["Account"]
    code, message = refused(tasks.define, task={"executionRoleArn": f"arn:aws:iam::{account}:role/nobody"})
    assert (code, message) == ("ClientException", "Role is not valid")
    # Gone between registration and start.
    role = execution_role(iam, f"{tasks.name}-gone")
    definition = tasks.define("true", task={"executionRoleArn": role})
    iam.detach_role_policy(RoleName=f"{tasks.name}-gone",
                           PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
    iam.delete_role(RoleName=f"{tasks.name}-gone")
    code, message = refused(tasks.run, definition)
    assert code == "ClientException" and f"ECS was unable to assume the role '{role}'" in message, message


def test_a_secret_that_is_missing(tasks, clients):
    account = clients("sts").get_caller_identity()["Account"]
    secret = f"arn:aws:secretsmanager:us-west-1:{account}:secret:nothing-AbCdEf"
    stopped = tasks.run_to_end(tasks.define("true", secrets=[{"name": "S", "valueFrom": secret}]))
    said = reason_of(stopped)
    assert "ResourceInitializationError" in said and secret in said, said


def test_a_subnet_that_is_full(tasks):
    """AWS keeps five addresses of each subnet: a /28 has eleven."""
    subnet = tasks.ec2.create_subnet(VpcId=tasks.vpc, CidrBlock="172.31.240.0/28")["Subnet"]["SubnetId"]
    assert tasks.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 11
    definition = tasks.define("sleep", "600")
    running = [tasks.run(definition, count=count, subnets=[subnet])["tasks"] for count in (10, 1)]
    arns = [task["taskArn"] for group in running for task in group]
    assert len(arns) == 11
    try:
        answer = tasks.run(definition, subnets=[subnet])
        if answer["tasks"]:
            said = reason_of(tasks.stopped(answer["tasks"][0]["taskArn"]))
        else:
            said = answer["failures"][0]["reason"] + answer["failures"][0].get("detail", "")
        assert "RESOURCE:ENI" in said or ("insufficient" in said.lower() or "free addresses" in said.lower()) and subnet in said, said
    finally:
        for arn in arns:
            tasks.ecs.stop_task(cluster=tasks.name, task=arn)
    for arn in arns:
        tasks.stopped(arn)
    # The addresses are free again.
    eventually(lambda: tasks.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 11, 30)
    assert not tasks.run_to_end(tasks.define("true"), subnets=[subnet])["containers"][0]["exitCode"]


# Services


def test_a_crash_loop_backs_off_and_says_so(tasks):
    tasks.create_service("crashing", tasks.define("sh", "-c", "exit 1"))
    try:
        def said() -> bool:
            events = tasks.service("crashing")["events"]
            return any("is unable to consistently start tasks successfully" in event["message"] for event in events)
        eventually(said, 60, what="the service event about the crash loop")
        started = [event for event in tasks.service("crashing")["events"] if "has started" in event["message"]]
        time.sleep(10)
        later = [event for event in tasks.service("crashing")["events"] if "has started" in event["message"]]
        assert len(later) - len(started) <= 2, f"{len(later) - len(started)} tasks in ten seconds: no backoff"
    finally:
        tasks.ecs.delete_service(cluster=tasks.name, service="crashing", force=True)


def test_a_service_whose_image_is_unknown_says_so(tasks):
    tasks.create_service("imageless", tasks.define("true", image=f"{tasks.uri}:never"))
    try:
        eventually(lambda: any("never" in event["message"] or "unable to" in event["message"]
                               for event in tasks.service("imageless")["events"]), 60, what="a service event")
    finally:
        tasks.ecs.delete_service(cluster=tasks.name, service="imageless", force=True)


def test_two_clients_update_one_service(tasks):
    """One changes the count, the other the task definition; both get what they asked for last."""
    definitions = [tasks.define("sleep", "600", family=f"{tasks.name}-shared") for _ in range(6)]
    tasks.create_service("shared", definitions[0], count=0)
    errors: list[Exception] = []

    def each(changes: list[dict]) -> None:
        try:
            for change in changes:
                answer = tasks.ecs.update_service(cluster=tasks.name, service="shared", **change)["service"]
                assert all(answer[key] == value for key, value in change.items()), answer
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)
    both = [threading.Thread(target=each, args=([{"desiredCount": n % 3} for n in range(30)] + [{"desiredCount": 1}],)),
            threading.Thread(target=each, args=([{"taskDefinition": d} for d in definitions * 5],))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert not errors, errors
    service = tasks.service("shared")
    assert (service["desiredCount"], service["taskDefinition"]) == (1, definitions[-1])
    try:
        eventually(lambda: tasks.service("shared")["runningCount"] == 1 and len(tasks.service("shared")["deployments"]) == 1, 60)
        arns = tasks.ecs.list_tasks(cluster=tasks.name, serviceName="shared")["taskArns"]
        assert [tasks.task(arn)["taskDefinitionArn"] for arn in arns] == [definitions[-1]]
    finally:
        tasks.ecs.delete_service(cluster=tasks.name, service="shared", force=True)

"""Rows B3 and B10: an ECS service behind a load balancer changes, and no request is lost."""
import os

import pytest

from harness.steady_load import PORT, Balanced, Load
from harness.leaks import serving
from harness.server import Server
from harness.waiting import eventually

# LANDFALL_TEST_DEPLOYMENTS=50 for a long run; each takes about ten seconds.
DEPLOYMENTS = int(os.environ.get("LANDFALL_TEST_DEPLOYMENTS", "3"))


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    with serving(Server()) as server:
        world = Balanced(server, tmp_path_factory.mktemp("folder"))
        yield world
        world.small.remove()


def test_deployments_and_scaling_lose_no_request(balanced):
    load = Load(balanced.name)
    try:
        balanced.update(forceNewDeployment=True)
        balanced.steady(2)
        balanced.update(desiredCount=3)
        balanced.steady(3)
        balanced.update(desiredCount=1)
        balanced.steady(1)
        for _ in range(DEPLOYMENTS):
            balanced.update(desiredCount=2, forceNewDeployment=True)
            balanced.steady(2)
    finally:
        said = load.stop()
    assert set(said) == {200}, said
    assert said[200] > 100


def test_the_servers_death_in_a_deployment_loses_no_request(balanced):
    load = Load(balanced.name)
    try:
        balanced.update(forceNewDeployment=True)
        balanced.server.kill()
        balanced.server.start()
        balanced.steady(2)
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_a_bad_deployment_takes_no_traffic_from_the_good_one(balanced):
    """The new tasks run, but answer nothing: the balancer says so, they are replaced, the old ones serve."""
    mute = balanced.small.define("sleep", "600", portMappings=[{"containerPort": PORT}])
    load = Load(balanced.name)
    try:
        balanced.update(taskDefinition=mute, healthCheckGracePeriodSeconds=0)
        eventually(lambda: [event for event in balanced.events() if "is unhealthy in (target-group" in event], 60,
                   what="an event that names the target group")
        balanced.update(taskDefinition=balanced.definition)
        balanced.steady(2, within_s=120)
    finally:
        said = load.stop()
    assert set(said) == {200}, said


def test_what_it_cannot_balance_is_refused(balanced):
    def refused(**target: object) -> str:
        with pytest.raises(balanced.small.ecs.exceptions.InvalidParameterException) as problem:
            balanced.small.create_service("other", balanced.definition, 1, loadBalancers=[
                {"targetGroupArn": balanced.group, "containerName": "app", "containerPort": PORT, **target}])
        return problem.value.response["Error"]["Message"]

    assert refused(containerName="nobody") == "The container nobody does not exist in the task definition."
    assert refused(containerPort=81) == "The container app did not have a container port 81 defined."
    assert "Unable to find target group" in refused(targetGroupArn=balanced.group[:-1])

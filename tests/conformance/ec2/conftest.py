"""EC2 networks to play with, removed in the order AWS asks for."""
import pytest
from harness.networks import Network


@pytest.fixture
def ec2(clients):
    return clients("ec2")


@pytest.fixture
def network(ec2):
    """network(block) -> a new VPC"""
    made: list[Network] = []

    def make(block: str = "10.0.0.0/16") -> Network:
        made.append(Network(ec2, block))
        return made[-1]

    yield make
    for one in reversed(made):
        one.remove()

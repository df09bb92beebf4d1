"""Fixtures of the Python tests. Options come from the environment:

LANDFALL_BINARY          the program under test; default build/dev/landfall
LANDFALL_TEST_ENDPOINT   test this endpoint (with the AWS_* keys of the environment) instead of a server of our own
LANDFALL_TEST_CLI        which AWS CLI `aws` is: today, one (version 1) or debian
LANDFALL_TEST_POOL       public addresses of the session's server; otherwise a free block
LANDFALL_TEST_KEEP       keep data folder and log of the session's server
"""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.clients import CLIS, Aws, Clients  # noqa: E402
from harness.containers import ContainerClient  # noqa: E402
from harness.leaks import serving  # noqa: E402
from harness.server import REGION, OutsideServer, Server  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """The session's server. Tests share it: use names of your own, and leave it running."""
    outside = os.environ.get("LANDFALL_TEST_ENDPOINT")
    if outside:
        yield OutsideServer(outside)
        return
    with serving(Server(os.environ.get("LANDFALL_TEST_POOL", ""))) as ours:
        yield ours


def server_of_its_own():
    if os.environ.get("LANDFALL_TEST_ENDPOINT"):
        pytest.skip("needs a server of its own")
    with serving(Server()) as ours:
        yield ours


@pytest.fixture
def own_server():
    """A server for one test alone, to be killed and restarted at will."""
    yield from server_of_its_own()


@pytest.fixture(scope="module")
def module_server():
    """A server for the tests of one file."""
    yield from server_of_its_own()


@pytest.fixture(scope="session")
def region() -> str:
    return REGION


@pytest.fixture(scope="session")
def clients(server) -> Clients:
    return Clients(server.environment(), REGION)


@pytest.fixture(scope="session")
def aws(server, tmp_path_factory) -> Aws:
    return Aws(server.environment(), tmp_path_factory.mktemp("home"), REGION)


@pytest.fixture(params=sorted(CLIS))
def each_cli(request, server, tmp_path) -> Aws:
    """Once with each AWS CLI: of today, version 1, Debian 12's."""
    return Aws(server.environment(), tmp_path, REGION, request.param)


@pytest.fixture
def podman(server, clients, tmp_path):
    """podman, buildah and skopeo that trust the server's registry and are not logged in."""
    registry = clients("ecr").get_authorization_token()["authorizationData"][0]["proxyEndpoint"].split("://")[1]
    client = ContainerClient(tmp_path / "containers", registry)
    client.registry = registry
    yield client
    client.remove_storage()

"""A repository of one test's own, and its registry."""
import pytest

from harness.registry import Registry


@pytest.fixture(scope="session")
def ecr(clients):
    return clients("ecr")


@pytest.fixture
def repository(ecr, name):
    """A repository of this test's own; what is in it goes with it."""
    made = ecr.create_repository(repositoryName=name)["repository"]
    yield made
    try:
        ecr.delete_repository(repositoryName=name, force=True)
    except ecr.exceptions.RepositoryNotFoundException:
        pass


@pytest.fixture(scope="session")
def token_of():
    """The registry password of an ECR client's principal."""
    import base64

    def password(client) -> str:
        token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return base64.b64decode(token).decode().removeprefix("AWS:")

    return password


@pytest.fixture
def registry(server, ecr, repository, token_of) -> Registry:
    # Without the host's name the region is not said, so requests name it.
    made = Registry(server.endpoint, repository["repositoryName"], token_of(ecr))
    made.session.headers["Host"] = repository["repositoryUri"].split("/")[0]
    return made

"""What the resources have in common."""
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from harness.clients import Clients
from harness.waiting import eventually

TAGS = {"Project": "frameratr", "Environment": "dev"}  # the provider's default_tags


def pairs(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def plain(tags: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in tags}


def code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def gone(call: Callable[[], Any], *codes: str) -> bool:
    """The provider reads until the service says in its own words that the thing is not there."""
    try:
        found = call()
    except ClientError as error:
        assert code(error) in codes, error
        return True
    return not found


def until(look: Callable[[], Any], what: str = "") -> None:
    """The provider waits for minutes."""
    eventually(look, 120, every_s=0.3, what=what)


class Resource:
    """`arguments` is what the configuration says, with the schema's defaults where it says nothing."""

    service = ""

    def __init__(self, clients: Clients, **arguments: Any):
        self.clients = clients
        self.call = clients(self.service)
        self.arguments = arguments
        self.id = ""

    def create(self) -> None:
        raise NotImplementedError

    def read(self) -> dict[str, Any]:
        """The attributes as the provider sets them; only those that `arguments` may name are compared."""
        raise NotImplementedError

    def destroy(self) -> None:
        raise NotImplementedError

    def plan(self) -> dict[str, tuple]:
        """What a second plan would change: attribute -> (is, wanted)."""
        state = self.read()
        return {name: (state.get(name), wanted) for name, wanted in self.arguments.items() if state.get(name) != wanted}

"""A disk that fills up while an image is pushed: the push is refused, nothing else is, and what it took is given back."""
import base64
import hashlib
import os
import shutil
import subprocess

import pytest
import requests

from harness.clients import Clients
from harness.leaks import stop_and_check
from harness.server import REGION, Server
from harness.waiting import eventually

MIB = 1 << 20


@pytest.fixture
def small_server(tmp_path, monkeypatch):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(tmp_path)], check=True)
    monkeypatch.setenv("LANDFALL_TEST_TMP", str(tmp_path))
    ours = Server()
    try:
        ours.start()
        yield ours
    finally:
        stop_and_check(ours)
        subprocess.run(["umount", str(tmp_path)], check=True)


class Registry:
    def __init__(self, server: Server):
        clients = Clients(server.environment(), REGION)
        uri = clients("ecr").create_repository(repositoryName="app")["repository"]["repositoryUri"]
        token = clients("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        self.session = requests.Session()
        self.session.auth = tuple(base64.b64decode(token).decode().split(":", 1))
        self.session.headers["Host"] = uri.split("/")[0]
        self.base = server.endpoint

    def begin(self) -> str:
        begun = self.session.post(f"{self.base}/v2/app/blobs/uploads/", timeout=10)
        assert begun.status_code == 202, begun.text
        return begun.headers["Location"]

    def at(self, location: str) -> str:
        return location if location.startswith("http") else self.base + location

    def append(self, location: str, data: bytes) -> requests.Response:
        return self.session.patch(self.at(location), data=data, timeout=60)

    def push(self, data: bytes) -> requests.Response:
        location = self.begin()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        join = "&" if "?" in location else "?"
        return self.session.put(f"{self.at(location)}{join}digest={digest}", data=data, timeout=60)


def free(server: Server) -> int:
    return shutil.disk_usage(server.data).free


@pytest.mark.parametrize("how", ["one request", "pieces"])
def test_a_disk_that_fills_up_during_a_push(small_server, how):
    registry = Registry(small_server)
    iam = Clients(small_server.environment(), REGION)("iam")
    kept = os.urandom(MIB)
    assert registry.push(kept).status_code == 201
    before = free(small_server)

    if how == "one request":
        answer = registry.push(os.urandom(100 * MIB))
    else:
        location = registry.begin()
        for _ in range(100):
            answer = registry.append(location, os.urandom(MIB))
            if answer.status_code != 202:
                break
            location = answer.headers["Location"]
    assert answer.status_code in (500, 503, 507), (answer.status_code, answer.text)
    assert "full" in answer.text.lower() or "space" in answer.text.lower(), answer.text

    # Half a layer does not keep the disk full for everybody else.
    eventually(lambda: free(small_server) > before - 2 * MIB, 30, what="the room of the refused push is free again")
    iam.create_user(UserName="after")
    other = os.urandom(MIB)
    assert registry.push(other).status_code == 201
    small_server.restart()
    assert iam.get_user(UserName="after")["User"]["UserName"] == "after"
    for blob in (kept, other):
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        assert registry.session.get(f"{registry.base}/v2/app/blobs/{digest}", timeout=10).content == blob

"""A disk that fills up while an image is pushed, or while log lines come in: what has no room is refused, nothing else is, and
what half of a push took is given back."""
import base64
import hashlib
import os
import shutil
import subprocess
import time

import pytest
import requests
from botocore.exceptions import ClientError

from harness.clients import Clients
from harness.leaks import stop_and_check
from harness.server import REGION, Server
from harness.waiting import eventually

MIB = 1 << 20


@pytest.fixture
def small_server(tmp_path, monkeypatch, request):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={getattr(request, 'param', 64)}m", "none", str(tmp_path)], check=True)
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


@pytest.mark.parametrize("small_server", [192], indirect=True)
def test_a_disk_that_fills_up_with_log_events(small_server):
    """What is acknowledged stays, what is refused says why, and it goes on when there is room."""
    logs = Clients(small_server.environment(), REGION)("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    acknowledged = []

    def put(number: int, size: int) -> None:
        message = f"{number} " + os.urandom(size // 2).hex()
        logs.put_log_events(logGroupName="g", logStreamName="s",
                            logEvents=[{"timestamp": int(time.time() * 1000), "message": message}])
        acknowledged.append(message)

    put(0, 1000)
    filler = small_server.data / "filler"
    filler.write_bytes(b"\0" * (free(small_server) - 4 * MIB))
    with pytest.raises(ClientError) as refused:
        for number in range(1, 400):
            put(number, 200_000)
    assert refused.value.response["Error"]["Code"] == "ServiceUnavailableException", refused.value
    assert len(acknowledged) > 1
    small_server.kill()
    filler.unlink()
    small_server.start()
    put(1000, 1000)
    small_server.restart()
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="g")
    kept = {event["message"] for page in pages for event in page["events"]}
    assert set(acknowledged) <= kept

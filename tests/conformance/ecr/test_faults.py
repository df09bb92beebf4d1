"""The registry when things go wrong: a killed server, a full disk. Ours."""
import os
import subprocess
import time

import pytest

from harness.clients import Clients
from harness.registry import Registry, digest_of, error_code
from harness.server import Server

REGION = "us-west-1"


def registry_of(server: Server, token_of, name: str) -> Registry:
    """A new repository of a server of one's own."""
    ecr = Clients(server.environment(), REGION)("ecr")
    made = ecr.create_repository(repositoryName=name)["repository"]
    registry = Registry(server.endpoint, name, token_of(ecr))
    registry.session.headers["Host"] = made["repositoryUri"].split("/")[0]
    return registry


def test_a_killed_server_loses_nothing_it_acknowledged(own_server, token_of):
    registry = registry_of(own_server, token_of, "killed")
    kept = registry.push("kept")
    blob = os.urandom(200_000)
    where = registry.begin()
    assert registry("PATCH", where, data=blob[:120_000]).status_code == 202
    whole = registry.put_blob(os.urandom(50_000))
    own_server.restart()
    assert registry("GET", "manifests/kept").headers["Docker-Content-Digest"] == kept
    assert registry("HEAD", f"blobs/{whole}").status_code == 200
    # An upload goes on where it was, and its digest is that of all of it.
    state = registry("GET", where)
    assert state.status_code == 204 and state.headers["Range"] == "0-119999"
    done = registry("PUT", where, params={"digest": digest_of(blob)}, data=blob[120_000:])
    assert done.status_code == 201, done.text
    assert registry("GET", f"blobs/{digest_of(blob)}").content == blob


def test_a_server_killed_in_the_middle_of_pushes(own_server, token_of):
    """Each push is there as a whole or not at all, and can be done again."""
    registry = registry_of(own_server, token_of, "often")
    acknowledged: dict[str, str] = {}
    for attempt in range(6):
        killer = subprocess.Popen(["sh", "-c", f"sleep {0.03 * (attempt + 1):.2f}; kill -9 {own_server.process.pid}"])
        try:
            for count in range(1000):
                tag = f"v{attempt}-{count}"
                acknowledged[tag] = registry.push(tag, tag)
        except (OSError, AssertionError):
            pass
        killer.wait()
        own_server.process.wait()
        own_server.start()
        for tag, digest in acknowledged.items():
            got = registry("GET", f"manifests/{tag}")
            assert got.headers["Docker-Content-Digest"] == digest and digest_of(got.content) == digest
            for part in [got.json()["config"], *got.json()["layers"]]:
                assert digest_of(registry("GET", f"blobs/{part['digest']}").content) == part["digest"]
    assert acknowledged
    registry.push("after")


@pytest.fixture
def small_disk(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_during_a_push(small_disk, token_of, monkeypatch):
    monkeypatch.setenv("LANDFALL_TEST_TMP", str(small_disk))
    ours = Server()
    ours.start()
    try:
        registry = registry_of(ours, token_of, "full")
        kept = registry.push("kept")
        large = os.urandom(40 << 20)
        for attempt in range(3):
            where = registry.begin()
            refused = registry("PATCH", where, data=large)
            assert refused.status_code == 507, refused.text
            assert "no space left" in refused.json()["errors"][0]["message"]
            # Who reads and who looks is served all the same.
            assert registry("GET", "manifests/kept").headers["Docker-Content-Digest"] == kept
            assert registry("DELETE", where).status_code == 404, "it is given up"
        refused = registry("POST", "blobs/uploads/", params={"digest": digest_of(large)}, data=large)
        assert refused.status_code == 507 and error_code(refused) == "TOOMANYREQUESTS"
        # The refused uploads have given their room back.
        small = os.urandom(4 << 20)
        assert registry("HEAD", f"blobs/{registry.put_blob(small)}").headers["Content-Length"] == str(len(small))
        assert registry.push("after") == registry("HEAD", "manifests/after").headers["Docker-Content-Digest"]
        ours.restart()
        assert registry("GET", "manifests/kept").headers["Docker-Content-Digest"] == kept
    finally:
        ours.stop()
        ours.down()


def test_a_full_disk_at_the_manifest(small_disk, token_of, monkeypatch):
    """The last step of a push fails, and says why; nothing half-made is left."""
    monkeypatch.setenv("LANDFALL_TEST_TMP", str(small_disk))
    ours = Server()
    ours.start()
    try:
        registry = registry_of(ours, token_of, "full")
        manifest = registry.image("x")
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(b"\0" * 4096)
        refused = registry.put_manifest("latest", manifest)
        assert refused.status_code == 507, refused.text
        begun = registry("POST", "blobs/uploads/")
        assert begun.status_code in (202, 507)
        filler.unlink()
        assert registry("GET", "manifests/latest").status_code == 404
        assert registry.put_manifest("latest", manifest).status_code == 201
    finally:
        ours.stop()
        ours.down()


def test_slow_clients_do_not_stop_others(registry):
    """A push that trickles in holds nobody up."""
    def slowly():
        for _ in range(10):
            yield b"x" * 1000
            time.sleep(0.05)
            begun = time.monotonic()
            assert registry("GET", "tags/list").status_code == 200
            assert time.monotonic() - begun < 2

    assert registry("PATCH", registry.begin(), data=slowly()).status_code == 202

#!/usr/bin/env python3
"""Push and pull by the registry protocol, beside Debian's docker-registry in the same run.

    .venv/bin/python bench/registry.py [--peer /usr/bin/docker-registry] [--megabytes 256] [--rounds 5]

Without docker-registry installed: apt-get download docker-registry && dpkg -x docker-registry_*.deb /tmp/registry, and
--peer /tmp/registry/usr/bin/docker-registry. The peer runs without logins and does not sync what it stores to the disk;
Landfall checks a token and IAM's policies for each request and has a blob on disk before it says so.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from harness.clients import Clients  # noqa: E402
from harness.server import Server, free_port  # noqa: E402

NAME = "bench/app"


class Target:
    """One registry: a connection, its headers, and its process."""

    def __init__(self, name: str, port: int, pid: int, headers: dict[str, str]):
        self.name, self.port, self.pid, self.headers = name, port, pid, headers
        self.wire = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body=None, headers: dict[str, str] | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        path = path if path.startswith("/") else "/" + path.split("/", 3)[3]
        self.wire.request(method, path, body=body, headers={**self.headers, **(headers or {})},
                          encode_chunked=(headers or {}).get("Transfer-Encoding") == "chunked")
        answer = self.wire.getresponse()
        return answer.status, answer.headers, answer.read()

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def begin(self) -> str:
        status, headers, text = self.ask("POST", f"/v2/{NAME}/blobs/uploads/", headers={"Content-Length": "0"})
        assert status == 202, (status, text)
        return headers["Location"]

    def finish(self, location: str, digest: str, body=None) -> None:
        joint = "&" if "?" in location else "?"
        size = {"Content-Length": str(len(body) if body else 0), "Content-Type": "application/octet-stream"}
        status, _, text = self.ask("PUT", f"{location}{joint}digest={digest}", body=body, headers=size)
        assert status == 201, (status, text)

    def push(self, data: bytes) -> str:
        """As docker does: POST, one PATCH of unknown length, PUT."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        pieces = (data[at:at + 65536] for at in range(0, len(data), 65536))
        status, headers, text = self.ask("PATCH", self.begin(), body=pieces,
                                         headers={"Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"})
        assert status == 202, (status, text)
        self.finish(headers["Location"], digest)
        return digest

    def push_whole(self, data: bytes) -> str:
        """As skopeo does with what it knows: POST, PUT."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.finish(self.begin(), digest, data)
        return digest

    def pull(self, digest: str) -> int:
        self.wire.request("GET", f"/v2/{NAME}/blobs/{digest}", headers=self.headers)
        answer = self.wire.getresponse()
        size = 0
        while piece := answer.read(1 << 20):
            size += len(piece)
        return size

    def push_image(self, tag: str) -> None:
        """Eight small layers, a configuration and a manifest."""
        def part(kind: str) -> dict:
            data = os.urandom(4096)
            return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": self.push_whole(data), "size": len(data)}

        manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                               "config": part("config.v1+json"), "layers": [part("layer.v1.tar") for _ in range(8)]})
        status, _, text = self.ask("PUT", f"/v2/{NAME}/manifests/{tag}", body=manifest.encode(),
                                   headers={"Content-Type": "application/vnd.oci.image.manifest.v1+json"})
        assert status == 201, (status, text)
        status, _, _ = self.ask("GET", f"/v2/{NAME}/manifests/{tag}",
                                headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
        assert status == 200


def measured(target: Target, work, times: int = 1) -> tuple[float, float]:
    """Wall-clock and the server's CPU seconds."""
    cpu, begun = target.cpu_s(), time.monotonic()
    for _ in range(times):
        work()
    return (time.monotonic() - begun) / times, (target.cpu_s() - cpu) / times


def peer(program: str, folder: Path) -> tuple[subprocess.Popen, Target]:
    port = free_port()
    settings = folder / "config.yml"
    settings.write_text(f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
                        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n")
    process = subprocess.Popen([program, "serve", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            target = Target("docker-registry", port, process.pid, {})
            target.ask("GET", "/v2/")
            return process, target
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{program} does not answer")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peer", default=shutil.which("docker-registry"))
    options.add_argument("--megabytes", type=int, default=256)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-registry-", dir="/var/tmp"))
    ours = Server("198.18.113.0/24")
    ours.start()
    other = None
    try:
        ecr = Clients(ours.environment(), "us-west-1")("ecr")
        made = ecr.create_repository(repositoryName=NAME)["repository"]
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        base64.b64decode(token)
        targets = [Target("landfall", ours.port, ours.process.pid,
                          {"Host": made["repositoryUri"].split("/")[0], "Authorization": f"Basic {token}"})]
        if given.peer:
            other, target = peer(given.peer, folder)
            targets.append(target)
        names = [f"push {given.megabytes} MiB in chunks", f"push {given.megabytes} MiB whole", f"pull {given.megabytes} MiB",
                 "push an image of 9 small blobs"]
        results: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for count in range(given.rounds):
            # Another blob each time, the same for both.
            one, two = os.urandom(given.megabytes << 20), os.urandom(given.megabytes << 20)
            for target in targets if count % 2 else reversed(targets):
                digests = []
                work = [lambda: digests.append(target.push(one)), lambda: digests.append(target.push_whole(two)),  # noqa: B023
                        lambda: target.pull(digests[0]), lambda: target.push_image(f"v{count}")]  # noqa: B023
                for name, each in zip(names, work, strict=True):
                    results.setdefault((name, target.name), []).append(measured(target, each))
        print(f"{'':34}{'registry':18}{'seconds':>10}{'CPU s':>10}{'ratio':>8}{'CPU ratio':>11}")
        for name in names:
            base = None
            for target in reversed(targets):
                wall, cpu = (statistics.median(values) for values in zip(*results[name, target.name], strict=True))
                ratio = f"{wall / base[0]:8.2f}{cpu / max(base[1], 0.001):11.2f}" if base else ""
                base = base or (wall, cpu)
                print(f"{name:34}{target.name:18}{wall:10.3f}{cpu:10.3f}{ratio}")
    finally:
        if other:
            other.kill()
        ours.down()
        ours.remove_folder()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

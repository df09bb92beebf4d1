"""The load balancers' data plane alone, `landfall proxy`, configured through its control socket (src/proxy/protocol.h)."""
import http.server
import json
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness.server import binary, free_port


class Proxy:
    """A process; `start` once more over the same folder makes a second one take over the first one's sockets."""

    def __init__(self, threads: int = 2, descriptors: int = 0):
        self.folder = Path(tempfile.mkdtemp(prefix="landfall-proxy-", dir=os.environ.get("LANDFALL_TEST_TMP", "/var/tmp")))
        self.threads, self.descriptors = threads, descriptors
        self.port = free_port()
        self.revision = 0
        self.processes: list[subprocess.Popen] = []

    def start(self, program: str = "") -> subprocess.Popen:
        def limit() -> None:
            if self.descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen([program or binary(), "proxy", "--folder", str(self.folder), "--threads", str(self.threads)],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=limit)
        self.processes.append(process)
        deadline = time.monotonic() + 30
        while True:
            try:
                if self.call("status")["status"]["pid"] == process.pid:
                    return process
            except OSError:
                pass
            assert process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def call(self, operation: str, **more) -> dict:
        with socket.socket(socket.AF_UNIX) as conn:
            conn.settimeout(60)
            conn.connect(str(self.folder / "control"))
            text = json.dumps({"operation": operation, **more}).encode()
            conn.sendall(struct.pack("<I", len(text)) + text)
            with conn.makefile("rb") as answer:
                size = struct.unpack("<I", answer.read(4))[0]
                return json.loads(answer.read(size))

    def apply(self, targets: list[dict], check: dict | None = None, **balancer) -> None:
        """One load balancer with one plain listener that forwards to one group; members as in src/proxy/config.h."""
        self.revision += 1
        listener = {"id": "l", "protocol": 0, "port": self.port, "rules": [{"action": {"groups": [{"group": "tg", "weight": 1}]}}]}
        snapshot = {
            "revision": self.revision,
            "load_balancers": [{"id": "lb", "name": "app/lb/1", "nodes": [{"address": "127.0.0.1", "zone": "a"}],
                                "listeners": [listener], **balancer}],
            "target_groups": [{"id": "tg", "targets": targets, "health_check": check or {"enabled": False}}]}
        answer = self.call("apply", snapshot=snapshot)
        assert answer.get("applied") and not answer["applied"].get("problems"), answer

    def counters(self) -> dict[str, int]:
        """Of the load balancer, summed over its zones."""
        out: dict[str, int] = {}
        for each in self.call("metrics")["metrics"]["sets"]:
            for name, value in {**each["counters"], **each["gauges"]}.items() if not each["target_group"] else ():
                out[name] = out.get(name, 0) + value
        return out

    def connect(self, timeout_s: float = 60) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)

    def private_kib(self) -> int:
        """Memory of the youngest process that is its own."""
        text = Path(f"/proc/{self.processes[-1].pid}/smaps_rollup").read_text()
        return sum(int(value) for value in re.findall(r"Private_\w+:\s+(\d+)", text))

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def ask(conn: socket.socket, path: str = "/", method: str = "GET") -> tuple[int, bytes]:
    """One request on a connection that stays; status and body. ConnectionError when the proxy ends it before an answer."""
    conn.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        part = conn.recv(65536)
        if not part:
            raise ConnectionError(f"ended after {data!r}")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    while len(body) < length:
        part = conn.recv(65536)
        if not part:
            raise ConnectionError("ended within the body")
        body += part
    return int(head.split()[1]), body


class Target:
    """An HTTP server on every loopback address; what it answers to `/health` is a function of the address that was asked."""

    def __init__(self, healthy=lambda address: True):
        target = self
        self.healthy = healthy

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802 - the library's name
                address = self.connection.getsockname()[0]
                status = 200 if self.path != "/health" or target.healthy(address) else 500
                body = address.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Many(http.server.ThreadingHTTPServer):
            request_queue_size = 4096
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a checker that has seen enough

        self.server = Many(("0.0.0.0", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def at(self, address: str = "127.0.0.1", **more) -> dict:
        return {"id": address, "address": address, "port": self.port, **more}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

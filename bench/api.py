#!/usr/bin/env python3
"""API calls per CPU second and latency, beside moto_server; start-up time and idle memory.

  bench/api.py [--calls 4000] [--binary build/release/landfall]

Every request is signed once and sent over keep-alive connections by a client written for this, so that the servers, not boto3, are
measured. CPU time is the server's own (utime + stime of the process and its threads). Figures are ratios within one run.
"""
import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-west-1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """Proportional: what is shared with others counts in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


class Landfall:
    name = "landfall"

    def __init__(self, binary: str):
        self.binary = binary
        self.folder = Path(tempfile.mkdtemp(prefix="landfall-bench-"))
        self.port = free_port()

    def start(self) -> float:
        """Seconds until the first answer."""
        began = time.perf_counter()
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data-dir", str(self.folder / "data"), "--listen", f"127.0.0.1:{self.port}",
             "--public-pool", "198.18.124.0/24"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as ask:
                    ask.sendall(b"GET /_landfall/health HTTP/1.1\r\nHost: x\r\n\r\n")
                    if ask.recv(64):
                        return time.perf_counter() - began
            except OSError:
                if self.process.poll() is not None:
                    sys.exit((self.folder / "log").read_text())
                time.sleep(0.001)

    def credentials(self) -> Credentials:
        key, secret = (self.folder / "data/credentials").read_text().split()
        return Credentials(key, secret)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def remove(self) -> None:
        subprocess.run([self.binary, "down", "--data-dir", str(self.folder / "data")], check=True)
        shutil.rmtree(self.folder)


class Moto:
    name = "moto_server"

    def __init__(self):
        self.port = free_port()

    def start(self) -> float:
        began = time.perf_counter()
        self.process = subprocess.Popen(["moto_server", "-H", "127.0.0.1", "-p", str(self.port)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return time.perf_counter() - began
            except OSError:
                time.sleep(0.005)

    def credentials(self) -> Credentials:
        return Credentials("AKIAIOSFODNN7EXAMPLE", "secret")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def remove(self) -> None:
        pass


def signed(server, service: str, headers: dict, body: str) -> bytes:
    host = f"127.0.0.1:{server.port}"
    request = AWSRequest("POST", f"http://{host}/", headers={"Host": host, **headers}, data=body)
    SigV4Auth(server.credentials(), service, REGION).add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    return f"POST / HTTP/1.1\r\n{chr(10).join(lines).replace(chr(10), chr(13) + chr(10))}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def requests_of(server) -> dict[str, bytes]:
    def ecs(operation: str, body: dict) -> bytes:
        return signed(server, "ecs", {"Content-Type": "application/x-amz-json-1.1",
                                      "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}"}, json.dumps(body))
    asyncio.run(send(server.port, ecs("CreateCluster", {"clusterName": "bench"})))
    return {
        "GetCallerIdentity": signed(server, "sts", {"Content-Type": "application/x-www-form-urlencoded"},
                                    "Action=GetCallerIdentity&Version=2011-06-15"),
        "DescribeTasks": ecs("DescribeTasks", {"cluster": "bench", "tasks": ["0123456789abcdef0123456789abcdef"]}),
    }


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    body = await reader.readexactly(length)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(f"{head!r} {body!r}")
    return head


async def send(port: int, request: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await answer(reader)
    writer.close()


async def load(port: int, request: bytes, connections: int, calls: int) -> list[float]:
    left = calls
    times: list[float] = []

    async def work() -> None:
        nonlocal left
        reader = writer = None
        while left > 0:
            left -= 1
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            began = time.perf_counter()
            writer.write(request)
            head = await answer(reader)
            times.append(time.perf_counter() - began)
            if b"connection: close" in head.lower() or head.startswith(b"HTTP/1.0"):
                writer.close()
                writer = None
        if writer is not None:
            writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return times


def measure(server, calls: int) -> dict:
    out = {}
    for name, request in requests_of(server).items():
        for connections in (1, 64):
            asyncio.run(load(server.port, request, connections, max(64, calls // 20)))  # warm
            before, began = cpu_seconds(server.process.pid), time.perf_counter()
            times = asyncio.run(load(server.port, request, connections, calls))
            cpu = cpu_seconds(server.process.pid) - before
            out[name, connections] = (calls / max(cpu, 0.01), calls / (time.perf_counter() - began),
                                      statistics.median(times) * 1000, sorted(times)[int(len(times) * 0.99)] * 1000)
    return out


def fill(server: Landfall, count: int) -> None:
    import boto3
    credentials = server.credentials()
    iam = boto3.client("iam", endpoint_url=f"http://127.0.0.1:{server.port}", region_name=REGION,
                       aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key)
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    for number in range(count):
        iam.create_role(RoleName=f"role{number}", AssumeRolePolicyDocument=trust)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=4000)
    options.add_argument("--moto-calls", type=int, default=600)
    options.add_argument("--binary", default=str(ROOT / "build/release/landfall"))
    given = options.parse_args()
    ours = Landfall(given.binary)
    print(f"first start: ready after {ours.start():.3f} s")
    time.sleep(1)
    print(f"idle memory: {memory_mib(ours.process.pid):.1f} MiB")
    mine = measure(ours, given.calls)
    print(f"after load:  {memory_mib(ours.process.pid):.1f} MiB")
    ours.stop()
    print(f"restart:     ready after {min(ours.start() for _ in range(1)):.3f} s")
    fill(ours, 1000)
    ours.stop()
    print(f"1000 roles:  ready after {ours.start():.3f} s, {memory_mib(ours.process.pid):.1f} MiB")
    ours.stop()
    ours.remove()
    if shutil.which("moto_server"):
        moto = Moto()
        moto.start()
        theirs = measure(moto, given.moto_calls)
        moto.stop()
    else:
        theirs = {}
    print(f"\n{'operation':<20}{'conns':>6}{'calls/CPU s':>13}{'calls/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'x moto':>9}")
    for key, (per_cpu, per_second, median, p99) in mine.items():
        ratio = f"{per_cpu / theirs[key][0]:.1f}" if key in theirs else "-"
        print(f"{key[0]:<20}{key[1]:>6}{per_cpu:>13.0f}{per_second:>10.0f}{median:>9.2f}{p99:>9.2f}{ratio:>9}")
    for key, (per_cpu, per_second, median, p99) in theirs.items():
        print(f"{'moto ' + key[0]:<20}{key[1]:>6}{per_cpu:>13.0f}{per_second:>10.0f}{median:>9.2f}{p99:>9.2f}")


if __name__ == "__main__":
    main()

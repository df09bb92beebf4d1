#!/usr/bin/env python3
"""Log ingestion and search: events a second through PutLogEvents, and 1 GiB searched by FilterLogEvents.

  bench/logs.py [--mib 1024] [--connections 4] [--filters 20] [--binary build/release/landfall]

Bodies are made and signed before the clock starts and sent over keep-alive connections, so that the server is measured,
not Python. An event is acknowledged when it is on disk. The search is for a word that occurs once: nothing but the
search itself is answered. Budgets: 100k events/s, 1 GiB searched in 2 s (docs/status.md).
"""
import argparse
import http.client
import json
import os
import random
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from botocore.auth import SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

from harness.server import Server  # noqa: E402

REGION = "us-west-1"
GROUP = "/bench/app"
EVENT_BYTES = 100
BATCH = 8000  # 1 MiB with the 26 bytes that AWS counts for each


class Client:
    def __init__(self, server: Server):
        exports = server.environment()
        self.signer = SigV4Auth(Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]), "logs", REGION)
        self.port = server.port
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)

    def signed(self, operation: str, body: dict) -> tuple[bytes, dict]:
        data = json.dumps(body).encode()
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}/", data=data, headers={
            "X-Amz-Target": f"Logs_20140328.{operation}", "Content-Type": "application/x-amz-json-1.1"})
        self.signer.add_auth(request)
        return data, dict(request.headers)

    def send(self, data: bytes, headers: dict) -> dict:
        self.connection.request("POST", "/", data, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {text[:300]!r}")
        return json.loads(text or b"{}")

    def call(self, operation: str, **body: object) -> dict:
        return self.send(*self.signed(operation, body))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def line(chance: random.Random) -> str:
    return (f"{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}.7 - - GET /api/v1/events/"
            f"{chance.getrandbits(64):016x} HTTP/1.1 200 {chance.randrange(5000)} {chance.random():.6f}").ljust(EVENT_BYTES)[:EVENT_BYTES]


def batches(client: Client, stream: str, count: int, begin_ms: int, seed: int) -> list[tuple[bytes, dict]]:
    chance = random.Random(seed)
    made = []
    for number in range(count):
        events = [{"timestamp": begin_ms + number * 1000 + i // 8, "message": line(chance)} for i in range(BATCH)]
        made.append(client.signed("PutLogEvents", {"logGroupName": GROUP, "logStreamName": stream, "logEvents": events}))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--filters", type=int, default=20)
    parser.add_argument("--binary", default=str(ROOT / "build/release/landfall"))
    options = parser.parse_args()
    os.environ["LANDFALL_BINARY"] = options.binary
    server = Server()
    server.start()
    try:
        measure(server, options)
    finally:
        server.down()
        server.remove_folder()


def measure_filters(server: Server, client: Client, count: int) -> None:
    """How long other calls wait while batches of 1 MiB go through metric filters."""
    group = "/bench/filtered"
    client.call("CreateLogGroup", logGroupName=group)
    client.call("CreateLogStream", logGroupName=group, logStreamName="s")
    for number in range(count):
        client.call("PutMetricFilter", logGroupName=group, filterName=f"f{number}", filterPattern='{ $.status = 5* && $.path = "/api/*" }',
                    metricTransformations=[{"metricName": f"m{number}", "metricNamespace": "bench", "metricValue": "1"}])
    now = int(time.time() * 1000)
    line_of = json.dumps({"status": 200, "path": "/api/v1/events", "ms": 12.5, "user": "0123456789abcdef"})
    writer, other = Client(server), Client(server)
    batch = writer.signed("PutLogEvents", {"logGroupName": group, "logStreamName": "s", "logEvents": [
        {"timestamp": now + i // 8, "message": line_of} for i in range(BATCH)]})
    done = threading.Event()
    sender = threading.Thread(target=lambda: ([writer.send(*batch) for _ in range(20)], done.set()))
    call = other.signed("DescribeMetricFilters", {"logGroupName": group, "limit": 1})
    waits = []
    began = time.perf_counter()
    sender.start()
    while not done.is_set():
        start = time.perf_counter()
        other.send(*call)
        waits.append(time.perf_counter() - start)
        time.sleep(0.002)
    sender.join()
    took = time.perf_counter() - began
    waits.sort()
    print(f"{count} metric filters: 20 batches in {took:.1f} s; other calls meanwhile: p50 {waits[len(waits) // 2] * 1000:.1f} ms, "
          f"p99 {waits[len(waits) * 99 // 100] * 1000:.1f} ms, longest {waits[-1] * 1000:.0f} ms")


def measure(server: Server, options: argparse.Namespace) -> None:
    first = Client(server)
    first.call("CreateLogGroup", logGroupName=GROUP)
    each = -(-options.mib * 1024 * 1024 // (EVENT_BYTES * BATCH * options.connections))
    begin_ms = int(time.time() * 1000) - each * 1000 - 60_000
    clients = [Client(server) for _ in range(options.connections)]
    # In portions, so that they fit into memory; a signature is good for minutes.
    portion, seconds, cpu, sent = 25, 0.0, 0.0, 0
    for number, client in enumerate(clients):
        first.call("CreateLogStream", logGroupName=GROUP, logStreamName=f"s{number}")
    for start in range(0, each, portion):
        count = min(portion, each - start)
        prepared = [batches(client, f"s{number}", count, begin_ms + start * 1000, start * 100 + number)
                    for number, client in enumerate(clients)]
        threads = [threading.Thread(target=lambda c=client, p=part: [c.send(*one) for one in p])
                   for client, part in zip(clients, prepared)]
        spent, began = cpu_seconds(server.process.pid), time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds += time.perf_counter() - began
        cpu += cpu_seconds(server.process.pid) - spent
        sent += count * BATCH * len(clients)
    print(f"ingestion: {sent / seconds:,.0f} events/s ({sent:,} of {EVENT_BYTES} bytes in {seconds:.1f} s), "
          f"{sent / cpu:,.0f} events per CPU second of the server")

    measure_filters(server, first, options.filters)
    first.call("PutLogEvents", logGroupName=GROUP, logStreamName="s0",
               logEvents=[{"timestamp": begin_ms + each * 500, "message": "the needle in the haystack"}])
    mib = sent * EVENT_BYTES / (1 << 20)
    for pattern, name in (("needle", "a word"), ('{ $.level = "needle" }', "a JSON field"), ("-HTTP", "no line without a word")):
        found, token, began = 0, {}, time.perf_counter()
        spent = cpu_seconds(server.process.pid)
        while True:
            page = first.call("FilterLogEvents", logGroupName=GROUP, filterPattern=pattern, **token)
            found += len(page["events"])
            if not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}
        took = time.perf_counter() - began
        print(f"search for {name}: {mib:,.0f} MiB in {took:.2f} s, {took * 1024 / mib:.2f} s a GiB "
              f"({cpu_seconds(server.process.pid) - spent:.2f} s of CPU), found {found}")


if __name__ == "__main__":
    main()

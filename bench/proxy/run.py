#!/usr/bin/env python3
"""Measures the load balancer against haproxy and nginx: CPU time per request from the scheduler's own accounting.

    bench/proxy/run.py --proxy build/release/proxy_standalone [--rounds 5] [--seconds 3] [--case small64 ...]

All three run at the same time, each with one thread on core 0; nginx as the target and the client share core 1. A round gives every
proxy its turn, so that slow phases of the machine hit all alike; the table shows medians (and minima) over the rounds, and our
ratio to the better of the two. Needs haproxy, nginx, wrk, h2load and openssl.

    bench/proxy/run.py --proxy build/release/proxy_standalone --threads

compares ours with itself at one and more threads, on all cores.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time
from pathlib import Path

TARGET, HAPROXY, NGINX, OURS = 47100, 47110, 47120, 47130
TLS, RULES = 5, 6  # offsets of the TLS port, and of the one with a hundred rules
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9,de;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd",
    "Cookie": "session=0123456789abcdef0123456789abcdef; theme=dark; consent=1", "Cache-Control": "no-cache",
    "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none",
    "Upgrade-Insecure-Requests": "1", "DNT": "1"}
CLOSE = {"Connection": "close"}
# name: (path, connections, headers, offset of the port, gate)
CASES = {
    "small64": ("/small", 64, {}, 0, 0.80), "browser64": ("/small", 64, BROWSER, 0, 0.75),
    "small512": ("/small", 512, {}, 0, 0.75), "16k": ("/16k", 64, {}, 0, 0.75),
    "1m": ("/1m", 16, {}, 0, 0.75), "close": ("/small", 64, CLOSE, 0, 0.75), "rules100": ("/small", 64, {}, RULES, 0.80),
    "tls64": ("/small", 64, {}, TLS, 0.85), "tlsclose": ("/small", 16, CLOSE, TLS, 1.0),
    "h2": ("/small", 8, {}, TLS, 1.0)}


def write_configs(folder: Path) -> None:
    web = folder / "web"
    web.mkdir()
    for name, size in (("small", 128), ("16k", 16 << 10), ("1m", 1 << 20)):
        (web / name).write_bytes(b"x" * size)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=bench", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    common = f"daemon off; worker_processes 1; error_log {folder}/error.log; events {{ worker_connections 8192; }}\n"
    paths = "".join(f"{k}_temp_path {folder}/{k}; " for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "target.conf").write_text(
        f"pid {folder}/target.pid; {common} http {{ access_log off; {paths} keepalive_requests 100000000; keepalive_timeout 600;\n"
        f"sendfile on; open_file_cache max=100; server {{ listen 127.0.0.1:{TARGET} backlog=8192; root {web};\n"
        f"location = /small {{ return 200 '{'x' * 128}'; }} }} }}\n")
    (folder / "nginx.conf").write_text(
        f"pid {folder}/nginx.pid; {common} http {{ access_log off; {paths} keepalive_requests 100000000; keepalive_timeout 600;\n"
        f"upstream t {{ server 127.0.0.1:{TARGET}; keepalive 1024; keepalive_requests 100000000; }}\n"
        "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host;\n"
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;\n"
        "proxy_set_header X-Forwarded-Port $server_port; ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"server {{ listen 127.0.0.1:{NGINX} backlog=8192; listen 127.0.0.1:{NGINX + TLS} ssl http2;\n"
        f"http2_max_requests 100000000; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;\n"
        "location / { proxy_pass http://t; } }\n"
        f"server {{ listen 127.0.0.1:{NGINX + RULES} backlog=8192; location / {{ proxy_pass http://t; }}\n"
        + "".join(f"location ~ ^/service-{n}/.*[.]html$ {{ return 404; }}\n" for n in range(99)) + "} }\n")
    (folder / "haproxy.cfg").write_text(
        "global\n nbthread 1\n maxconn 8192\n tune.ssl.default-dh-param 2048\n"
        "defaults\n mode http\n option forwardfor\n option http-keep-alive\n http-reuse always\n"
        " timeout client 60s\n timeout server 60s\n timeout connect 5s\n"
        f"frontend f\n bind 127.0.0.1:{HAPROXY} backlog 8192\n bind 127.0.0.1:{HAPROXY + TLS} ssl crt {folder}/both.pem alpn h2,http/1.1\n"
        " http-request set-header X-Forwarded-Proto http\n http-request set-header X-Forwarded-Port %[dst_port]\n"
        f" default_backend b\nfrontend rules\n bind 127.0.0.1:{HAPROXY + RULES} backlog 8192\n"
        " http-request set-header X-Forwarded-Proto http\n http-request set-header X-Forwarded-Port %[dst_port]\n"
        + "".join(f" use_backend none if {{ path_reg ^/service-{n}/.*[.]html$ }}\n" for n in range(99))
        + f" default_backend b\nbackend none\nbackend b\n server s 127.0.0.1:{TARGET} pool-max-conn 1024\n")


def call(control: Path, request: dict) -> dict:
    with socket.socket(socket.AF_UNIX) as conn:
        conn.connect(str(control))
        text = json.dumps(request).encode()
        conn.sendall(struct.pack("<I", len(text)) + text)
        size = struct.unpack("<I", conn.recv(4, socket.MSG_WAITALL))[0]
        return json.loads(conn.recv(size, socket.MSG_WAITALL))


def configure(control: Path, folder: Path, port: int = OURS) -> None:
    rules = [{"action": {"groups": [{"group": "tg", "weight": 1}]}}]
    tls = {"certificates": [{"id": "c", "chain_pem": (folder / "cert.pem").read_text(),
                             "key_pem": (folder / "key.pem").read_text()}]}
    listeners = [{"id": "plain", "protocol": 0, "port": port, "rules": rules},
                 {"id": "tls", "protocol": 1, "port": port + TLS, "rules": rules, "tls": tls},
                 {"id": "rules", "protocol": 0, "port": port + RULES, "rules": [
                     {"priority": n + 1, "action": {"kind": 2, "status": 404},
                      "conditions": [{"field": 1, "values": [f"/service-{n}/*.html"]}]} for n in range(99)] + rules}]
    snapshot = {"revision": 1,
                "load_balancers": [{"id": "lb", "name": "app/lb/1", "nodes": [{"address": "127.0.0.1"}],
                                    "listeners": listeners}],
                "target_groups": [{"id": "tg", "targets": [{"id": "t", "address": "127.0.0.1", "port": TARGET}],
                                   "health_check": {"path": "/small"}}]}
    answer = call(control, {"operation": "apply", "snapshot": snapshot})
    assert answer.get("applied") and not answer["applied"].get("problems"), answer


def cpu_ns(pid: int) -> int:
    """Of a process and its children (nginx's worker)."""
    pids = [pid] + [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return sum(int((task / "schedstat").read_text().split()[0]) for p in pids for task in Path(f"/proc/{p}/task").iterdir())


def load(port: int, case: str, seconds: float, pinned: tuple[str, ...] = ("taskset", "-c", "1")) -> int:
    """The number of requests that were answered."""
    path, connections, headers, offset, _ = CASES[case]
    url = f"http{'s' if offset == TLS else ''}://127.0.0.1:{port}{path}"
    if case == "h2":
        # Fewer on each connection than the 10 000 that a load balancer of AWS takes.
        out = subprocess.run([*pinned, "h2load", "-t1", f"-c{connections}", "-m32", f"-n{6000 * connections}", url], capture_output=True,
                             text=True, check=True).stdout
        done = re.search(r" (\d+) succeeded, 0 failed", out)
        if not done:
            raise RuntimeError(out)
        return int(done[1])
    command = [*pinned, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    out = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    return int(re.search(r"(\d+) requests in", out)[1])


def wait_until(done) -> None:
    for _ in range(200):
        if done():
            return
        time.sleep(0.05)
    raise RuntimeError("not within ten seconds")


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")


def measure(args: argparse.Namespace, pids: dict[str, int], ports: dict[str, int]) -> None:
    print(f"{'case':<11}{'haproxy':>16}{'nginx':>16}{'ours':>16}{'ratio':>8}{'gate':>7}   CPU-us per request: median (min)")
    for case in args.case or CASES:
        found: dict[str, list[float]] = {name: [] for name in pids}
        for _ in range(args.rounds):
            for name, pid in pids.items():
                port = ports[name] + CASES[case][3]
                before = cpu_ns(pid)
                requests = load(port, case, args.seconds)
                found[name].append((cpu_ns(pid) - before) / 1000 / requests)
        medians = {name: statistics.median(values) for name, values in found.items()}
        ratio = medians["ours"] / min(medians["haproxy"], medians["nginx"])
        cells = "".join(f"{medians[n]:>9.1f} ({min(found[n]):.1f})".rjust(16) for n in ("haproxy", "nginx", "ours"))
        print(f"{case:<11}{cells}{ratio:>8.2f}{CASES[case][4]:>7.2f}", flush=True)


def threads(args: argparse.Namespace, folder: Path, start) -> None:
    """Ours at 1 and at all threads, side by side, each free to run on every core."""
    every = ",".join(str(core) for core in range(os.cpu_count()))
    counts = [1, *range(2, os.cpu_count() + 1)]
    pids = {}
    for count in counts:
        home = folder / f"threads-{count}"
        pids[count] = start(every, args.proxy, home, str(count))
        wait_until((home / "control").exists)
        configure(home / "control", folder, OURS + 10 * count)
        wait_for(OURS + 10 * count)
    found: dict[int, list[tuple[float, float]]] = {count: [] for count in counts}
    for _ in range(args.rounds):
        for count, pid in pids.items():
            before = cpu_ns(pid)
            requests = load(OURS + 10 * count, "small64", args.seconds, ())
            found[count].append(((cpu_ns(pid) - before) / 1000 / requests, requests / args.seconds))
    for count, each in found.items():
        print(f"{count} threads: {statistics.median(cpu for cpu, _ in each):.1f} us per request,"
              f" {statistics.median(rate for _, rate in each):.0f} requests/s (the client and the target take their part of the cores)")


def idle_memory(pids: dict[str, int], ports: dict[str, int], tls: bool) -> None:
    """Private memory per 1000 connections that have made one request each."""
    import ssl
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def private_kib(pid: int) -> int:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(int(v) for p in [pid, *children]
                   for v in re.findall(r"Private_\w+:\s+(\d+)", Path(f"/proc/{p}/smaps_rollup").read_text()))

    for name, pid in pids.items():
        before = private_kib(pid)
        open_ones = []
        for _ in range(1000):
            conn = socket.create_connection(("127.0.0.1", ports[name] + (TLS if tls else 0)))
            if tls:
                conn = context.wrap_socket(conn)
            conn.sendall(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
            conn.recv(4096)
            open_ones.append(conn)
        time.sleep(0.3)
        print(f"idle memory, {'TLS' if tls else 'plain'}: {name:<8} {private_kib(pid) - before:>7} KiB per 1000 connections")
        for conn in open_ones:
            conn.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", required=True, help="proxy_standalone of a release build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--threads", action="store_true")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-proxy-"))
    os.chmod(folder, 0o755)
    running = []
    try:
        write_configs(folder)

        def start(core: str, *command: str) -> int:
            running.append(subprocess.Popen(["taskset", "-c", core, *map(str, command)], stdout=subprocess.DEVNULL,
                                            stderr=(folder / "stderr").open("a")))
            return running[-1].pid

        start("1", "nginx", "-c", folder / "target.conf")
        if args.threads:
            wait_for(TARGET)
            return threads(args, folder, start)
        pids = {"haproxy": start("0", "haproxy", "-db", "-f", folder / "haproxy.cfg"),
                "nginx": start("0", "nginx", "-c", folder / "nginx.conf"),
                "ours": start("0", args.proxy, folder / "proxy", "1")}
        ports = {"haproxy": HAPROXY, "nginx": NGINX, "ours": OURS}
        wait_until((folder / "proxy" / "control").exists)
        configure(folder / "proxy" / "control", folder)
        for port in (TARGET, HAPROXY, NGINX, OURS):
            wait_for(port)
        if not args.no_memory:
            idle_memory(pids, ports, tls=False)
            idle_memory(pids, ports, tls=True)
        measure(args, pids, ports)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures the load balancer against haproxy and nginx: CPU time per request from the scheduler's own accounting.

    bench/proxy/run.py --proxy build/release/proxy_standalone [--rounds 5] [--seconds 3] [--case small64 ...]

All three run at the same time, each with one thread on core 0; nginx as the target and wrk share core 1. A round gives every
proxy its turn, so that slow phases of the machine hit all alike; the table shows medians (and minima) over the rounds, and our
ratio to the better of the two. Needs haproxy, nginx, wrk and openssl.
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
TLS = 5  # offset of the TLS port
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9,de;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd",
    "Cookie": "session=0123456789abcdef0123456789abcdef; theme=dark; consent=1", "Cache-Control": "no-cache",
    "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none",
    "Upgrade-Insecure-Requests": "1", "DNT": "1"}
# name: (path, connections, headers, tls, gate)
CASES = {
    "small64": ("/small", 64, {}, False, 0.80), "browser64": ("/small", 64, BROWSER, False, 0.75),
    "small512": ("/small", 512, {}, False, 0.75), "16k": ("/16k", 64, {}, False, 0.75),
    "1m": ("/1m", 16, {}, False, 0.75), "close": ("/small", 64, {"Connection": "close"}, False, 0.75),
    "tls64": ("/small", 64, {}, True, 0.85)}


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
        f"server {{ listen 127.0.0.1:{NGINX} backlog=8192; listen 127.0.0.1:{NGINX + TLS} ssl;\n"
        f"ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; location / {{ proxy_pass http://t;\n"
        "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host;\n"
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;\n"
        "proxy_set_header X-Forwarded-Port $server_port; } } }\n")
    (folder / "haproxy.cfg").write_text(
        "global\n nbthread 1\n maxconn 8192\n tune.ssl.default-dh-param 2048\n"
        "defaults\n mode http\n option forwardfor\n option http-keep-alive\n http-reuse always\n"
        " timeout client 60s\n timeout server 60s\n timeout connect 5s\n"
        f"frontend f\n bind 127.0.0.1:{HAPROXY} backlog 8192\n bind 127.0.0.1:{HAPROXY + TLS} ssl crt {folder}/both.pem\n"
        " http-request set-header X-Forwarded-Proto http\n http-request set-header X-Forwarded-Port %[dst_port]\n"
        f" default_backend b\nbackend b\n server s 127.0.0.1:{TARGET} pool-max-conn 1024\n")


def call(control: Path, request: dict) -> dict:
    with socket.socket(socket.AF_UNIX) as conn:
        conn.connect(str(control))
        text = json.dumps(request).encode()
        conn.sendall(struct.pack("<I", len(text)) + text)
        size = struct.unpack("<I", conn.recv(4, socket.MSG_WAITALL))[0]
        return json.loads(conn.recv(size, socket.MSG_WAITALL))


def configure(control: Path, folder: Path) -> None:
    rules = [{"action": {"groups": [{"group": "tg", "weight": 1}]}}]
    tls = {"certificates": [{"id": "c", "chain_pem": (folder / "cert.pem").read_text(),
                             "key_pem": (folder / "key.pem").read_text()}]}
    listeners = [{"id": "plain", "protocol": 0, "port": OURS, "rules": rules},
                 {"id": "tls", "protocol": 1, "port": OURS + TLS, "rules": rules, "tls": tls}]
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


def wrk(port: int, case: str, seconds: float) -> tuple[int, str]:
    path, connections, headers, tls, _ = CASES[case]
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    out = subprocess.run(command + [f"http{'s' if tls else ''}://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                         check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    return int(re.search(r"(\d+) requests in", out)[1]), re.search(r"99%\s+(\S+)", out)[1]


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
                port = ports[name] + (TLS if CASES[case][3] else 0)
                before = cpu_ns(pid)
                requests, _ = wrk(port, case, args.seconds)
                found[name].append((cpu_ns(pid) - before) / 1000 / requests)
        medians = {name: statistics.median(values) for name, values in found.items()}
        ratio = medians["ours"] / min(medians["haproxy"], medians["nginx"])
        cells = "".join(f"{medians[n]:>9.1f} ({min(found[n]):.1f})".rjust(16) for n in ("haproxy", "nginx", "ours"))
        print(f"{case:<11}{cells}{ratio:>8.2f}{CASES[case][4]:>7.2f}", flush=True)


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
        pids = {"haproxy": start("0", "haproxy", "-db", "-f", folder / "haproxy.cfg"),
                "nginx": start("0", "nginx", "-c", folder / "nginx.conf"),
                "ours": start("0", args.proxy, folder / "proxy", "1")}
        ports = {"haproxy": HAPROXY, "nginx": NGINX, "ours": OURS}
        for _ in range(200):
            if (folder / "proxy" / "control").exists():
                break
            time.sleep(0.05)
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

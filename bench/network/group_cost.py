#!/usr/bin/env python3
"""What the way through a VPC costs: CPU per request from one interface to another, judged by security groups, against the same two
programs over a veth pair with nothing in between.

    bench/network/group_cost.py [--rules 1 60] [--rounds 5] [--seconds 2]

nginx answers 128 bytes, wrk asks on 16 connections; the packets' work is done in the context of one of the two, so their CPU time,
from the scheduler's own accounting, holds it. Every round measures all ways in turn. Needs nginx and wrk; run as root.
"""
import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness.clients import Clients  # noqa: E402
from harness.packets import Place  # noqa: E402
from harness.server import Server  # noqa: E402
from harness.waiting import eventually  # noqa: E402

DIRECT = ("lf-bench-a", "lf-bench-b")
PORT = 8080


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def direct() -> tuple[str, str, str]:
    """Two namespaces and a veth pair: where to ask, where to answer, the address there."""
    for name in DIRECT:
        ip("netns", "add", name)
    ip("-n", DIRECT[0], "link", "add", "asks", "type", "veth", "peer", "name", "answers", "netns", DIRECT[1])
    for number, (name, link) in enumerate(zip(DIRECT, ("asks", "answers"), strict=True)):
        ip("-n", name, "address", "add", f"10.99.0.{number + 1}/24", "dev", link)
        ip("-n", name, "link", "set", link, "up")
    return f"/run/netns/{DIRECT[0]}", f"/run/netns/{DIRECT[1]}", "10.99.0.2"


def vpc(ec2, rules: int) -> tuple[str, str, str]:
    """Two interfaces in two subnets; the one that allows is the last of so many rules of the target's group."""
    made = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=made, CidrBlock=f"10.7.{i}.0/24")["Subnet"]["SubnetId"] for i in range(2)]
    groups = [ec2.create_security_group(GroupName=name, Description=name, VpcId=made)["GroupId"] for name in ("asks", "answers")]
    others = [{"IpProtocol": "tcp", "FromPort": 10000 + i, "ToPort": 10000 + i, "IpRanges": [{"CidrIp": f"172.16.{i}.0/24"}]}
              for i in range(rules - 1)]
    ec2.authorize_security_group_ingress(GroupId=groups[1], IpPermissions=[*others, {
        "IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, "UserIdGroupPairs": [{"GroupId": groups[0]}]}])
    interfaces = [ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
                  for subnet, group in zip(subnets, groups, strict=True)]
    places = [Place(each["NetworkInterfaceId"]) for each in interfaces]
    eventually(lambda: all(os.path.exists(place.namespace) for place in places))
    return places[0].namespace, places[1].namespace, interfaces[1]["PrivateIpAddress"]


def answering(namespace: str, folder: Path, name: str) -> subprocess.Popen:
    paths = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / f"{name}.conf"
    config.write_text(f"daemon off; master_process off; pid {folder}/{name}.pid; error_log {folder}/error.log; events {{}}\n"
                      f"http {{ access_log off; {paths} keepalive_requests 100000000; server {{ listen {PORT};\n"
                      f"location / {{ return 200 '{'x' * 128}'; }} }} }}\n")
    return subprocess.Popen(["nsenter", f"--net={namespace}", "nginx", "-c", config], stderr=subprocess.DEVNULL)


def cpu_s(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def asked(namespace: str, address: str, seconds: int) -> tuple[int, float]:
    """How many requests, and the CPU seconds of who asked."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(["nsenter", f"--net={namespace}", "wrk", "-t1", "-c16", f"-d{seconds}s", f"http://{address}:{PORT}/"],
                          check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int(re.search(r"(\d+) requests in", said)[1]), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=int, nargs="*", default=[1, 60])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--pool", default="198.19.80.0/20")
    args = parser.parse_args()
    os.environ.setdefault("LANDFALL_BINARY", str(ROOT / "build/release/landfall"))
    folder = Path(tempfile.mkdtemp(prefix="bench-groups-"))
    folder.chmod(0o755)
    server, programs = Server(args.pool), []
    try:
        server.start()
        ec2 = Clients(server.environment(), "us-west-1")("ec2")
        ways = {"direct": direct(), **{f"{rules} rules": vpc(ec2, rules) for rules in args.rules}}
        for number, (_, there, _) in enumerate(ways.values()):
            programs.append(answering(there, folder, str(number)))
        for here, _, address in ways.values():
            eventually(lambda: asked(here, address, 1)[0] > 0)  # noqa: B023 - called at once
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(args.rounds):
            for (name, (here, _, address)), program in zip(ways.items(), programs, strict=True):
                before = cpu_s(program.pid)
                requests, own = asked(here, address, args.seconds)
                found[name].append((own + cpu_s(program.pid) - before) * 1e6 / requests)
        for name, each in found.items():
            median = statistics.median(each)
            print(f"{name:12} {median:6.1f} us per request (least {min(each):.1f}), {median / statistics.median(found['direct']):.2f} of direct")
    finally:
        for program in programs:
            program.terminate()
            program.wait()
        server.down()
        server.remove_folder()
        for name in DIRECT:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", folder])


if __name__ == "__main__":
    main()

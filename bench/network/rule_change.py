#!/usr/bin/env python3
"""How long after a security group rule changed the packets know, in a large VPC, and whether a change ever opens or closes
more than it should.

    bench/network/rule_change.py [--interfaces 1000] [--groups 200] [--changes 30]

Starts a server of its own, makes the VPC, then sends a UDP packet every millisecond from one interface to another: to a port
whose rule comes and goes, to one that is always allowed and to one that never is. Run as root, with build/release/landfall.
"""
import argparse
import concurrent.futures
import os
import socket
import statistics
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness.clients import Clients  # noqa: E402
from harness.packets import Place, socket_in  # noqa: E402
from harness.server import Server  # noqa: E402

CHANGING, ALLOWED, REFUSED = 9001, 9002, 9003
BLOCK = "10.0.0.0/16"


class Probe:
    """Numbered packets from one place to another, one a millisecond and port, and when each arrived."""

    def __init__(self, source: Place, target: Place, address: str):
        self.arrived: dict[int, list[float]] = {port: [] for port in (CHANGING, ALLOWED, REFUSED)}
        self.sent: dict[int, int] = dict.fromkeys(self.arrived, 0)
        self.running = True
        self.address = address
        self.sender = socket_in(source.namespace, socket.SOCK_DGRAM)
        self.threads = [threading.Thread(target=self._send, daemon=True)]
        for port in self.arrived:
            receiver = socket_in(target.namespace, socket.SOCK_DGRAM)
            receiver.bind(("0.0.0.0", port))
            receiver.settimeout(0.2)
            self.threads.append(threading.Thread(target=self._receive, args=(receiver, port), daemon=True))
        for thread in self.threads:
            thread.start()

    def _send(self) -> None:
        # A new socket each time would be a new connection each time; one is what AWS calls a flow, judged packet by
        # packet because both rules are for everybody.
        due = time.monotonic()
        while self.running:
            for port in self.sent:
                self.sender.sendto(b"x", (self.address, port))
                self.sent[port] += 1
            due += 0.001
            time.sleep(max(0.0, due - time.monotonic()))

    def _receive(self, receiver: socket.socket, port: int) -> None:
        while self.running:
            try:
                receiver.recv(16)
                self.arrived[port].append(time.monotonic())
            except TimeoutError:
                pass

    def stop(self) -> None:
        self.running = False
        for thread in self.threads:
            thread.join()


def build(ec2, interfaces: int, groups: int) -> tuple[str, Place, Place, str]:
    vpc = ec2.create_vpc(CidrBlock=BLOCK)["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i * 4}.0/22")["Subnet"]["SubnetId"] for i in range(4)]
    made = []
    for i in range(groups):
        group = ec2.create_security_group(GroupName=f"g{i}", Description="g", VpcId=vpc)["GroupId"]
        peer = [{"GroupId": made[-1]}] if made else []
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": BLOCK}], "UserIdGroupPairs": peer},
            {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": f"10.0.{i}.0/24"}]}])
        made.append(group)
    target_group = ec2.create_security_group(GroupName="target", Description="t", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=target_group, IpPermissions=[permission(ALLOWED)])

    def interface(i: int) -> dict:
        chosen = [target_group] if i == 0 else [made[i % groups], made[(i * 7 + 1) % groups]]
        return ec2.create_network_interface(SubnetId=subnets[i % 4], Groups=sorted(set(chosen)))["NetworkInterface"]

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        described = list(pool.map(interface, range(interfaces)))
    print(f"{interfaces} interfaces made in {time.monotonic() - started:.1f} s")
    target, source = Place(described[0]["NetworkInterfaceId"]), Place(described[1]["NetworkInterfaceId"])
    return target_group, source, target, described[0]["PrivateIpAddress"]


def permission(port: int) -> dict:
    return {"IpProtocol": "udp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def report(name: str, seconds: list[float]) -> None:
    ordered = sorted(s * 1000 for s in seconds)
    print(f"{name:34} median {statistics.median(ordered):6.1f} ms   worst {ordered[-1]:6.1f} ms")


def measure(ec2, group: str, probe: Probe, changes: int) -> bool:
    opened, closed, calls = [], [], []
    arrived = probe.arrived[CHANGING]
    for _ in range(changes):
        before = len(arrived)
        asked = time.monotonic()
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(CHANGING)])
        calls.append(time.monotonic() - asked)
        time.sleep(0.2)
        if len(arrived) == before:
            print("a rule did not open its port within 200 ms")
            return False
        opened.append(arrived[before] - asked)
        asked = time.monotonic()
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission(CHANGING)])
        calls.append(time.monotonic() - asked)
        time.sleep(0.2)
        closed.append(max(0.0, arrived[-1] - asked))
    probe.stop()
    report("authorize: first packet passes", opened)
    report("revoke: last packet passed", closed)
    report("the call itself", calls)
    lost = probe.sent[ALLOWED] - len(probe.arrived[ALLOWED])
    leaked = len(probe.arrived[REFUSED])
    print(f"meanwhile {probe.sent[ALLOWED]} packets to an open port, {lost} lost; "
          f"{probe.sent[REFUSED]} to a closed one, {leaked} leaked")
    return lost == 0 and leaked == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--interfaces", type=int, default=1000)
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--pool", default="198.19.64.0/20")
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("run as root: the interfaces are network namespaces")
    os.environ.setdefault("LANDFALL_BINARY", str(ROOT / "build/release/landfall"))
    server = Server(args.pool)
    try:
        server.start()
        ec2 = Clients(server.environment(), "us-west-1")("ec2", max_pool_connections=16)
        group, source, target, address = build(ec2, args.interfaces, args.groups)
        return 0 if measure(ec2, group, Probe(source, target, address), args.changes) else 1
    finally:
        server.down()
        server.remove_folder()


if __name__ == "__main__":
    sys.exit(main())

"""What a server takes of the machine: its pool of public addresses, and the ports at which it publishes load balancers."""
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from harness.clients import Clients
from harness.leaks import stop_and_check, tag_of
from harness.server import REGION, Server, binary, clean_environment, free_port
from harness.waiting import eventually


def refused_start(server: Server, *options: str) -> str:
    """What `serve` says when it does not start."""
    done = subprocess.run([binary(), "serve", "--data-dir", str(server.data), "--listen", f"127.0.0.1:{server.port}",
                           "--public-pool", server.public_pool, *options], capture_output=True, text=True, timeout=20,
                          env=clean_environment())
    assert done.returncode == 1, done
    return done.stderr


@pytest.fixture
def another():
    made: list[Server] = []

    def make(pool: str = "", options: tuple[str, ...] = ()) -> Server:
        made.append(Server(pool, options))
        return made[-1]

    yield make
    for server in made:
        stop_and_check(server)


def test_a_pool_belongs_to_one_server(own_server, another):
    said = refused_start(another(own_server.public_pool))
    assert "--public-pool" in said and str(own_server.data) in said, said
    # Servers of other tests may be in the wider block too.
    wider = own_server.public_pool.replace("/22", "/20")
    assert "--public-pool" in refused_start(another(wider))
    # Its networks keep the pool when it is gone for a while.
    ec2 = Clients(own_server.environment(), REGION)("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet)
    own_server.kill()
    assert "--public-pool" in refused_start(another(own_server.public_pool))
    own_server.start()


def test_guards_of_a_server_that_is_gone_are_in_nobodys_way(another):
    server = another()
    stale = server.public_pool.replace("/22", "/24")
    subprocess.run(["ip", "route", "add", "unreachable", stale, "metric", "4000"], check=True)
    try:
        server.start()
        ec2 = Clients(server.environment(), REGION)("ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        ec2.create_network_interface(SubnetId=subnet)
        eventually(lambda: list(Path("/run/netns").glob(f"lf-{tag_of(server.data)}-vpc-*")), 10, what="a VPC in the kernel")
        routes = subprocess.run(["ip", "route", "show", stale], capture_output=True, text=True).stdout
        assert "unreachable" not in routes, routes
    finally:
        subprocess.run(["ip", "route", "del", "unreachable", stale, "metric", "4000"], capture_output=True)


def test_down_does_not_take_long(another):
    server = another()
    server.start()
    ec2 = Clients(server.environment(), REGION)("ec2")
    for _ in range(10):
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        for _ in range(3):
            ec2.create_network_interface(SubnetId=subnet)
    began = time.monotonic()
    server.down()
    assert time.monotonic() - began < 20  # a second, on a machine with nothing else to do


def answer(port: int) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/", timeout=5) as got:
        return got.read().decode()


def test_published_listeners(another):
    port, taken = free_port(), free_port()
    server = another(options=("--publish", f"127.0.0.1:{port}=web:80"))
    server.start()
    clients = Clients(server.environment(), REGION)
    elbv2, ec2 = clients("elbv2"), clients("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    balancer = elbv2.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    say = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "here"}}]
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=say)
    assert eventually(lambda: answer(port), 20, what="the listener at the host's own address") == "here"
    # Only where it was asked for.
    held = subprocess.run(["ss", "-ltnH", f"sport = :{port}"], capture_output=True, text=True).stdout.split()
    assert f"127.0.0.1:{port}" in held and f"0.0.0.0:{port}" not in held
    # It goes on without the server, and after its restart.
    server.kill()
    assert answer(port) == "here"
    server.start()
    assert answer(port) == "here"
    # Ports of others are named.
    said = refused_start(another(options=()), "--publish", f"127.0.0.1:{port}=web:80")
    assert f"127.0.0.1:{port}" in said and "--publish" in said, said
    blocker = subprocess.Popen(["python3", "-m", "http.server", "--bind", "127.0.0.1", str(taken)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: answer(taken), 10)
        said = refused_start(another(), "--publish", f"127.0.0.1:{taken}=web:80")
        assert "taken by another program" in said and "ss -ltnp" in said, said
    finally:
        blocker.kill()
        blocker.wait()
    assert "ADDRESS:PORT=" in subprocess.run([binary(), "serve", "--publish", "80"], capture_output=True, text=True).stderr
    # A start without it withdraws it.
    server.stop()
    server.options = ()
    server.start()

    def refused() -> bool:
        try:
            answer(port)
        except OSError:
            return True
        return False
    eventually(refused, 20, what="nobody listens any more")

"""Network load balancers carry bytes: TCP and TLS listeners, health checks, whose address a target sees. Real packets from the host through
the balancer to listeners in private subnets."""
import http.server
import os
import socket
import ssl
import struct
import threading

import pytest
from botocore.exceptions import ClientError

from harness.clients import Aws, Clients
from harness.networks import Network
from harness.packets import Connection, Place, socket_in
from harness.server import REGION, Server
from harness.waiting import eventually

CHECK = "--health-check-interval-seconds 5 --health-check-timeout-seconds 4 --healthy-threshold-count 2 --unhealthy-threshold-count 2"


class World:
    """A VPC with two public and two private subnets, and an echo server in each private one."""

    def __init__(self, server: Server, folder):
        self.server = server
        self.aws = Aws(server.environment(), folder, REGION)
        clients = Clients(server.environment(), REGION)
        self.elbv2, self.ec2 = clients("elbv2"), clients("ec2")
        self.net = Network(self.ec2)
        self.public = [self.net.subnet("10.0.1.0/24", f"{REGION}a"), self.net.subnet("10.0.2.0/24", f"{REGION}c")]
        private = [self.net.subnet("10.0.10.0/24", f"{REGION}a"), self.net.subnet("10.0.11.0/24", f"{REGION}c")]
        self.ec2.create_route(RouteTableId=self.net.route_table(*self.public), DestinationCidrBlock="0.0.0.0/0",
                              GatewayId=self.net.internet_gateway())
        self.app = self.net.group("app")
        # Without security groups of its own the balancer comes from its subnets' addresses.
        for port in (7000, 7001):
            self.net.allow(self.app, port, "10.0.0.0/16")
        self.places = [self.net.interface(subnet, self.app) for subnet in private]
        for place in self.places:
            place.listen(7000)
        made = self.aws(f"aws elbv2 create-load-balancer --name net --type network --subnets {' '.join(self.public)}").json["LoadBalancers"][0]
        self.balancer, self.name = made["LoadBalancerArn"], made["DNSName"]
        assert made["Type"] == "network" and not made.get("SecurityGroups")
        self.targets = self.group("echo", 7000)
        self.aws(f"aws elbv2 create-listener --load-balancer-arn {self.balancer} --protocol TCP --port 5000"
                 f" --default-actions Type=forward,TargetGroupArn={self.targets}")
        self.aws(f"aws elbv2 wait load-balancer-available --load-balancer-arns {self.balancer}")
        known = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["ELB net/net/*"]}])["NetworkInterfaces"]
        self.nodes = {interface["PrivateIpAddress"]: interface["Association"]["PublicIp"] for interface in known}
        assert {interface["InterfaceType"] for interface in known} == {"network_load_balancer"}
        assert all(not interface["Groups"] for interface in known)

    def group(self, name: str, port: int, more: str = "") -> str:
        made = self.aws(f"aws elbv2 create-target-group --name {name} --protocol TCP --port {port} --vpc-id {self.net.vpc}"
                        f" --target-type ip {CHECK} {more}").json["TargetGroups"][0]["TargetGroupArn"]
        ids = " ".join(f"Id={place.address}" for place in self.places)
        self.aws(f"aws elbv2 register-targets --target-group-arn {made} --targets {ids}")
        return made

    def health(self, targets: str = "") -> dict[str, str]:
        found = self.elbv2.describe_target_health(TargetGroupArn=targets or self.targets)["TargetHealthDescriptions"]
        return {item["Target"]["Id"]: item["TargetHealth"]["State"] for item in found}

    def all_healthy(self, targets: str = "") -> None:
        eventually(lambda: set(self.health(targets).values()) == {"healthy"}, 40, what="all targets healthy")


@pytest.fixture(scope="module")
def world(module_server, tmp_path_factory):
    made = World(module_server, tmp_path_factory.mktemp("home"))
    try:
        yield made
    finally:
        for place in made.places:
            place.close()


def test_tcp_reaches_targets_and_shows_them_the_balancers_address(world):
    world.all_healthy()
    host = Place()
    for private, public in world.nodes.items():
        connection = host.connect(public, 5000)
        # Attributes say so: preserve_client_ip.enabled is false.
        assert connection.greeting in world.nodes and connection.echoes()
        connection.close()
    attributes = world.elbv2.describe_target_group_attributes(TargetGroupArn=world.targets)["Attributes"]
    assert {a["Key"]: a["Value"] for a in attributes}["preserve_client_ip.enabled"] == "false"
    with pytest.raises(ClientError, match="can only be 'false'"):
        world.elbv2.modify_target_group_attributes(TargetGroupArn=world.targets, Attributes=[
            {"Key": "preserve_client_ip.enabled", "Value": "true"}])
    # By name as any program does, and what is large arrives whole.
    with socket.create_connection((world.name, 5000), 10) as client:
        greeting = client.makefile("rb").readline()
        assert greeting.strip().decode() in world.nodes
        sent = os.urandom(4 << 20)
        threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
        received = bytearray()
        while len(received) < len(sent):
            received += client.recv(1 << 16)
    assert bytes(received) == sent
    with pytest.raises(ConnectionRefusedError):
        host.connect(next(iter(world.nodes.values())), 5001)  # no listener


def test_a_connection_outlives_the_server_and_its_targets_rotation(world):
    world.all_healthy()
    connection = Place().connect(next(iter(world.nodes.values())), 5000)
    world.server.kill()
    assert connection.echoes()
    world.server.start()
    assert connection.echoes()
    connection.close()


def test_tcp_checks_take_a_dead_target_out_and_bring_it_back(world):
    world.all_healthy()
    dead, other = world.places
    dead.close()
    eventually(lambda: world.health()[dead.address] == "unhealthy", 30)
    reason = world.elbv2.describe_target_health(TargetGroupArn=world.targets, Targets=[{"Id": dead.address}])
    assert reason["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.FailedHealthChecks"
    for public in world.nodes.values():
        assert Place().connect(public, 5000).echoes(), "the target that lives takes all"
    dead.listen(7000)
    world.all_healthy()


def test_http_checks_of_tcp_targets(world):
    """The port carries bytes, the check asks another one by HTTP."""
    status = {place.address: 200 for place in world.places}
    servers = []
    for place in world.places:
        class Handler(http.server.BaseHTTPRequestHandler):
            address = place.address

            def do_GET(self) -> None:  # noqa: N802 - the library's name
                self.send_response(status[self.address])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("0.0.0.0", 7001), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = socket_in(place.namespace)
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.socket.bind(("0.0.0.0", 7001))
        server.server_activate()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
    targets = world.group("checked", 7000, "--health-check-protocol HTTP --health-check-port 7001 --health-check-path /up")
    listener = world.aws(f"aws elbv2 create-listener --load-balancer-arn {world.balancer} --protocol TCP --port 5002"
                         f" --default-actions Type=forward,TargetGroupArn={targets}").json["Listeners"][0]["ListenerArn"]
    try:
        world.all_healthy(targets)
        bad = world.places[0].address
        status[bad] = 503
        eventually(lambda: world.health(targets)[bad] == "unhealthy", 30)
        found = world.elbv2.describe_target_health(TargetGroupArn=targets, Targets=[{"Id": bad}])["TargetHealthDescriptions"][0]
        assert found["TargetHealth"]["Reason"] == "Target.ResponseCodeMismatch"
        status[bad] = 200
        world.all_healthy(targets)
    finally:
        world.elbv2.delete_listener(ListenerArn=listener)
        world.elbv2.delete_target_group(TargetGroupArn=targets)
        for server in servers:
            server.shutdown()
            server.server_close()


def test_tls_ends_at_the_balancer(world):
    world.all_healthy()
    arn = world.aws(f"aws acm request-certificate --domain-name {world.name} --validation-method DNS"
                    " --key-algorithm EC_prime256v1").json["CertificateArn"]
    world.aws(f"aws acm wait certificate-validated --certificate-arn {arn}")
    listener = world.aws(f"aws elbv2 create-listener --load-balancer-arn {world.balancer} --protocol TLS --port 5443"
                         f" --ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06 --certificates CertificateArn={arn}"
                         f" --default-actions Type=forward,TargetGroupArn={world.targets}").json["Listeners"][0]["ListenerArn"]
    context = ssl.create_default_context(cafile=str(world.server.data / "ca/ca.crt"))
    with socket.create_connection((world.name, 5443), 10) as raw, context.wrap_socket(raw, server_hostname=world.name) as secure:
        assert secure.version() == "TLSv1.3"
        connection = Connection(secure)
        assert connection.greeting in world.nodes and connection.echoes()
    with pytest.raises(ssl.SSLError), socket.create_connection((world.name, 5443), 10) as raw:
        ssl.create_default_context().wrap_socket(raw, server_hostname=world.name)
    world.elbv2.delete_listener(ListenerArn=listener)


def test_proxy_protocol_tells_who_the_client_is(world):
    """Version 2, before the client's first byte: the client's address as the target would otherwise not see it."""
    place, heard = world.places[0], {}
    listening = socket_in(place.namespace)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("0.0.0.0", 7001))
    listening.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            try:
                first = connection.recv(4096)
            except ConnectionResetError:
                continue  # a health check
            if first.startswith(b"\r\n\r\n\0\r\nQUIT\n") and len(first) >= 28:
                heard["client"] = socket.inet_ntoa(first[16:20]), struct.unpack(">H", first[24:26])[0]
                connection.sendall(b"ok\n")
            connection.close()
    threading.Thread(target=serve, daemon=True).start()
    targets = world.aws(f"aws elbv2 create-target-group --name proxied --protocol TCP --port 7001 --vpc-id {world.net.vpc}"
                        f" --target-type ip {CHECK}").json["TargetGroups"][0]["TargetGroupArn"]
    world.aws(f"aws elbv2 modify-target-group-attributes --target-group-arn {targets}"
              " --attributes Key=proxy_protocol_v2.enabled,Value=true")
    world.aws(f"aws elbv2 register-targets --target-group-arn {targets} --targets Id={place.address}")
    listener = world.aws(f"aws elbv2 create-listener --load-balancer-arn {world.balancer} --protocol TCP --port 5003"
                         f" --default-actions Type=forward,TargetGroupArn={targets}").json["Listeners"][0]["ListenerArn"]
    try:
        world.all_healthy(targets)
        with socket.create_connection((world.name, 5003), 10) as client:
            client.sendall(b"hello")
            assert client.recv(10) == b"ok\n"
            assert heard["client"] == client.getsockname()
    finally:
        world.elbv2.delete_listener(ListenerArn=listener)
        world.elbv2.delete_target_group(TargetGroupArn=targets)
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def test_security_groups_of_a_balancer_count(world):
    door = world.net.group("door")
    made = world.elbv2.create_load_balancer(Name="guarded", Type="network", Subnets=world.public, SecurityGroups=[door])["LoadBalancers"][0]
    targets = world.group("behind", 7000)
    world.elbv2.create_listener(LoadBalancerArn=made["LoadBalancerArn"], Protocol="TCP", Port=5000, DefaultActions=[
        {"Type": "forward", "TargetGroupArn": targets}])
    world.elbv2.get_waiter("load_balancer_available").wait(LoadBalancerArns=[made["LoadBalancerArn"]],
                                                           WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    public = eventually(lambda: socket.gethostbyname(made["DNSName"]), 60)
    host = Place()
    assert not host.reaches(public, 5000)
    world.net.allow(door, 5000)
    assert eventually(lambda: host.connect(public, 5000).echoes(), 60)
    with pytest.raises(ClientError, match="without security groups"):
        world.elbv2.set_security_groups(LoadBalancerArn=world.balancer, SecurityGroups=[door])
    world.elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])

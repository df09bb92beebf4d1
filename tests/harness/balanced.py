"""The network of the FrameRatr document with two small services in its private subnets, to be put behind a load balancer."""
import http.server
import json
import socket
import subprocess
import threading
import time

from harness.clients import Aws, Clients
from harness.packets import Place, socket_in
from harness.server import REGION, Server
from harness.waiting import eventually

CHECK = ("--health-check-path /health --health-check-interval-seconds 5 --health-check-timeout-seconds 4"
         " --healthy-threshold-count 2 --unhealthy-threshold-count 2")


class Service:
    """An HTTP server on port 3000 of an interface. Answers with its name and what it was sent."""

    def __init__(self, place: Place, name: str):
        service = self
        self.name, self.place = name, place
        self.health, self.delay_s = 200, 0.0
        self.slow = 0  # requests that were told to wait
        self.connections: set[socket.socket] = set()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                service.connections.add(self.connection)

            def finish(self) -> None:
                service.connections.discard(self.connection)
                super().finish()

            def do_GET(self) -> None:  # noqa: N802 - the library's name
                if self.path == "/health":
                    return self.answer(service.health, b"")
                if self.path == "/slow":
                    service.slow += 1
                    time.sleep(service.delay_s)
                seen = {"service": service.name, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
                return self.answer(200, json.dumps(seen).encode())

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 3000), Handler, bind_and_activate=False)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a checker that gave up
        self.server.socket.close()
        self.server.socket = socket_in(place.namespace)
        self.server.socket.setsockopt(1, 2, 1)  # SO_REUSEADDR
        self.server.socket.bind(("0.0.0.0", 3000))
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself


class World:
    """The VPC, the groups and the two services of the document, made with its commands."""

    def __init__(self, server: Server, folder):
        self.server = server
        self.aws = Aws(server.environment(), folder, REGION)
        clients = Clients(server.environment(), REGION)
        self.elbv2, self.ec2, self.acm, self.route53 = (clients(name) for name in ("elbv2", "ec2", "acm", "route53"))
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.public = [self.subnet("10.0.1.0/24", "a"), self.subnet("10.0.2.0/24", "c")]
        self.private = [self.subnet("10.0.10.0/24", "a"), self.subnet("10.0.11.0/24", "c")]
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        for subnet in self.public:
            self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.front, self.app = self.group("alb"), self.group("ecs")
        for port in (80, 443):
            self.allow(self.front, port, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
        self.allow(self.app, 3000, UserIdGroupPairs=[{"GroupId": self.front}])
        self.services = [Service(self.place(subnet), name) for subnet, name in zip(self.private, ("one", "two"), strict=True)]

    def subnet(self, block: str, zone: str) -> str:
        return self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block, AvailabilityZone=REGION + zone)["Subnet"]["SubnetId"]

    def group(self, name: str) -> str:
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]

    def allow(self, group: str, port: int, **peer) -> None:
        self.ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}])

    def place(self, subnet: str, group: str | None = None) -> Place:
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=[group or self.app])["NetworkInterface"]
        place = Place(made["NetworkInterfaceId"])
        place.address = made["PrivateIpAddress"]
        return place

    def balance(self) -> None:
        """The document's commands: load balancer, target group, listener on 80, targets."""
        made = self.aws(f"aws elbv2 create-load-balancer --name framerater-alb --subnets {' '.join(self.public)}"
                        f" --security-groups {self.front}").json["LoadBalancers"][0]
        self.balancer, self.name = made["LoadBalancerArn"], made["DNSName"]
        group = self.aws(f"aws elbv2 create-target-group --name framerater-tg --protocol HTTP --port 3000 --vpc-id {self.vpc}"
                         f" --target-type ip {CHECK}").json["TargetGroups"][0]
        self.targets = group["TargetGroupArn"]
        self.listener = self.aws(
            f"aws elbv2 create-listener --load-balancer-arn {self.balancer} --protocol HTTP --port 80"
            f" --default-actions Type=forward,TargetGroupArn={self.targets}").json["Listeners"][0]["ListenerArn"]
        self.aws(f"aws elbv2 wait load-balancer-available --load-balancer-arns {self.balancer}")
        self.register()

    def register(self) -> None:
        ids = " ".join(f"Id={service.place.address}" for service in self.services)
        self.aws(f"aws elbv2 register-targets --target-group-arn {self.targets} --targets {ids}")

    def health(self) -> dict[str, dict]:
        """By service name."""
        found = self.elbv2.describe_target_health(TargetGroupArn=self.targets)["TargetHealthDescriptions"]
        names = {service.place.address: service.name for service in self.services}
        return {names[item["Target"]["Id"]]: item["TargetHealth"] for item in found}

    def states(self) -> dict[str, str]:
        return {name: health["State"] for name, health in self.health().items()}

    def all_healthy(self, within_s: float = 60) -> None:
        eventually(lambda: set(self.states().values()) == {"healthy"}, within_s, what="all targets healthy")

    def curl(self, url: str, *options: str) -> tuple[int, str]:
        """Status and body, as a person's curl gives them; the name is looked up as any program's."""
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "60", "-w", "\n%{http_code}", *options, url], capture_output=True, text=True)
        assert done.returncode == 0, f"curl {url}: {done.stderr}"
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def service(self, path: str = "/") -> str:
        return self.seen(path)["service"]

    def seen(self, path: str = "/", *options: str) -> dict:
        status, body = self.curl(f"http://{self.name}{path}", *options)
        assert status == 200, (status, body)
        return json.loads(body)

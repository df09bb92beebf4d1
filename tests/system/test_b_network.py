"""Rows A4, B1 and B2 as packets: the FrameRatr network of the document, twice side by side.

The machines are bare network interfaces; what listens and calls in them is the test itself."""
import pytest
from harness.clients import Clients
from harness.networks import Network
from harness.packets import Place

PORTS = {"alb": 80, "ecs": 3000, "rds": 5432}


class Frame(Network):
    """VPC 10.0.0.0/16: public subnets 10.0.1.0/24 and 10.0.2.0/24, private 10.0.10.0/24 and 10.0.11.0/24, a NAT gateway, a
    route table for each kind, and the groups ALB -> ECS -> RDS by reference."""

    def __init__(self, ec2):
        super().__init__(ec2, "10.0.0.0/16")
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        gateway = self.internet_gateway()
        subnets = [self.subnet(block, zone) for block, zone in
                   [("10.0.1.0/24", "us-west-1a"), ("10.0.2.0/24", "us-west-1c"),
                    ("10.0.10.0/24", "us-west-1a"), ("10.0.11.0/24", "us-west-1c")]]
        nat = self.nat_gateway(subnets[0])
        ec2.create_route(RouteTableId=self.route_table(*subnets[:2]), DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        ec2.create_route(RouteTableId=self.route_table(*subnets[2:]), DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        self.groups = {name: self.group(name) for name in PORTS}
        for name, source in [("alb", "0.0.0.0/0"), ("ecs", self.groups["alb"]), ("rds", self.groups["ecs"])]:
            self.allow(self.groups[name], PORTS[name], source)
        self.alb = self.machine("alb", subnets[0], "10.0.1.10")
        self.ecs = self.machine("ecs", subnets[2], "10.0.10.10")
        self.rds = self.machine("rds", subnets[3], "10.0.11.10")
        self.elastic_address(self.alb)

    def machine(self, name: str, subnet: str, address: str) -> Place:
        place = self.interface(subnet, self.groups[name], address=address)
        place.listen(PORTS[name])
        return place


@pytest.fixture(scope="module")
def frames(clients):
    """The same network twice, with the same private addresses."""
    both = []
    try:
        both += [Frame(clients("ec2"))]
        both += [Frame(clients("ec2"))]
        yield both
    finally:
        for frame in both:
            frame.remove()


@pytest.fixture
def host():
    place = Place()
    yield place
    place.close()


def test_b1_equal_networks_side_by_side(frames, host):
    one, two = frames
    assert one.alb.public != two.alb.public
    for frame in frames:
        # The private address means the machine in the own VPC.
        assert frame.alb.seen_as("10.0.10.10", 3000) == "10.0.1.10"
        assert host.reaches(frame.alb.public, 80, 3)
    two.ecs.close()
    assert one.alb.reaches("10.0.10.10", 3000, 3)
    with pytest.raises(ConnectionRefusedError):
        two.alb.connect("10.0.10.10", 3000)
    two.ecs.listen(3000)
    # From one VPC into the other there is only the public way.
    assert one.alb.seen_as(two.alb.public, 80) == one.alb.public


def test_b1_private_machines_go_out_through_the_nat_only(frames, host):
    outside = host.listen(0)
    for frame in frames:
        host_address = host.connect(frame.alb.public, 80).greeting
        assert frame.ecs.seen_as(host_address, outside.port) == frame.nat_address
        assert frame.rds.seen_as(host_address, outside.port) == frame.nat_address
        assert frame.alb.seen_as(host_address, outside.port) == frame.alb.public
        assert not host.reaches(frame.nat_address, 3000) and not host.reaches(frame.nat_address, 80)


def test_b1_nothing_outside_reaches_a_private_address(frames, host):
    for address, port in [("10.0.10.10", 3000), ("10.0.11.10", 5432), ("10.0.1.10", 80)]:
        try:
            assert not host.reaches(address, port)
        except OSError:
            pass  # no route at all, which is as good


def test_b2_exactly_the_allowed_packets_pass(frames, host):
    for frame in frames:
        machines = {name: getattr(frame, name) for name in PORTS}
        allowed = {(name, PORTS[other]) for name, source in machines.items() for other, target in machines.items()
                   if source is not target and source.reaches(target.address, PORTS[other])}
        # Everybody may call the load balancer's group at 80, also from inside.
        assert allowed == {("ecs", 80), ("rds", 80), ("alb", 3000), ("ecs", 5432)}
        assert host.reaches(frame.alb.public, 80, 3)
        assert not host.reaches(frame.alb.public, 3000) and not host.reaches(frame.alb.public, 5432)


def test_b2_why_names_the_missing_rule(frames, server, region):
    if not hasattr(server, "why"):
        pytest.skip("needs the server's data folder")
    frame = frames[0]
    said = server.command("why", f"{frame.alb.interface} -> {frame.rds.interface}:5432",
                          "--region", region).stdout
    assert (f"aws ec2 authorize-security-group-ingress --group-id {frame.groups['rds']} --protocol tcp --port 5432"
            f" --source-group {frame.groups['alb']}") in said


def test_a4_a_rule_opens_and_its_revocation_closes(frames, host, aws):
    frame = frames[0]
    alb = frame.alb
    alb.listen(8000)
    rule = f"--group-id {frame.groups['alb']} --protocol tcp --port 8000 --cidr 0.0.0.0/0"
    assert not host.reaches(alb.public, 8000)
    aws(f"aws ec2 authorize-security-group-ingress {rule}")
    connection = host.connect(alb.public, 8000)
    assert connection.echoes()
    aws(f"aws ec2 revoke-security-group-ingress {rule}")
    assert not host.reaches(alb.public, 8000)
    assert not connection.echoes(0.5)


def test_traffic_survives_the_control_process(own_server, region):
    """kill -9 of serve loses no connection; after the restart rules change again."""
    ec2 = Clients(own_server.environment(), region)("ec2")
    frame, host = Frame(ec2), Place()
    connection = host.connect(frame.alb.public, 80)
    own_server.kill()
    assert connection.echoes() and host.reaches(frame.alb.public, 80, 3)
    own_server.start()
    assert connection.echoes()
    ec2.revoke_security_group_ingress(GroupId=frame.groups["alb"], IpProtocol="tcp", FromPort=80, ToPort=80,
                                      CidrIp="0.0.0.0/0")
    assert not host.reaches(frame.alb.public, 80)
    assert not connection.echoes(0.5)
    frame.remove()

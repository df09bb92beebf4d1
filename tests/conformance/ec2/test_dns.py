"""The DNS of a VPC, as its two attributes say: documented at docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html."""
import pytest

from harness.dns import ask, outside
from harness.waiting import eventually


@pytest.fixture
def open_network(network):
    """A VPC with an internet gateway and one interface with an elastic address."""
    made = network()
    subnet = made.subnet("10.0.1.0/24")
    made.ec2.create_route(RouteTableId=made.route_table(subnet), DestinationCidrBlock="0.0.0.0/0", GatewayId=made.internet_gateway())
    made.one_place = made.interface(subnet, address="10.0.1.77")
    made.elastic_address(made.one_place)
    return made


PRIVATE = "ip-10-0-1-77.us-west-1.compute.internal"


def public_name(address: str) -> str:
    return f"ec2-{address.replace('.', '-')}.us-west-1.compute.amazonaws.com"


def described(ec2, place) -> dict:
    return ec2.describe_network_interfaces(NetworkInterfaceIds=[place.interface])["NetworkInterfaces"][0]


def test_host_names_come_and_go_with_enable_dns_hostnames(open_network, network, ec2):
    place, name = open_network.one_place, public_name(open_network.one_place.public)
    other = network()
    stranger = other.interface(other.subnet("10.0.1.0/24"))
    # A VPC that somebody creates has no host names.
    assert ask(place, PRIVATE) == [] and ask(place, name) == [] and ask(stranger, name) == []
    assert ask(place, "77.1.0.10.in-addr.arpa", "PTR") == []
    assert not described(ec2, place).get("PrivateDnsName") and not described(ec2, place)["Association"]["PublicDnsName"]

    ec2.modify_vpc_attribute(VpcId=open_network.vpc, EnableDnsHostnames={"Value": True})
    assert ask(place, PRIVATE) == ["10.0.1.77"]
    assert ask(place, "77.1.0.10.in-addr.arpa", "PTR") == [PRIVATE]
    assert ask(place, "ip-10-9-9-9.us-west-1.compute.internal") == []
    assert eventually(lambda: ask(place, name), 5) == ["10.0.1.77"], "inside, the public name is the private address"
    assert ask(stranger, name) == [place.public], "another VPC sees the public address"
    assert eventually(lambda: outside(name), 5) == [place.public], "as does the host"
    assert described(ec2, place)["PrivateDnsName"] == PRIVATE
    assert described(ec2, place)["Association"]["PublicDnsName"] == name

    ec2.modify_vpc_attribute(VpcId=open_network.vpc, EnableDnsHostnames={"Value": False})
    assert ask(place, PRIVATE) == []
    eventually(lambda: ask(place, name) == [] and ask(stranger, name) == [] and not outside(name), 5, what="the public name gone")


def test_without_dns_support_nobody_answers(open_network, ec2):
    place = open_network.one_place
    ec2.modify_vpc_attribute(VpcId=open_network.vpc, EnableDnsHostnames={"Value": True})
    for server in ("169.254.169.253", "10.0.0.2"):
        assert ask(place, "sts.us-west-1.amazonaws.com", server=server) == ["169.254.170.10"]
    ec2.modify_vpc_attribute(VpcId=open_network.vpc, EnableDnsSupport={"Value": False})
    for server in ("169.254.169.253", "10.0.0.2"):
        assert ask(place, "sts.us-west-1.amazonaws.com", server=server, timeout_s=0.3) is None
    assert not described(ec2, place).get("PrivateDnsName")
    ec2.modify_vpc_attribute(VpcId=open_network.vpc, EnableDnsSupport={"Value": True})
    assert ask(place, PRIVATE) == ["10.0.1.77"]


def test_private_zones_need_both(open_network, clients, ec2, name):
    route53, place = clients("route53"), open_network.one_place
    zone = route53.create_hosted_zone(Name=f"{name}.internal", CallerReference=name, VPC={
        "VPCRegion": "us-west-1", "VPCId": open_network.vpc})["HostedZone"]["Id"]
    record = {"Name": f"db.{name}.internal", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.1.5"}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]})
    assert not ask(place, f"db.{name}.internal")
    ec2.modify_vpc_attribute(VpcId=open_network.vpc, EnableDnsHostnames={"Value": True})
    assert ask(place, f"db.{name}.internal") == ["10.0.1.5"]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]})
    route53.delete_hosted_zone(Id=zone)

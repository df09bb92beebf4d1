"""VPCs, routes, gateways, addresses, access lists: calls, and packets.
Documented: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/ and https://docs.aws.amazon.com/vpc/latest/userguide/"""
import uuid

import pytest
from harness.clients import refused
from harness.packets import Place


@pytest.fixture
def public(network, ec2):
    """A VPC with a public subnet, and a machine with a public address in it that everybody may call at port 80."""
    vpc = network()
    vpc.subnet_id = vpc.subnet("10.0.1.0/24")
    vpc.gateway = vpc.internet_gateway()
    ec2.create_route(RouteTableId=vpc.main_table, DestinationCidrBlock="0.0.0.0/0", GatewayId=vpc.gateway)
    vpc.allow(vpc.default_group, 80)
    vpc.server = vpc.interface(vpc.subnet_id)
    vpc.elastic_address(vpc.server)
    vpc.server.listen(80)
    return vpc


@pytest.fixture
def host():
    place = Place()
    yield place
    place.close()


def test_route_decides(public, ec2, host):
    assert host.reaches(public.server.public, 80, 3)
    ec2.delete_route(RouteTableId=public.main_table, DestinationCidrBlock="0.0.0.0/0")
    assert not host.reaches(public.server.public, 80)
    # A table of its own counts more than the main one.
    table = public.route_table(public.subnet_id)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=public.gateway)
    assert host.reaches(public.server.public, 80, 3)


def test_route_calls(public, ec2):
    table, gateway = public.main_table, public.gateway
    other = public.route_table()
    assert refused(ec2.create_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0",
                   GatewayId="igw-0123456789abcdef0")[0] == "InvalidGatewayID.NotFound"
    assert refused(ec2.create_route, RouteTableId=table, DestinationCidrBlock="10.0.1.0/24", GatewayId=gateway)[0] == (
        "InvalidParameterValue")
    assert refused(ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16") == (
        "InvalidParameterValue", f"cannot remove local route 10.0.0.0/16 in route table {table}")
    assert refused(ec2.delete_route, RouteTableId=table, DestinationCidrBlock="9.9.9.0/24")[0] == "InvalidRoute.NotFound"
    assert refused(ec2.replace_route, RouteTableId=table, DestinationCidrBlock="9.9.9.0/24", GatewayId=gateway)[0] == (
        "InvalidParameterValue")
    association = ec2.associate_route_table(RouteTableId=other, SubnetId=public.subnet_id)["AssociationId"]
    assert refused(ec2.delete_route_table, RouteTableId=other)[0] == "DependencyViolation"
    third = public.route_table()
    assert refused(ec2.associate_route_table, RouteTableId=third, SubnetId=public.subnet_id)[0] == "Resource.AlreadyAssociated"
    moved = ec2.replace_route_table_association(AssociationId=association, RouteTableId=third)["NewAssociationId"]
    found = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [public.subnet_id]}])["RouteTables"]
    assert [one["RouteTableId"] for one in found] == [third]
    ec2.disassociate_route_table(AssociationId=moved)
    main = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]
    assert [(r["DestinationCidrBlock"], r["GatewayId"], r["State"], r["Origin"]) for r in main["Routes"]] == [
        ("10.0.0.0/16", "local", "active", "CreateRouteTable"), ("0.0.0.0/0", gateway, "active", "CreateRoute")]
    assert refused(ec2.disassociate_route_table, AssociationId=main["Associations"][0]["RouteTableAssociationId"])[0] == (
        "InvalidParameterValue")


def test_a_detached_gateway_is_a_black_hole(public, ec2, host):
    assert refused(ec2.detach_internet_gateway, InternetGatewayId=public.gateway, VpcId=public.vpc)[0] == "DependencyViolation"
    assert refused(ec2.delete_internet_gateway, InternetGatewayId=public.gateway)[0] == "DependencyViolation"
    address = ec2.describe_addresses(PublicIps=[public.server.public])["Addresses"][0]
    ec2.disassociate_address(AssociationId=address["AssociationId"])
    assert not host.reaches(public.server.public, 80)
    ec2.detach_internet_gateway(InternetGatewayId=public.gateway, VpcId=public.vpc)
    table = ec2.describe_route_tables(RouteTableIds=[public.main_table])["RouteTables"][0]
    assert [r["State"] for r in table["Routes"]] == ["active", "blackhole"]
    assert refused(ec2.associate_address, AllocationId=address["AllocationId"],
                   NetworkInterfaceId=public.server.interface)[0] == "Gateway.NotAttached"
    ec2.attach_internet_gateway(InternetGatewayId=public.gateway, VpcId=public.vpc)
    assert refused(ec2.attach_internet_gateway, InternetGatewayId=public.gateway, VpcId=public.vpc)[0] == "Resource.AlreadyAssociated"


def test_elastic_address_moves(public, ec2, host):
    second = public.interface(public.subnet_id)
    second.listen(80)
    address = ec2.describe_addresses(PublicIps=[public.server.public])["Addresses"][0]
    assert address["NetworkInterfaceId"] == public.server.interface and address["PrivateIpAddress"] == public.server.address
    assert refused(ec2.release_address, AllocationId=address["AllocationId"])[0] == "InvalidIPAddress.InUse"
    assert refused(ec2.associate_address, AllocationId=address["AllocationId"], NetworkInterfaceId=second.interface,
                   AllowReassociation=False)[0] == "Resource.AlreadyAssociated"
    connection = host.connect(public.server.public, 80)
    ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=second.interface)
    assert not connection.echoes(0.5), "the old holder's connections end"
    assert host.reaches(public.server.public, 80, 3)
    shown = ec2.describe_network_interfaces(NetworkInterfaceIds=[second.interface])["NetworkInterfaces"][0]
    assert shown["Association"]["PublicIp"] == public.server.public and shown["Association"]["AllocationId"] == address["AllocationId"]
    assert second.seen_as(public.server.public, 80) == public.server.public, "hairpin: a public source"
    ec2.disassociate_address(PublicIp=public.server.public)
    assert not host.reaches(public.server.public, 80)


def test_nat_gateway(public, ec2, host):
    private = public.subnet("10.0.2.0/24", "us-west-1c")
    inner = public.interface(private)
    inner.listen(80)
    outside = host.listen(0)
    host_address = host.connect(public.server.public, 80).greeting
    assert not inner.reaches(host_address, outside.port), "the main table's internet gateway needs a public address"
    nat = public.nat_gateway(public.subnet_id)
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    table = public.route_table(private)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    assert inner.seen_as(host_address, outside.port) == public.nat_address
    assert not host.reaches(public.nat_address, 80), "a NAT gateway lets nothing in"
    # A more specific route counts more.
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=f"{host_address}/32", GatewayId=public.gateway)
    assert not inner.reaches(host_address, outside.port)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=f"{host_address}/32")
    assert inner.reaches(host_address, outside.port, 3)
    shown = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]
    assert shown["NatGatewayAddresses"][0]["PublicIp"] == public.nat_address and shown["State"] == "available"
    interface = shown["NatGatewayAddresses"][0]["NetworkInterfaceId"]
    assert refused(ec2.delete_network_interface, NetworkInterfaceId=interface)[0] == "InvalidParameterValue"
    assert refused(ec2.delete_subnet, SubnetId=public.subnet_id)[0] == "DependencyViolation"
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert not inner.reaches(host_address, outside.port)
    assert ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "deleted"
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert routes[1]["State"] == "blackhole"


def test_nat_gateway_fails_without_internet(network, ec2):
    vpc = network()
    subnet = vpc.subnet("10.0.1.0/24")
    address = vpc.elastic_address()
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]["NatGatewayId"]
    shown = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]
    assert (shown["State"], shown["FailureCode"]) == ("failed", "Gateway.NotAttached")
    assert "NetworkInterfaceId" not in ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"][0]


def test_a_token_makes_one_nat_gateway(public, ec2):
    address, token = public.elastic_address(), str(uuid.uuid4())
    asked = {"SubnetId": public.subnet_id, "AllocationId": address["AllocationId"], "ClientToken": token}
    first = ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"]
    public.later(ec2.delete_nat_gateway, NatGatewayId=first)
    assert ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] == first
    other = public.elastic_address()
    assert refused(ec2.create_nat_gateway, **{**asked, "AllocationId": other["AllocationId"]})[0] == "IdempotentParameterMismatch"
    assert refused(ec2.create_nat_gateway, SubnetId=public.subnet_id,
                   AllocationId=address["AllocationId"])[0] == "Resource.AlreadyAssociated"


def test_access_list(public, ec2, host):
    acl = ec2.create_network_acl(VpcId=public.vpc)["NetworkAcl"]["NetworkAclId"]
    public.later(ec2.delete_network_acl, NetworkAclId=acl)
    default = public.one(ec2.describe_network_acls, "NetworkAcls", "default=true")
    [association] = default["Associations"]
    assert association["SubnetId"] == public.subnet_id
    moved = ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"],
                                                NetworkAclId=acl)["NewAssociationId"]
    assert not host.reaches(public.server.public, 80), "a new list lets nothing pass"
    assert refused(ec2.delete_network_acl, NetworkAclId=acl)[0] == "DependencyViolation"

    def entry(number: int, egress: bool, ports: tuple[int, int], action: str = "allow", block: str = "0.0.0.0/0") -> None:
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Protocol="6", RuleAction=action, Egress=egress,
                                     CidrBlock=block, PortRange={"From": ports[0], "To": ports[1]})

    entry(100, False, (80, 80))
    assert not host.reaches(public.server.public, 80), "the answers are judged, too"
    entry(100, True, (1024, 65535))
    assert host.reaches(public.server.public, 80, 3)
    host_address = host.connect(public.server.public, 80).greeting
    entry(90, False, (80, 80), "deny", f"{host_address}/32")
    assert not host.reaches(public.server.public, 80)
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=90, Egress=False)
    assert host.reaches(public.server.public, 80, 3)
    assert refused(entry, number=100, egress=False, ports=(1, 2))[0] == "NetworkAclEntryAlreadyExists"
    assert refused(ec2.delete_network_acl_entry, NetworkAclId=acl, RuleNumber=7, Egress=True)[0] == (
        "InvalidNetworkAclEntry.NotFound")
    shown = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    assert [(e["RuleNumber"], e["Egress"], e["RuleAction"]) for e in shown] == [
        (100, True, "allow"), (32767, True, "deny"), (100, False, "allow"), (32767, False, "deny")]
    ec2.replace_network_acl_association(AssociationId=moved, NetworkAclId=default["NetworkAclId"])
    assert host.reaches(public.server.public, 80, 3)
    assert refused(ec2.delete_network_acl, NetworkAclId=default["NetworkAclId"])[0] == "InvalidParameterValue"


def test_network_interfaces(network, ec2):
    vpc, other = network(), network("10.1.0.0/16")
    ec2.modify_vpc_attribute(VpcId=vpc.vpc, EnableDnsHostnames={"Value": True})
    subnet = vpc.subnet("10.0.1.0/24")
    one = vpc.interface(subnet, address="10.0.1.77")
    shown = ec2.describe_network_interfaces(Filters=[{"Name": "private-ip-address", "Values": ["10.0.1.77"]},
                                                     {"Name": "vpc-id", "Values": [vpc.vpc]}])["NetworkInterfaces"]
    assert [(i["NetworkInterfaceId"], i["Status"], i["PrivateDnsName"]) for i in shown] == [
        (one.interface, "available", "ip-10-0-1-77.us-west-1.compute.internal")]
    assert refused(ec2.create_network_interface, SubnetId=subnet, PrivateIpAddress="10.0.1.77")[0] == "InvalidIPAddress.InUse"
    assert refused(ec2.create_network_interface, SubnetId=subnet, PrivateIpAddress="10.0.1.2")[0] == "InvalidParameterValue"
    assert refused(ec2.create_network_interface, SubnetId=subnet, Groups=[other.default_group])[0] == "InvalidParameterValue"
    assert refused(ec2.delete_security_group, GroupId=vpc.default_group)[0] == "CannotDelete"
    assert refused(ec2.delete_subnet, SubnetId=subnet)[0] == "DependencyViolation"
    free = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"]
    assert free == 250
    ec2.modify_network_interface_attribute(NetworkInterfaceId=one.interface, Description={"Value": "mine"})
    assert ec2.describe_network_interface_attribute(NetworkInterfaceId=one.interface,
                                                    Attribute="description")["Description"] == {"Value": "mine"}
    assert refused(ec2.modify_network_interface_attribute, NetworkInterfaceId=one.interface,
                   SourceDestCheck={"Value": False})[0] == "InvalidParameterValue"
    assert refused(ec2.describe_network_interfaces, NetworkInterfaceIds=["eni-0123456789abcdef0"])[0] == (
        "InvalidNetworkInterfaceID.NotFound")
    ec2.delete_network_interface(NetworkInterfaceId=one.interface)
    assert refused(ec2.delete_network_interface, NetworkInterfaceId=one.interface)[0] == "InvalidNetworkInterfaceID.NotFound"


def test_a_small_subnet_fills_up(network, ec2):
    vpc = network()
    subnet = vpc.subnet("10.0.1.0/28")
    for _ in range(11):
        vpc.interface(subnet)
    assert refused(ec2.create_network_interface, SubnetId=subnet)[0] == "InsufficientFreeAddressesInSubnet"
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 0


def test_dhcp_options(network, ec2):
    vpc = network()
    made = ec2.create_dhcp_options(DhcpConfigurations=[
        {"Key": "domain-name", "Values": ["corp.example"]},
        {"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]}])["DhcpOptions"]["DhcpOptionsId"]
    vpc.later(ec2.delete_dhcp_options, DhcpOptionsId=made)
    ec2.associate_dhcp_options(DhcpOptionsId=made, VpcId=vpc.vpc)
    assert ec2.describe_vpcs(VpcIds=[vpc.vpc])["Vpcs"][0]["DhcpOptionsId"] == made
    assert refused(ec2.delete_dhcp_options, DhcpOptionsId=made)[0] == "DependencyViolation"
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc.vpc)
    assert refused(ec2.create_dhcp_options, DhcpConfigurations=[{"Key": "ntp-servers", "Values": ["10.0.0.1"]}])[0] == (
        "InvalidParameterValue")


def test_pages_and_filters(network, ec2):
    vpc = network()
    tables = {vpc.route_table() for _ in range(7)} | {vpc.main_table}
    wanted = [{"Name": "vpc-id", "Values": [vpc.vpc]}]
    pages = list(ec2.get_paginator("describe_route_tables").paginate(Filters=wanted, PaginationConfig={"PageSize": 5}))
    assert [len(page["RouteTables"]) for page in pages] == [5, 3]
    assert {table["RouteTableId"] for page in pages for table in page["RouteTables"]} == tables
    assert refused(ec2.describe_route_tables, Filters=[{"Name": "colour", "Values": ["red"]}]) == (
        "InvalidParameterValue", "The filter 'colour' is invalid")
    assert refused(ec2.describe_route_tables, NextToken="nonsense")[0] == "InvalidNextToken"
    one = sorted(tables)[0]
    ec2.create_tags(Resources=[one], Tags=[{"Key": "Name", "Value": "web-1"}])
    for filters, count in [([{"Name": "tag:Name", "Values": ["web-*"]}], 1), ([{"Name": "tag-key", "Values": ["Name"]}], 1),
                           ([{"Name": "tag:Name", "Values": ["db-?"]}], 0)]:
        assert len(ec2.describe_route_tables(Filters=wanted + filters)["RouteTables"]) == count


def test_vpc_goes_last(network, ec2):
    vpc = network()
    subnet = vpc.subnet("10.0.1.0/24")
    assert refused(ec2.delete_vpc, VpcId=vpc.vpc) == (
        "DependencyViolation", f"The vpc '{vpc.vpc}' has dependencies and cannot be deleted.")
    ec2.delete_subnet(SubnetId=subnet)
    acl = ec2.create_network_acl(VpcId=vpc.vpc)["NetworkAcl"]["NetworkAclId"]
    assert refused(ec2.delete_vpc, VpcId=vpc.vpc)[0] == "DependencyViolation"
    ec2.delete_network_acl(NetworkAclId=acl)
    ec2.delete_vpc(VpcId=vpc.vpc)
    assert refused(ec2.describe_vpcs, VpcIds=[vpc.vpc])[0] == "InvalidVpcID.NotFound"


def test_why(public, ec2, server, region, host):
    if not hasattr(server, "why"):
        pytest.skip("needs the server's data folder")
    host_address = host.connect(public.server.public, 80).greeting
    question = f"{host_address} -> {public.server.public}:81"
    said = server.command("why", question, "--region", region).stdout
    assert "no inbound rule" in said and f"--group-id {public.default_group} --protocol tcp --port 81" in said
    ec2.delete_route(RouteTableId=public.main_table, DestinationCidrBlock="0.0.0.0/0")
    said = server.command("why", f"{public.server.interface} -> {host_address}:443", "--region", region).stdout
    assert f"create-route --route-table-id {public.main_table}" in said

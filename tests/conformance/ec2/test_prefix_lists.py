"""Managed prefix lists in security groups and routes, as packets: docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html"""
import pytest

from harness.clients import refused
from harness.packets import Place


@pytest.fixture
def prefix_list(ec2):
    """prefix_list("10.0.0.0/8", ..., size=5) -> a new list"""
    made: list[str] = []

    def make(*blocks: str, size: int = 5) -> dict:
        one = ec2.create_managed_prefix_list(PrefixListName="friends", AddressFamily="IPv4", MaxEntries=size,
                                             Entries=[{"Cidr": block, "Description": "one of them"} for block in blocks])["PrefixList"]
        made.append(one["PrefixListId"])
        return one

    yield make
    for one in made:
        if any(known["PrefixListId"] == one for known in ec2.describe_managed_prefix_lists()["PrefixLists"]):
            ec2.delete_managed_prefix_list(PrefixListId=one)


@pytest.fixture
def pair(network):
    """A server with a group of its own, and two callers."""
    vpc = network()
    subnet = vpc.subnet("10.0.1.0/24")
    vpc.door = vpc.group("door")
    vpc.server = vpc.interface(subnet, vpc.door, address="10.0.1.10")
    vpc.server.listen(80)
    vpc.one, vpc.two = (vpc.interface(subnet, address=address) for address in ("10.0.1.20", "10.0.1.30"))
    vpc.reaches = lambda: (vpc.one.reaches("10.0.1.10", 80), vpc.two.reaches("10.0.1.10", 80))
    return vpc


def entries(ec2, one: str, **more) -> list[str]:
    return [entry["Cidr"] for entry in ec2.get_managed_prefix_list_entries(PrefixListId=one, **more)["Entries"]]


def test_a_rule_follows_its_list(pair, ec2, prefix_list):
    made = prefix_list("10.0.1.20/32")
    one = made["PrefixListId"]
    assert (made["MaxEntries"], made["Version"], made["AddressFamily"]) == (5, 1, "IPv4")
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "PrefixListIds": [{"PrefixListId": one, "Description": "d"}]}
    rule = ec2.authorize_security_group_ingress(GroupId=pair.door, IpPermissions=[permission])["SecurityGroupRules"][0]
    assert rule["PrefixListId"] == one
    assert pair.reaches() == (True, False)
    shown = ec2.describe_security_groups(GroupIds=[pair.door])["SecurityGroups"][0]["IpPermissions"][0]
    assert shown["PrefixListIds"] == [{"PrefixListId": one, "Description": "d"}]
    # The list changes, the rules of every group follow.
    ec2.modify_managed_prefix_list(PrefixListId=one, CurrentVersion=1, AddEntries=[{"Cidr": "10.0.1.30/32"}],
                                   RemoveEntries=[{"Cidr": "10.0.1.20/32"}])
    assert pair.reaches() == (False, True)
    assert entries(ec2, one) == ["10.0.1.30/32"] and entries(ec2, one, TargetVersion=1) == ["10.0.1.20/32"]
    assert refused(ec2.modify_managed_prefix_list, PrefixListId=one, CurrentVersion=1,
                   AddEntries=[{"Cidr": "10.9.0.0/16"}])[0] == "PrefixListVersionMismatch"
    ec2.restore_managed_prefix_list_version(PrefixListId=one, PreviousVersion=1, CurrentVersion=2)
    assert pair.reaches() == (True, False)
    used = ec2.get_managed_prefix_list_associations(PrefixListId=one)["PrefixListAssociations"]
    assert [user["ResourceId"] for user in used] == [pair.door]
    assert refused(ec2.delete_managed_prefix_list, PrefixListId=one)[0] == "DependencyViolation"
    ec2.revoke_security_group_ingress(GroupId=pair.door, IpPermissions=[permission])
    assert pair.reaches() == (False, False)


def test_a_list_counts_for_as_many_rules_as_it_may_have_entries(pair, ec2, prefix_list):
    big, small = prefix_list(size=60)["PrefixListId"], prefix_list(size=5)["PrefixListId"]

    def allow(one: str, port: int) -> dict:
        return {"GroupId": pair.door, "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "PrefixListIds": [{"PrefixListId": one}]}]}
    ec2.authorize_security_group_ingress(**allow(small, 80))
    assert refused(ec2.authorize_security_group_ingress, **allow(big, 80))[0] == "RulesPerSecurityGroupLimitExceeded"
    assert refused(ec2.modify_managed_prefix_list, PrefixListId=small, MaxEntries=61)[0] == "RulesPerSecurityGroupLimitExceeded"
    ec2.revoke_security_group_ingress(**allow(small, 80))


def test_a_route_to_a_list(network, ec2, prefix_list):
    vpc, host = network(), Place()
    subnet = vpc.subnet("10.0.1.0/24")
    table = vpc.route_table(subnet)
    gateway = vpc.internet_gateway()
    place = vpc.interface(subnet)
    vpc.elastic_address(place)
    outside = host.listen(0)
    # The host as machines in a VPC see it, learned on a way that is taken away again.
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    vpc.allow(vpc.default_group, 80)
    place.listen(80)
    address = host.connect(place.public, 80).greeting
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert not place.reaches(address, outside.port)
    one = prefix_list()["PrefixListId"]
    ec2.create_route(RouteTableId=table, DestinationPrefixListId=one, GatewayId=gateway)
    shown = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert {"DestinationPrefixListId": one, "GatewayId": gateway, "Origin": "CreateRoute", "State": "active"} in shown
    assert not place.reaches(address, outside.port)
    ec2.modify_managed_prefix_list(PrefixListId=one, CurrentVersion=1, AddEntries=[{"Cidr": f"{address}/32"}])
    assert place.seen_as(address, outside.port) == place.public
    ec2.delete_route(RouteTableId=table, DestinationPrefixListId=one)
    assert not place.reaches(address, outside.port)
    host.close()


def test_amazons_own_lists(aws, ec2):
    names = {"com.amazonaws.us-west-1.dynamodb", "com.amazonaws.us-west-1.s3"}
    lists = aws("aws ec2 describe-managed-prefix-lists --filters Name=owner-id,Values=AWS").json["PrefixLists"]
    assert {one["PrefixListName"] for one in lists} == names
    plain = aws("aws ec2 describe-prefix-lists").json["PrefixLists"]
    assert {one["PrefixListName"] for one in plain} == names and all(one["Cidrs"] for one in plain)
    assert refused(ec2.modify_managed_prefix_list, PrefixListId=lists[0]["PrefixListId"], CurrentVersion=1,
                   AddEntries=[{"Cidr": "10.0.0.0/8"}])[0] == "OperationNotPermitted"


def test_bad_lists(ec2, prefix_list):
    create = dict(PrefixListName="x", AddressFamily="IPv4", MaxEntries=1)
    assert refused(ec2.create_managed_prefix_list, **{**create, "PrefixListName": "com.amazonaws.x"})[0] == "InvalidParameterValue"
    assert refused(ec2.create_managed_prefix_list, **{**create, "MaxEntries": 0})[0] == "InvalidParameterValue"
    assert refused(ec2.create_managed_prefix_list, **{**create, "AddressFamily": "IPv6"})[0] == "InvalidParameterValue"
    assert refused(ec2.create_managed_prefix_list, **create, Entries=[{"Cidr": "10.0.0.1/8"}])[0] == "InvalidParameterValue"
    assert refused(ec2.create_managed_prefix_list, **create,
                   Entries=[{"Cidr": "10.0.0.0/8"}, {"Cidr": "11.0.0.0/8"}])[0] == "PrefixListMaxEntriesExceeded"
    one = prefix_list("10.0.0.0/8")["PrefixListId"]
    assert refused(ec2.modify_managed_prefix_list, PrefixListId=one, CurrentVersion=1,
                   RemoveEntries=[{"Cidr": "11.0.0.0/8"}])[0] == "InvalidParameterValue"
    assert refused(ec2.get_managed_prefix_list_entries, PrefixListId="pl-0123456789abcdef0")[0] == "InvalidPrefixListID.NotFound"
    described = ec2.describe_managed_prefix_lists(PrefixListIds=[one])["PrefixLists"][0]
    assert described["State"] == "create-complete" and described["PrefixListName"] == "friends"

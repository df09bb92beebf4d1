"""Security groups: calls, and packets. Documented: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html"""
import pytest
from botocore.exceptions import ClientError
from harness.clients import refused
from harness.packets import Place

TCP_80 = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}


@pytest.fixture
def pair(network):
    """A VPC with a server and a client in one subnet, each with a group of its own."""
    vpc = network()
    subnet = vpc.subnet("10.0.1.0/24")
    vpc.server_group, vpc.client_group = vpc.group("server"), vpc.group("client")
    vpc.server, vpc.client = vpc.interface(subnet, vpc.server_group), vpc.interface(subnet, vpc.client_group)
    vpc.server.listen(80)
    return vpc


def test_default_rules(network, ec2):
    vpc = network()
    group = ec2.describe_security_groups(GroupIds=[vpc.default_group])["SecurityGroups"][0]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == vpc.default_group
    made = vpc.group("fresh")
    fresh = ec2.describe_security_groups(GroupIds=[made])["SecurityGroups"][0]
    assert fresh["IpPermissions"] == []
    assert fresh["IpPermissionsEgress"] == [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [],
                                             "PrefixListIds": [], "UserIdGroupPairs": []}]


def test_a_rule_opens_and_its_revocation_closes(pair, ec2):
    assert not pair.client.reaches(pair.server.address, 80)
    rule = pair.allow(pair.server_group, 80)
    assert pair.client.seen_as(pair.server.address, 80) == pair.client.address
    assert not pair.client.reaches(pair.server.address, 81)
    connection = pair.client.connect(pair.server.address, 80)
    assert connection.echoes()
    ec2.revoke_security_group_ingress(GroupId=pair.server_group, SecurityGroupRuleIds=[rule])
    assert not pair.client.reaches(pair.server.address, 80)
    # A rule for everybody, with answers to everybody: an untracked connection stops with its rule.
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    assert not connection.echoes(0.5)


def test_a_tracked_connection_outlives_its_rule(pair, ec2):
    rule = pair.allow(pair.server_group, 80, pair.client_group)
    connection = pair.client.connect(pair.server.address, 80)
    assert connection.echoes()
    ec2.revoke_security_group_ingress(GroupId=pair.server_group, SecurityGroupRuleIds=[rule])
    assert not pair.client.reaches(pair.server.address, 80)
    assert connection.echoes()


def test_group_reference_follows_membership(pair, ec2, network):
    pair.allow(pair.server_group, 80, pair.client_group)
    assert pair.client.reaches(pair.server.address, 80, 3)
    other = pair.group("other")
    stranger = pair.interface(pair.one(ec2.describe_subnets, "Subnets")["SubnetId"], other)
    assert not stranger.reaches(pair.server.address, 80)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=stranger.interface, Groups=[other, pair.client_group])
    assert stranger.reaches(pair.server.address, 80, 3)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=stranger.interface, Groups=[other])
    assert not stranger.reaches(pair.server.address, 80)


def test_egress(pair, ec2):
    pair.allow(pair.server_group, 80)
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=pair.client_group, IpPermissions=everything)
    assert not pair.client.reaches(pair.server.address, 80)
    pair.allow(pair.client_group, 80, pair.server_group, egress=True)
    assert pair.client.reaches(pair.server.address, 80, 3)


def test_modified_rule(pair, ec2):
    rule = pair.allow(pair.server_group, 81)
    assert not pair.client.reaches(pair.server.address, 80)
    ec2.modify_security_group_rules(GroupId=pair.server_group, SecurityGroupRules=[
        {"SecurityGroupRuleId": rule, "SecurityGroupRule": {**TCP_80, "CidrIpv4": "10.0.1.0/24", "Description": "web"}}])
    assert pair.client.reaches(pair.server.address, 80, 3)
    [shown] = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"]
    assert (shown["CidrIpv4"], shown["FromPort"], shown["Description"]) == ("10.0.1.0/24", 80, "web")


def test_duplicates_and_unknown_rules(network, ec2):
    vpc = network()
    group = vpc.group("g")
    vpc.allow(group, 80)
    open_80 = [{**TCP_80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    assert refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=open_80) == (
        "InvalidPermission.Duplicate",
        'the specified rule "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW" already exists')
    # All or nothing: the new rule beside the duplicate is not there either.
    both = [{"IpProtocol": "tcp", "FromPort": 81, "ToPort": 81, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, *open_80]
    assert refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=both)[0] == "InvalidPermission.Duplicate"
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert sorted((r["IsEgress"], r["FromPort"]) for r in rules) == [(False, 80), (True, -1)]
    absent = [{**TCP_80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    assert refused(ec2.revoke_security_group_ingress, GroupId=group, IpPermissions=absent)[0] == "InvalidPermission.NotFound"
    assert refused(ec2.revoke_security_group_ingress, GroupId=group, SecurityGroupRuleIds=["sgr-0123456789abcdef0"])[0] == (
        "InvalidSecurityGroupRuleId.NotFound")


@pytest.mark.parametrize("permission, code", [
    ({"IpProtocol": "tcp", "FromPort": 90, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "InvalidParameterValue"),
    ({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 70000, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "InvalidParameterValue"),
    ({"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "InvalidParameterValue"),
    ({**TCP_80, "IpRanges": [{"CidrIp": "10.0.0.300/24"}]}, "InvalidParameterValue"),
    ({**TCP_80, "IpRanges": [{"CidrIp": "10.0.0.1"}]}, "InvalidParameterValue"),
    ({"IpProtocol": "quic", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "InvalidParameterValue"),
    ({**TCP_80, "UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}]}, "InvalidGroup.NotFound"),
    (TCP_80, "MissingParameter"),
])
def test_bad_rules(network, ec2, permission, code):
    group = network().group("g")
    assert refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[permission])[0] == code


def test_sixty_rules_and_no_more(network, ec2):
    group = network().group("g")
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {**TCP_80, "IpRanges": [{"CidrIp": f"10.1.{i}.0/24"} for i in range(60)]}])
    one_more = [{**TCP_80, "IpRanges": [{"CidrIp": "10.2.0.0/24"}]}]
    assert refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=one_more)[0] == (
        "RulesPerSecurityGroupLimitExceeded")


def test_a_group_in_use_stays(pair, ec2):
    assert refused(ec2.delete_security_group, GroupId=pair.server_group) == (
        "DependencyViolation", f"resource {pair.server_group} has a dependent object")
    referred = pair.group("referred")
    pair.allow(pair.server_group, 80, referred)
    assert refused(ec2.delete_security_group, GroupId=referred)[0] == "DependencyViolation"
    assert refused(ec2.delete_security_group, GroupId=pair.default_group)[0] == "CannotDelete"


def test_names(network, ec2):
    vpc, other = network(), network()
    vpc.group("same")
    assert refused(ec2.create_security_group, GroupName="same", Description="d", VpcId=vpc.vpc)[0] == "InvalidGroup.Duplicate"
    other.group("same")
    assert refused(ec2.create_security_group, GroupName="sg-x", Description="d", VpcId=vpc.vpc)[0] == "InvalidParameterValue"
    assert refused(ec2.create_security_group, GroupName="default", Description="d", VpcId=vpc.vpc)[0] == "InvalidParameterValue"


def test_dry_run_changes_nothing(network, ec2):
    group = network().group("g")
    with pytest.raises(ClientError) as error:
        ec2.authorize_security_group_ingress(GroupId=group, DryRun=True,
                                             IpPermissions=[{**TCP_80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    assert error.value.response["Error"]["Code"] == "DryRunOperation"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"] == []


def test_cli_of_both_ages(each_cli):
    vpc = each_cli("aws ec2 create-vpc --cidr-block 10.9.0.0/16").json["Vpc"]["VpcId"]
    group = each_cli(f"aws ec2 create-security-group --group-name web --description web --vpc-id {vpc}").json["GroupId"]
    each_cli(f"aws ec2 authorize-security-group-ingress --group-id {group} --protocol tcp --port 8000-8010 --cidr 10.0.0.0/8")
    each_cli(f"aws ec2 authorize-security-group-ingress --group-id {group} --protocol tcp --port 5432 --source-group {group}")
    shown = each_cli(f"aws ec2 describe-security-groups --group-ids {group}"
                     " --query SecurityGroups[0].IpPermissions[].[FromPort,ToPort] --output text").text
    assert shown.split() == ["8000", "8010", "5432", "5432"]
    each_cli(f"aws ec2 revoke-security-group-ingress --group-id {group} --protocol tcp --port 8000-8010 --cidr 10.0.0.0/8")
    assert each_cli(f"aws ec2 describe-security-groups --group-ids {group}"
                    " --query length(SecurityGroups[0].IpPermissions)").text == "1"
    each_cli(f"aws ec2 delete-security-group --group-id {group}")
    each_cli(f"aws ec2 delete-vpc --vpc-id {vpc}")


def test_the_host_is_outside(network, ec2):
    """A group reference never admits what comes from outside, whatever its address."""
    vpc = network()
    subnet = vpc.subnet("10.0.1.0/24")
    gateway = vpc.internet_gateway()
    ec2.create_route(RouteTableId=vpc.main_table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    server = vpc.interface(subnet)
    vpc.elastic_address(server)
    server.listen(80)
    host = Place()
    assert not host.reaches(server.public, 80)
    vpc.allow(vpc.default_group, 80)
    assert host.reaches(server.public, 80, 3)

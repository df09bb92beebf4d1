"""VPC endpoints: docs.aws.amazon.com/vpc/latest/privatelink. The API really answers on an interface endpoint's addresses."""
import http.client
import json
import ssl

import pytest

from harness.clients import refused
from harness.dns import ask
from harness.packets import socket_in
from harness.waiting import eventually


@pytest.fixture
def endpoint(ec2):
    made: list[str] = []

    def make(**parameters) -> dict:
        one = ec2.create_vpc_endpoint(**parameters)["VpcEndpoint"]
        made.append(one["VpcEndpointId"])
        return one

    yield make
    if made:
        ec2.delete_vpc_endpoints(VpcEndpointIds=made)


def api_answers(place, address: str, name: str, ca: str, timeout_s: float = 5) -> int:
    """The status of an unsigned call to the API by HTTPS, from a place in a VPC, with the certificate checked."""
    with socket_in(place.namespace) as raw:
        raw.settimeout(timeout_s)
        raw.connect((address, 443))
        with ssl.create_default_context(cafile=ca).wrap_socket(raw, server_hostname=name) as secure:
            call = http.client.HTTPConnection(name)
            call.sock = secure
            call.request("POST", "/", body="Action=GetCallerIdentity&Version=2011-06-15")
            return call.getresponse().status


def test_an_interface_endpoint_leads_to_the_api(network, ec2, endpoint, server):
    vpc = network()
    subnets = [vpc.subnet("10.0.1.0/24", "us-west-1a"), vpc.subnet("10.0.2.0/24", "us-west-1c")]
    place, door = vpc.interface(subnets[0]), vpc.group("door")
    name, ca = "sts.us-west-1.amazonaws.com", str(server.data / "ca/ca.crt")
    asked = dict(VpcId=vpc.vpc, ServiceName="com.amazonaws.us-west-1.sts", VpcEndpointType="Interface", SubnetIds=subnets,
                 SecurityGroupIds=[door])
    assert "enableDnsHostnames" in refused(ec2.create_vpc_endpoint, **asked)[1]
    ec2.modify_vpc_attribute(VpcId=vpc.vpc, EnableDnsHostnames={"Value": True})
    made = endpoint(**asked)
    shown = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["VpcEndpoints"][0]
    assert shown["State"] == "available" and shown["PrivateDnsEnabled"] and shown["SubnetIds"] == subnets
    interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=shown["NetworkInterfaceIds"])["NetworkInterfaces"]
    addresses = sorted(interface["PrivateIpAddress"] for interface in interfaces)
    assert {interface["InterfaceType"] for interface in interfaces} == {"vpc_endpoint"}
    # The service's own name, and the endpoint's.
    names = [entry["DnsName"] for entry in shown["DnsEntries"]]
    assert name in names and sorted(ask(place, name)) == addresses
    assert eventually(lambda: sorted(ask(place, names[0])), 5) == addresses
    assert ask(place, "logs.us-west-1.amazonaws.com") == ["169.254.170.10"], "the others as before"
    # Its security group decides.
    with pytest.raises(TimeoutError):
        api_answers(place, addresses[0], name, ca, 0.5)
    vpc.allow(door, 443, vpc.default_group)
    assert [api_answers(place, address, name, ca) for address in addresses] == [403, 403]
    # One VPC, one meaning.
    assert "conflicting DNS domain" in refused(ec2.create_vpc_endpoint, **asked)[1]
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], RemoveSubnetIds=[subnets[1]])
    assert ask(place, name) == [address for address in addresses if address.startswith("10.0.1.")]
    assert refused(ec2.delete_subnet, SubnetId=subnets[0])[0] == "DependencyViolation"
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=False)
    assert ask(place, name) == ["169.254.170.10"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    assert not ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc.vpc]}])["VpcEndpoints"]
    eventually(lambda: ask(place, names[0]) == [], 5, what="its names gone")
    assert not place.reaches(addresses[0], 443)


def test_a_gateway_endpoint_is_a_route(network, ec2, endpoint):
    vpc = network()
    table = vpc.route_table(vpc.subnet("10.0.1.0/24"))
    made = endpoint(VpcId=vpc.vpc, ServiceName="com.amazonaws.us-west-1.s3", RouteTableIds=[table])
    assert made["VpcEndpointType"] == "Gateway" and made["State"] == "available"
    assert json.loads(made["PolicyDocument"])["Statement"][0]["Effect"] == "Allow"
    lists = ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["*.s3"]}])["PrefixLists"]

    def routes() -> list[dict]:
        return [route for route in ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
                if route.get("DestinationPrefixListId")]
    assert routes() == [{"DestinationPrefixListId": lists[0]["PrefixListId"], "GatewayId": made["VpcEndpointId"],
                         "Origin": "CreateRoute", "State": "active"}]
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], RemoveRouteTableIds=[table])
    assert not routes()
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddRouteTableIds=[table])
    assert routes() and refused(ec2.delete_vpc, VpcId=vpc.vpc)[0] == "DependencyViolation"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    assert not routes()


def test_services_and_bad_requests(network, aws, ec2):
    services = aws("aws ec2 describe-vpc-endpoint-services").json
    assert {"com.amazonaws.us-west-1.s3", "com.amazonaws.us-west-1.ecr.dkr"} <= set(services["ServiceNames"])
    gateways = ec2.describe_vpc_endpoint_services(Filters=[{"Name": "service-type", "Values": ["Gateway"]}])["ServiceNames"]
    assert gateways == ["com.amazonaws.us-west-1.dynamodb", "com.amazonaws.us-west-1.s3"]
    vpc = network()
    asked = dict(VpcId=vpc.vpc, ServiceName="com.amazonaws.us-west-1.s3")
    assert refused(ec2.create_vpc_endpoint, **{**asked, "ServiceName": "com.amazonaws.us-west-1.nothing"})[0] == "InvalidServiceName"
    assert refused(ec2.create_vpc_endpoint, **{**asked, "ServiceName": "com.amazonaws.us-west-1.sts"})[0] == "InvalidParameter"
    policy = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]})
    assert refused(ec2.create_vpc_endpoint, **asked, PolicyDocument=policy)[0] == "UnsupportedOperation"
    gone = ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0"])["Unsuccessful"]
    assert gone[0]["Error"]["Code"] == "InvalidVpcEndpointId.NotFound"

"""A VPC built call by call, and taken down in the order AWS asks for."""
import contextlib

from botocore.exceptions import ClientError

from harness.packets import Place


class Network:
    """A VPC with what the test adds to it."""

    def __init__(self, ec2, block: str = "10.0.0.0/16"):
        self.ec2 = ec2
        self.undo: list = []
        self.places: dict[str, Place] = {}
        self.vpc = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
        self.later(ec2.delete_vpc, VpcId=self.vpc)
        self.default_group = self.one(ec2.describe_security_groups, "SecurityGroups", "group-name=default")["GroupId"]
        self.main_table = self.one(ec2.describe_route_tables, "RouteTables", "association.main=true")["RouteTableId"]

    def later(self, call, **parameters) -> None:
        self.undo.append((call, parameters))

    def one(self, call, member: str, *filters: str) -> dict:
        wanted = [{"Name": "vpc-id", "Values": [self.vpc]}]
        wanted += [{"Name": f.split("=")[0], "Values": [f.split("=")[1]]} for f in filters]
        found = call(Filters=wanted)[member]
        assert len(found) == 1, found
        return found[0]

    def subnet(self, block: str, zone: str = "us-west-1a") -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        self.later(self.ec2.delete_subnet, SubnetId=made)
        return made

    def group(self, name: str, egress: bool = True) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]
        self.later(self.ec2.delete_security_group, GroupId=made)
        if not egress:
            self.ec2.revoke_security_group_egress(GroupId=made, IpPermissions=[
                {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        return made

    def allow(self, group: str, port: int, source: str = "0.0.0.0/0", egress: bool = False) -> str:
        """A TCP rule for a block or a group; its id."""
        call = self.ec2.authorize_security_group_egress if egress else self.ec2.authorize_security_group_ingress
        peer = {"UserIdGroupPairs": [{"GroupId": source}]} if source.startswith("sg-") else {"IpRanges": [{"CidrIp": source}]}
        answer = call(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}])
        rule = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        if source.startswith("sg-"):  # groups that refer to each other: the rules go first
            self.later(self.revoke, group=group, rule=rule, egress=egress)
        return rule

    def revoke(self, group: str, rule: str, egress: bool = False) -> None:
        call = self.ec2.revoke_security_group_egress if egress else self.ec2.revoke_security_group_ingress
        with contextlib.suppress(ClientError):
            call(GroupId=group, SecurityGroupRuleIds=[rule])

    def interface(self, subnet: str, *groups: str, address: str | None = None) -> Place:
        given = {"PrivateIpAddress": address} if address else {}
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=list(groups) or [self.default_group], **given)
        described = made["NetworkInterface"]
        place = Place(described["NetworkInterfaceId"])
        place.address = described["PrivateIpAddress"]
        self.places[place.interface] = place
        self.later(self.ec2.delete_network_interface, NetworkInterfaceId=place.interface)
        return place

    def internet_gateway(self) -> str:
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.later(self.ec2.delete_internet_gateway, InternetGatewayId=made)
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.vpc)
        self.later(self.ec2.detach_internet_gateway, InternetGatewayId=made, VpcId=self.vpc)
        return made

    def route_table(self, *subnets: str) -> str:
        made = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.later(self.ec2.delete_route_table, RouteTableId=made)
        for subnet in subnets:
            association = self.ec2.associate_route_table(RouteTableId=made, SubnetId=subnet)["AssociationId"]
            self.later(self.ec2.disassociate_route_table, AssociationId=association)
        return made

    def elastic_address(self, place: Place | None = None) -> dict:
        made = self.ec2.allocate_address(Domain="vpc")
        self.later(self.ec2.release_address, AllocationId=made["AllocationId"])
        if place:
            association = self.ec2.associate_address(AllocationId=made["AllocationId"],
                                                     NetworkInterfaceId=place.interface)["AssociationId"]
            self.later(self.ec2.disassociate_address, AssociationId=association)
            place.public = made["PublicIp"]
        return made

    def nat_gateway(self, subnet: str) -> str:
        address = self.elastic_address()
        made = self.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]
        self.later(self.ec2.delete_nat_gateway, NatGatewayId=made["NatGatewayId"])
        self.nat_address = address["PublicIp"]
        return made["NatGatewayId"]

    def remove(self) -> None:
        for place in self.places.values():
            place.close()
        problems = []
        for call, parameters in reversed(self.undo):
            try:
                call(**parameters)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if "NotFound" not in code and "NotAttached" not in code:
                    problems.append(f"{call.__name__} {parameters}: {error}")
        assert not problems, "\n".join(problems)

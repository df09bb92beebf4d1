"""aws_vpc and what lies in it."""
import uuid
from typing import Any

from botocore.exceptions import ClientError

from harness.terraform.resource import code, gone, pairs, plain, Resource, until


class Ec2Resource(Resource):
    service = "ec2"
    kind = ""

    @property
    def tags(self) -> dict[str, str]:
        return self.arguments["tags"]

    @property
    def specification(self) -> list[dict]:
        return [{"ResourceType": self.kind, "Tags": pairs(self.tags)}]

    def one(self, operation: str, listed: str, **parameters: Any) -> dict:
        found, = getattr(self.call, operation)(**parameters)[listed]
        return found


class Vpc(Ec2Resource):
    kind = "vpc"

    def create(self) -> None:
        made = self.call.create_vpc(CidrBlock=self.arguments["cidr_block"], AmazonProvidedIpv6CidrBlock=False,
                                    InstanceTenancy="default", TagSpecifications=self.specification)
        self.id = made["Vpc"]["VpcId"]
        until(lambda: self.one("describe_vpcs", "Vpcs", VpcIds=[self.id])["State"] == "available")
        self.call.modify_vpc_attribute(VpcId=self.id, EnableDnsHostnames={"Value": True})
        until(lambda: self.attribute("enableDnsHostnames"))

    def attribute(self, name: str) -> bool:
        return self.call.describe_vpc_attribute(VpcId=self.id, Attribute=name)[name[0].upper() + name[1:]]["Value"]

    def read(self) -> dict[str, Any]:
        vpc = self.one("describe_vpcs", "Vpcs", VpcIds=[self.id])
        mine = {"Name": "vpc-id", "Values": [self.id]}
        self.one("describe_network_acls", "NetworkAcls", Filters=[{"Name": "default", "Values": ["true"]}, mine])
        self.one("describe_route_tables", "RouteTables", Filters=[{"Name": "association.main", "Values": ["true"]}, mine])
        self.one("describe_security_groups", "SecurityGroups", Filters=[{"Name": "group-name", "Values": ["default"]}, mine])
        return {"cidr_block": vpc["CidrBlock"], "instance_tenancy": vpc["InstanceTenancy"], "tags": plain(vpc["Tags"]),
                "dhcp_options": vpc["DhcpOptionsId"].startswith("dopt-"), "owner": vpc["OwnerId"].isdigit(),
                "ipv6": [one for one in vpc.get("Ipv6CidrBlockAssociationSet", []) if one["Ipv6CidrBlockState"]["State"] == "associated"],
                "enable_dns_hostnames": self.attribute("enableDnsHostnames"), "enable_dns_support": self.attribute("enableDnsSupport"),
                "enable_network_address_usage_metrics": self.attribute("enableNetworkAddressUsageMetrics")}

    def destroy(self) -> None:
        self.call.delete_vpc(VpcId=self.id)
        until(lambda: gone(lambda: self.call.describe_vpcs(VpcIds=[self.id]), "InvalidVpcID.NotFound"))


class Subnet(Ec2Resource):
    kind = "subnet"

    def create(self) -> None:
        made = self.call.create_subnet(VpcId=self.arguments["vpc_id"], CidrBlock=self.arguments["cidr_block"],
                                       AvailabilityZone=self.arguments["availability_zone"], TagSpecifications=self.specification)
        self.id = made["Subnet"]["SubnetId"]
        until(lambda: self.one("describe_subnets", "Subnets", SubnetIds=[self.id])["State"] == "available")
        if self.arguments["map_public_ip_on_launch"]:
            self.call.modify_subnet_attribute(SubnetId=self.id, MapPublicIpOnLaunch={"Value": True})
            until(lambda: self.one("describe_subnets", "Subnets", SubnetIds=[self.id])["MapPublicIpOnLaunch"])

    def read(self) -> dict[str, Any]:
        subnet = self.one("describe_subnets", "Subnets", SubnetIds=[self.id])
        assert subnet["SubnetArn"].endswith(f"subnet/{self.id}") and subnet["AvailabilityZoneId"] and subnet["OwnerId"]
        names = subnet["PrivateDnsNameOptionsOnLaunch"]
        return {"vpc_id": subnet["VpcId"], "cidr_block": subnet["CidrBlock"], "availability_zone": subnet["AvailabilityZone"],
                "map_public_ip_on_launch": subnet["MapPublicIpOnLaunch"], "tags": plain(subnet["Tags"]),
                "assign_ipv6_address_on_creation": subnet["AssignIpv6AddressOnCreation"], "enable_dns64": subnet["EnableDns64"],
                "ipv6_native": subnet["Ipv6Native"], "private_dns_hostname_type_on_launch": names["HostnameType"],
                "enable_resource_name_dns_a_record_on_launch": names["EnableResourceNameDnsARecord"],
                "enable_resource_name_dns_aaaa_record_on_launch": names["EnableResourceNameDnsAAAARecord"]}

    def destroy(self) -> None:
        self.call.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["AWS Lambda VPC ENI*"]},
                                                       {"Name": "subnet-id", "Values": [self.id]}])
        until(self.delete, what=f"{self.id} is empty")  # as the provider: again on DependencyViolation
        until(lambda: gone(lambda: self.call.describe_subnets(SubnetIds=[self.id]), "InvalidSubnetID.NotFound"))

    def delete(self) -> bool:
        self.call.delete_subnet(SubnetId=self.id)
        return True


class InternetGateway(Ec2Resource):
    kind = "internet-gateway"

    def create(self) -> None:
        self.id = self.call.create_internet_gateway(TagSpecifications=self.specification)["InternetGateway"]["InternetGatewayId"]
        self.call.attach_internet_gateway(InternetGatewayId=self.id, VpcId=self.arguments["vpc_id"])
        until(lambda: self.read()["vpc_id"])

    def read(self) -> dict[str, Any]:
        gateway = self.one("describe_internet_gateways", "InternetGateways", InternetGatewayIds=[self.id])
        attachment, = gateway["Attachments"]
        assert attachment["State"] == "available" and gateway["OwnerId"]
        return {"vpc_id": attachment["VpcId"], "tags": plain(gateway["Tags"])}

    def destroy(self) -> None:
        until(self.detach, what="no public address is left")
        self.call.delete_internet_gateway(InternetGatewayId=self.id)
        until(lambda: gone(lambda: self.call.describe_internet_gateways(InternetGatewayIds=[self.id]),
                                "InvalidInternetGatewayID.NotFound"))

    def detach(self) -> bool:
        self.call.detach_internet_gateway(InternetGatewayId=self.id, VpcId=self.arguments["vpc_id"])
        return True


class Eip(Ec2Resource):
    kind = "elastic-ip"

    def create(self) -> None:
        self.id = self.call.allocate_address(Domain="vpc", TagSpecifications=self.specification)["AllocationId"]

    def read(self) -> dict[str, Any]:
        address = self.one("describe_addresses", "Addresses", AllocationIds=[self.id])
        self.call.describe_addresses_attribute(AllocationIds=[self.id], Attribute="domain-name")
        assert address["PublicIp"] and address["PublicIpv4Pool"] and address["NetworkBorderGroup"]
        return {"domain": address["Domain"], "tags": plain(address["Tags"])}

    def destroy(self) -> None:
        self.call.release_address(AllocationId=self.id)
        until(lambda: gone(lambda: self.call.describe_addresses(AllocationIds=[self.id])["Addresses"],
                                "InvalidAllocationID.NotFound"))


class NatGateway(Ec2Resource):
    kind = "natgateway"

    def create(self) -> None:
        made = self.call.create_nat_gateway(ClientToken=str(uuid.uuid4()), AllocationId=self.arguments["allocation_id"],
                                            SubnetId=self.arguments["subnet_id"], ConnectivityType="public",
                                            TagSpecifications=self.specification)
        self.id = made["NatGateway"]["NatGatewayId"]
        until(lambda: self.one("describe_nat_gateways", "NatGateways", NatGatewayIds=[self.id])["State"] == "available")

    def read(self) -> dict[str, Any]:
        gateway = self.one("describe_nat_gateways", "NatGateways", NatGatewayIds=[self.id])
        address, = [one for one in gateway["NatGatewayAddresses"] if one["IsPrimary"]]
        assert address["AssociationId"] and address["NetworkInterfaceId"] and address["PrivateIp"] and address["PublicIp"]
        return {"allocation_id": address["AllocationId"], "subnet_id": gateway["SubnetId"], "tags": plain(gateway["Tags"]),
                "connectivity_type": gateway["ConnectivityType"]}

    def destroy(self) -> None:
        self.call.delete_nat_gateway(NatGatewayId=self.id)
        until(lambda: gone(lambda: [one for one in self.call.describe_nat_gateways(NatGatewayIds=[self.id])["NatGateways"]
                                         if one["State"] != "deleted"], "NatGatewayNotFound"))


class RouteTable(Ec2Resource):
    kind = "route-table"

    def create(self) -> None:
        made = self.call.create_route_table(VpcId=self.arguments["vpc_id"], ClientToken=str(uuid.uuid4()),
                                            TagSpecifications=self.specification)
        self.id = made["RouteTable"]["RouteTableId"]
        for block, way in self.arguments["routes"].items():
            self.call.create_route(RouteTableId=self.id, DestinationCidrBlock=block, **way)

    def read(self) -> dict[str, Any]:
        table = self.one("describe_route_tables", "RouteTables", RouteTableIds=[self.id])
        assert table["PropagatingVgws"] == [] and table["OwnerId"]
        routes = {}
        for route in table["Routes"]:
            # Skipped as in the provider: the local route, and what it did not make.
            if route.get("GatewayId") == "local" or route["Origin"] == "EnableVgwRoutePropagation":
                continue
            assert route["State"] == "active", route
            routes[route["DestinationCidrBlock"]] = {key: route[key] for key in ("GatewayId", "NatGatewayId") if key in route}
        return {"vpc_id": table["VpcId"], "routes": routes, "tags": plain(table["Tags"])}

    def destroy(self) -> None:
        for association in self.one("describe_route_tables", "RouteTables", RouteTableIds=[self.id])["Associations"]:
            self.call.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        self.call.delete_route_table(RouteTableId=self.id)
        until(lambda: gone(lambda: self.call.describe_route_tables(RouteTableIds=[self.id]), "InvalidRouteTableID.NotFound"))


class RouteTableAssociation(Ec2Resource):
    def create(self) -> None:
        self.id = self.call.associate_route_table(RouteTableId=self.arguments["route_table_id"],
                                                  SubnetId=self.arguments["subnet_id"])["AssociationId"]
        until(lambda: self.found()["AssociationState"]["State"] == "associated")

    def found(self) -> dict:
        table = self.one("describe_route_tables", "RouteTables",
                         Filters=[{"Name": "association.route-table-association-id", "Values": [self.id]}])
        return next(one for one in table["Associations"] if one["RouteTableAssociationId"] == self.id)

    def read(self) -> dict[str, Any]:
        found = self.found()
        return {"route_table_id": found["RouteTableId"], "subnet_id": found["SubnetId"]}

    def destroy(self) -> None:
        self.call.disassociate_route_table(AssociationId=self.id)
        until(lambda: gone(lambda: self.call.describe_route_tables(
            Filters=[{"Name": "association.route-table-association-id", "Values": [self.id]}])["RouteTables"]))


class SecurityGroup(Ec2Resource):
    kind = "security-group"
    ALL = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0}

    def create(self) -> None:
        made = self.call.create_security_group(GroupName=self.arguments["name"], Description=self.arguments["description"],
                                               VpcId=self.arguments["vpc_id"], TagSpecifications=self.specification)
        self.id = made["GroupId"]
        # A group of AWS lets everything out; Terraform's lets out what it says.
        self.call.revoke_security_group_egress(GroupId=self.id, IpPermissions=[{**self.ALL, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        try:
            self.call.revoke_security_group_egress(GroupId=self.id, IpPermissions=[{**self.ALL, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])
        except ClientError as error:
            assert code(error) in ("InvalidParameterValue", "InvalidPermission.NotFound"), error
        self.call.authorize_security_group_ingress(GroupId=self.id, IpPermissions=[self.permission(*rule) for rule in self.arguments["ingress"]])
        self.call.authorize_security_group_egress(GroupId=self.id, IpPermissions=[self.permission(*rule) for rule in self.arguments["egress"]])

    @staticmethod
    def permission(protocol: str, port: int, peer: str, description: str) -> dict:
        said = {"Description": description} if description else {}
        from_to = {"IpProtocol": protocol, "FromPort": port, "ToPort": port}
        if peer.startswith("sg-"):
            return {**from_to, "UserIdGroupPairs": [{"GroupId": peer, **said}]}
        return {**from_to, "IpRanges": [{"CidrIp": peer, **said}]}

    @staticmethod
    def rules(permissions: list[dict]) -> set[tuple]:
        found = set()
        for one in permissions:
            for peer in one["IpRanges"]:
                found.add((one["IpProtocol"], one.get("FromPort", 0), peer["CidrIp"], peer.get("Description", "")))
            for peer in one["UserIdGroupPairs"]:
                found.add((one["IpProtocol"], one.get("FromPort", 0), peer["GroupId"], peer.get("Description", "")))
        return found

    def read(self) -> dict[str, Any]:
        group = self.one("describe_security_groups", "SecurityGroups", GroupIds=[self.id])
        assert group["SecurityGroupArn"].endswith(f"security-group/{self.id}")
        return {"name": group["GroupName"], "description": group["Description"], "vpc_id": group["VpcId"], "tags": plain(group["Tags"]),
                "ingress": self.rules(group["IpPermissions"]), "egress": self.rules(group["IpPermissionsEgress"])}

    def destroy(self) -> None:
        self.call.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["AWS Lambda VPC ENI*"]},
                                                       {"Name": "group-id", "Values": [self.id]}])
        until(self.delete, what=f"{self.id} is not in use")
        until(lambda: gone(lambda: self.call.describe_security_groups(GroupIds=[self.id]), "InvalidGroup.NotFound"))

    def delete(self) -> bool:
        self.call.delete_security_group(GroupId=self.id)
        return True

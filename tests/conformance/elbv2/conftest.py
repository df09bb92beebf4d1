"""A VPC with two subnets for load balancers, and names that no other test uses."""
import itertools

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="session")
def elbv2(clients):
    return clients("elbv2")


@pytest.fixture(scope="session")
def place(clients):
    """The default VPC, its subnets in two zones, and its default security group."""
    ec2 = clients("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    zones = {subnet["AvailabilityZone"]: subnet for subnet in subnets}
    groups = ec2.describe_security_groups(Filters=[
        {"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]

    class Place:
        vpc_id = vpc
        subnets = [zones[zone]["SubnetId"] for zone in sorted(zones)][:2]
        zones_ = sorted(zones)[:2]
        cidr = zones[sorted(zones)[0]]["CidrBlock"]
        group = groups[0]["GroupId"]

        @property
        def address(self):
            return self.cidr.rsplit(".", 1)[0] + ".77"

    return Place()


@pytest.fixture
def make(elbv2, place):
    """Makes load balancers, target groups and listeners that are gone after the test."""
    numbers = itertools.count()
    undo = []

    class Make:
        def name(self, kind: str) -> str:
            return f"{kind}-{id(undo) % 1000000}-{next(numbers)}"

        def load_balancer(self, **more):
            made = elbv2.create_load_balancer(**{"Name": self.name("lb"), "Subnets": place.subnets, **more})
            made = made["LoadBalancers"][0]
            undo.append(lambda: elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"]))
            return made

        def target_group(self, **more):
            made = elbv2.create_target_group(**{"Name": self.name("tg"), "Protocol": "HTTP", "Port": 3000, "VpcId": place.vpc_id,
                                                "TargetType": "ip", **more})["TargetGroups"][0]
            undo.append(lambda: elbv2.delete_target_group(TargetGroupArn=made["TargetGroupArn"]))
            return made

        def listener(self, balancer, group, **more):
            return elbv2.create_listener(**{
                "LoadBalancerArn": balancer["LoadBalancerArn"], "Protocol": "HTTP", "Port": 80,
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}], **more})["Listeners"][0]

    yield Make()
    # Load balancers before the target groups that they use.
    for action in sorted(undo, key=lambda item: "load_balancer" not in item.__code__.co_names[0]):
        action()


@pytest.fixture(scope="session")
def refused():
    """refused("DuplicateListener", elbv2.create_listener, ...): the message of the error, which must have that code."""
    def call(code, method, **arguments):
        with pytest.raises(ClientError) as caught:
            method(**arguments)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return caught.value.response["Error"]["Message"]
    return call

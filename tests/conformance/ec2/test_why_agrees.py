"""`landfall why 'A -> B:PORT'` against packets, in networks made at random: what it says must be what happens.

LANDFALL_TEST_SEED repeats a network."""
import concurrent.futures
import os
import random
import subprocess

import pytest
from harness.leaks import tag_of
from harness.packets import Place

PORTS = (80, 5432)
NETWORKS = 1 if "LANDFALL_TEST_SEED" in os.environ else 3


def permission(dice: random.Random, peers: list[dict]) -> dict:
    port = dice.choice([*PORTS, None])
    ports = {"IpProtocol": "-1"} if port is None else {"IpProtocol": "tcp", "FromPort": port, "ToPort": port + dice.choice([0, 10])}
    return {**ports, **dice.choice(peers)}


def add_rules(ec2, dice: random.Random, groups: list[str]) -> None:
    for group in groups:
        peers = [{"IpRanges": [{"CidrIp": block}]} for block in ("0.0.0.0/0", "10.0.1.0/24", "10.0.2.0/23", "198.18.0.0/15")]
        peers += [{"UserIdGroupPairs": [{"GroupId": other}]} for other in groups]
        for rule in {str(p): p for p in (permission(dice, peers) for _ in range(dice.randint(0, 3)))}.values():
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        if dice.random() < 0.5:
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[
                {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
            for rule in {str(p): p for p in (permission(dice, peers) for _ in range(2))}.values():
                ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])


def add_access_list(ec2, dice: random.Random, vpc, subnet: str) -> None:
    acl = ec2.create_network_acl(VpcId=vpc.vpc)["NetworkAcl"]["NetworkAclId"]
    vpc.later(ec2.delete_network_acl, NetworkAclId=acl)
    default = vpc.one(ec2.describe_network_acls, "NetworkAcls", "default=true")
    association = next(a for a in default["Associations"] if a["SubnetId"] == subnet)["NetworkAclAssociationId"]
    moved = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
    vpc.later(ec2.replace_network_acl_association, AssociationId=moved, NetworkAclId=default["NetworkAclId"])
    for egress in (False, True):
        for number in dice.sample(range(1, 100), dice.randint(0, 2)):
            ec2.create_network_acl_entry(
                NetworkAclId=acl, RuleNumber=number, Egress=egress, Protocol=dice.choice(["6", "-1"]),
                RuleAction=dice.choice(["allow", "deny"]), CidrBlock=dice.choice(["10.0.1.0/24", "10.0.3.0/24", "0.0.0.0/0"]),
                PortRange=dice.choice([{"From": 80, "To": 80}, {"From": 0, "To": 1000}]))
        # Clients call from ports that the kernel chooses: all of them or none.
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=200, Egress=egress, Protocol="6", CidrBlock="0.0.0.0/0",
                                     RuleAction=dice.choice(["allow", "allow", "deny"]), PortRange={"From": 1024, "To": 65535})
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=300, Egress=egress, Protocol="-1", CidrBlock="10.0.0.0/16",
                                     RuleAction="allow")


def build(ec2, dice: random.Random, vpc) -> list[Place]:
    subnets = [vpc.subnet(f"10.0.{i}.0/24", dice.choice(["us-west-1a", "us-west-1c"])) for i in (1, 2, 3)]
    gateway = vpc.internet_gateway()
    targets = [{"GatewayId": gateway}, {"NatGatewayId": vpc.nat_gateway(subnets[0])}]
    for i, subnet in enumerate(subnets):
        table = vpc.route_table(subnet)
        if dice.random() < (0.9 if i == 0 else 0.7):
            target = targets[0] if i == 0 else dice.choice(targets)
            ec2.create_route(RouteTableId=table, DestinationCidrBlock=dice.choice(["0.0.0.0/0", "198.0.0.0/8"]), **target)
        if dice.random() < 0.4:
            add_access_list(ec2, dice, vpc, subnet)
    groups = [vpc.group(name) for name in "abc"]
    places = []
    for i in range(5):
        place = vpc.interface(subnets[i % 3], *dice.sample(groups, dice.randint(1, 2)))
        if dice.random() < 0.6:
            vpc.elastic_address(place)
        for port in PORTS:
            place.listen(port)
        places.append(place)
    add_rules(ec2, dice, groups)
    for group in groups:  # groups that refer to each other can be deleted when their rules are gone
        for rule in ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]:
            vpc.later(vpc.revoke, group=group, rule=rule["SecurityGroupRuleId"], egress=rule["IsEgress"])
    return places


@pytest.mark.parametrize("turn", range(NETWORKS))
def test_why_says_what_packets_do(network, ec2, server, region, turn):
    if not hasattr(server, "why"):
        pytest.skip("needs the server's data folder")
    seed = int(os.environ.get("LANDFALL_TEST_SEED", random.randrange(10**6)))
    dice, host = random.Random(seed), Place()
    places = build(ec2, dice, network())
    host.address = host_address(server)
    outside = host.listen(0)
    questions = []
    for source in [*places, host]:
        for target in places:
            if source is target:
                continue
            for port in PORTS:
                if source is not host:
                    questions.append((source, target.address, port))
                if hasattr(target, "public"):
                    questions.append((source, target.public, port))
        if source is not host:
            questions.append((source, host.address, outside.port))

    def ask(question: tuple) -> str:
        source, address, port = question
        said = server.command("why", f"{source.interface or source.address} -> {address}:{port}", "--region", region).stdout
        told, happened = "may pass" in said, source.reaches(address, port, 0.6)
        return "" if told == happened else f"{source.interface or 'host'} -> {address}:{port}: packets {happened}, but\n{said}"

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        wrong = [answer for answer in pool.map(ask, questions) if answer]
    host.close()
    assert not wrong, f"LANDFALL_TEST_SEED={seed}: {len(wrong)} of {len(questions)} answers are wrong:\n" + "\n".join(wrong)


def host_address(server) -> str:
    """The host's end of the link to its own public pool, as VPCs see it."""
    said = subprocess.run(["ip", "-4", "-o", "addr", "show", "dev", f"lf-{tag_of(server.data)}"], capture_output=True,
                          text=True, check=True)
    return said.stdout.split()[3].split("/")[0]

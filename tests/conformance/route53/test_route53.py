"""Hosted zones and records. Documented: docs.aws.amazon.com/Route53/latest/APIReference/. What DNS answers is asked inside a VPC."""
import socket
import struct

import pytest
from botocore.exceptions import ClientError

from harness.packets import Place, socket_in
from harness.waiting import eventually

A, CNAME, TXT = 1, 5, 16


def ask(place: Place, name: str, kind: int = A) -> tuple[int, list[bytes]]:
    """Response code and RDATA, from the resolver of the place's VPC."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    with socket_in(place.namespace, socket.SOCK_DGRAM) as asking:
        asking.settimeout(3)
        asking.sendto(struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!2H", kind, 1), ("169.254.169.253", 53))
        answer = asking.recv(4096)
    code, count = answer[3] & 15, struct.unpack("!H", answer[6:8])[0]
    at, found = 12 + len(labels) + 4, []
    for _ in range(count):
        while answer[at] and answer[at] < 192:
            at += 1 + answer[at]
        at += 2 if answer[at] else 1
        size = struct.unpack("!H", answer[at + 8:at + 10])[0]
        found.append(answer[at + 10:at + 10 + size])
        at += 10 + size
    return code, found


@pytest.fixture
def route53(clients):
    return clients("route53")


@pytest.fixture
def zone(route53, name):
    made = route53.create_hosted_zone(Name=f"{name}.test", CallerReference=name)["HostedZone"]["Id"]
    yield made
    for record in route53.list_resource_record_sets(HostedZoneId=made)["ResourceRecordSets"]:
        if record["Type"] not in ("NS", "SOA"):
            change(route53, made, "DELETE", record)
    route53.delete_hosted_zone(Id=made)


@pytest.fixture
def place(clients):
    ec2 = clients("ec2")
    subnet = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    made = Place(ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"])
    made.vpc = subnet["VpcId"]
    yield made
    ec2.delete_network_interface(NetworkInterfaceId=made.interface)


def change(route53, zone: str, action: str, *records: dict) -> dict:
    changes = [{"Action": action, "ResourceRecordSet": record} for record in records]
    return route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})["ChangeInfo"]


def record(name: str, kind: str, *values: str, **more) -> dict:
    return {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value} for value in values], **more}


def refused(code: str, call, **parameters) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    assert error.value.response["Error"]["Code"] == code, error.value
    return error.value.response["Error"]["Message"]


def test_a_zone(route53, zone, name):
    got = route53.get_hosted_zone(Id=zone)
    assert got["HostedZone"]["Name"] == f"{name}.test." and got["HostedZone"]["ResourceRecordSetCount"] == 2
    assert got["HostedZone"]["Config"]["PrivateZone"] is False and len(got["DelegationSet"]["NameServers"]) == 4
    kinds = [item["Type"] for item in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]]
    assert kinds == ["NS", "SOA"]
    assert zone in [item["Id"] for page in route53.get_paginator("list_hosted_zones").paginate() for item in page["HostedZones"]]
    assert route53.list_hosted_zones_by_name(DNSName=f"{name}.test")["HostedZones"][0]["Id"] == zone
    refused("HostedZoneAlreadyExists", route53.create_hosted_zone, Name=f"{name}.test", CallerReference=name)
    refused("NoSuchHostedZone", route53.get_hosted_zone, Id="ZNOTHING")


def test_changes_are_answered(route53, zone, place, name):
    done = change(route53, zone, "CREATE", record(f"www.{name}.test", "A", "10.1.2.3", "10.1.2.4"),
                  record(f"*.any.{name}.test", "TXT", '"hello" "you"'), record(f"other.{name}.test", "CNAME", f"www.{name}.test"))
    assert done["Status"] == "PENDING" and route53.get_change(Id=done["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    # The VPC comes into being with its first interface.
    both = [socket.inet_aton("10.1.2.3"), socket.inet_aton("10.1.2.4")]
    assert eventually(lambda: ask(place, f"www.{name}.test"), 10) == (0, both)
    assert ask(place, f"x.any.{name}.test", TXT) == (0, [b"\5hello\3you"])
    code, found = ask(place, f"other.{name}.test")
    assert code == 0 and found[1:] == both
    assert ask(place, f"nobody.{name}.test") == (3, [])
    change(route53, zone, "UPSERT", record(f"www.{name}.test", "A", "10.9.9.9"))
    assert ask(place, f"www.{name}.test") == (0, [socket.inet_aton("10.9.9.9")])
    eventually(lambda: socket.gethostbyname(f"www.{name}.test") == "10.9.9.9", 10, what="the name in /etc/hosts")


def test_all_or_nothing(route53, zone, name):
    message = refused("InvalidChangeBatch", route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch={"Changes": [
        {"Action": "CREATE", "ResourceRecordSet": record(f"a.{name}.test", "A", "10.0.0.1")},
        {"Action": "DELETE", "ResourceRecordSet": record(f"b.{name}.test", "A", "10.0.0.1")}]})
    assert f"b.{name}.test" in message and "not found" in message
    assert len(route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]) == 2
    wild = record(f"*.{name}.test", "A", "10.0.0.1")
    change(route53, zone, "CREATE", wild)
    listed = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert listed[-1]["Name"] == f"\\052.{name}.test."
    refused("HostedZoneNotEmpty", route53.delete_hosted_zone, Id=zone)


def test_private_zones(route53, place, name, region):
    made = route53.create_hosted_zone(Name=f"{name}.internal", CallerReference=name + "p",
                                      VPC={"VPCRegion": region, "VPCId": place.vpc})["HostedZone"]
    assert made["Config"]["PrivateZone"] is True
    change(route53, made["Id"], "CREATE", record(f"db.{name}.internal", "A", "10.1.1.1"))
    assert eventually(lambda: ask(place, f"db.{name}.internal"), 10) == (0, [socket.inet_aton("10.1.1.1")])
    assert f"db.{name}.internal" not in open("/etc/hosts").read()
    refused("LastVPCAssociation", route53.disassociate_vpc_from_hosted_zone, HostedZoneId=made["Id"],
            VPC={"VPCRegion": region, "VPCId": place.vpc})
    refused("InvalidVPCId", route53.create_hosted_zone, Name="x.test", CallerReference=name + "q",
            VPC={"VPCRegion": region, "VPCId": "vpc-0123"})
    change(route53, made["Id"], "DELETE", record(f"db.{name}.internal", "A", "10.1.1.1"))
    route53.delete_hosted_zone(Id=made["Id"])


def test_a_certificate_waits_for_its_record(route53, clients, zone, name):
    acm = clients("acm")
    arn = acm.request_certificate(DomainName=f"www.{name}.test", ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1")["CertificateArn"]
    detail = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert detail["Status"] == "PENDING_VALIDATION"
    wanted = detail["DomainValidationOptions"][0]["ResourceRecord"]
    refused("RequestInProgressException", acm.get_certificate, CertificateArn=arn)
    change(route53, zone, "CREATE", record(wanted["Name"], wanted["Type"], wanted["Value"]))
    eventually(lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED", 15)
    acm.delete_certificate(CertificateArn=arn)


def test_tags(route53, zone):
    bare = zone.split("/")[-1]
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=bare, AddTags=[{"Key": "a", "Value": "1"}])
    assert route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=bare)["ResourceTagSet"]["Tags"] == [
        {"Key": "a", "Value": "1"}]

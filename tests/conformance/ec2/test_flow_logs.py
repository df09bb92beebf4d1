"""Flow logs: what passed and what was refused, in AWS's format, in CloudWatch Logs.

Documented at docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html. A window is twenty seconds, so these tests wait."""
import json
import time

import pytest

from harness.clients import Clients, refused
from harness.networks import Network
from harness.server import REGION
from harness.waiting import eventually

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]}]}
WINDOW_S = 20


@pytest.fixture
def role(clients, name):
    iam = clients("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="deliver", PolicyDocument=json.dumps(RIGHTS))
    yield arn
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


@pytest.fixture
def flow_log(ec2, role, clients, name):
    made: list[str] = []

    def make(*ids: str, **parameters) -> list[str]:
        asked = {"ResourceIds": list(ids), "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": name,
                 "DeliverLogsPermissionArn": role, "MaxAggregationInterval": 60, **parameters}
        answer = ec2.create_flow_logs(**{key: value for key, value in asked.items() if value is not None})
        assert not answer["Unsuccessful"], answer
        made.extend(answer["FlowLogIds"])
        return answer["FlowLogIds"]

    yield make
    if made:
        ec2.delete_flow_logs(FlowLogIds=made)
    logs = clients("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])


def lines(clients, group: str, stream: str) -> list[list[str]]:
    events = clients("logs").get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
    return [event["message"].split() for event in events]


@pytest.fixture
def pair(network):
    vpc = network()
    subnet = vpc.subnet("10.0.1.0/24")
    vpc.door = vpc.group("door")
    vpc.server, vpc.caller = vpc.interface(subnet, vpc.door, address="10.0.1.10"), vpc.interface(subnet, address="10.0.1.20")
    vpc.server.listen(80)
    vpc.allow(vpc.door, 80)
    return vpc


def test_what_passes_and_what_does_not(pair, ec2, flow_log, clients, name, region):
    account = clients("sts").get_caller_identity()["Account"]
    began = int(time.time())
    log = flow_log(pair.vpc)[0]
    for _ in range(3):
        assert pair.caller.seen_as("10.0.1.10", 80) == "10.0.1.20"
    assert not pair.caller.reaches("10.0.1.10", 81)

    def of(stream: str, *match: tuple[int, str]) -> list[list[str]]:
        return [line for line in lines(clients, name, stream) if all(line[at] == value for at, value in match)]
    server, caller = f"{pair.server.interface}-all", f"{pair.caller.interface}-all"
    eventually(lambda: of(server, (12, "REJECT")), WINDOW_S + 15, what="a window's lines")
    # version account interface source destination ports protocol packets bytes start end action status
    for interface, stream in ((pair.server.interface, server), (pair.caller.interface, caller)):
        asked = of(stream, (3, "10.0.1.20"), (4, "10.0.1.10"), (6, "80"), (12, "ACCEPT"))
        answered = of(stream, (3, "10.0.1.10"), (4, "10.0.1.20"), (5, "80"), (12, "ACCEPT"))
        assert len(asked) == len(answered) == 3, "one line for each connection and direction"
        for line in asked + answered:
            assert line[:3] == ["2", account, interface] and line[7] == "6" and line[13] == "OK"
            packets, octets, start, end = map(int, line[8:12])
            assert packets >= 3 and octets >= 40 * packets
            assert began - 1 <= start <= end <= time.time() + 1
    # The packet left the caller and ended at the server.
    assert of(caller, (6, "81"), (12, "ACCEPT")) and not of(caller, (12, "REJECT"))
    refused = of(server, (6, "81"))
    assert {line[12] for line in refused} == {"REJECT"} and sum(int(line[8]) for line in refused) >= 1
    shown = ec2.describe_flow_logs(FlowLogIds=[log])["FlowLogs"][0]
    assert shown["FlowLogStatus"] == "ACTIVE" and shown["DeliverLogsStatus"] == "SUCCESS" and shown["ResourceId"] == pair.vpc
    assert shown["LogFormat"].startswith("${version} ${account-id} ${interface-id}")


def test_one_kind_one_interface_own_fields(pair, ec2, flow_log, clients, name):
    flow_log(pair.server.interface, ResourceType="NetworkInterface", TrafficType="REJECT",
             LogFormat="${dstport} ${action} ${flow-direction} ${vpc-id}")
    pair.caller.seen_as("10.0.1.10", 80)
    assert not pair.caller.reaches("10.0.1.10", 81)
    found = eventually(lambda: lines(clients, name, f"{pair.server.interface}-reject"), WINDOW_S + 15)
    assert [line for line in found if line[0] != "-"] == [["81", "REJECT", "ingress", pair.vpc]]
    streams = clients("logs").describe_log_streams(logGroupName=name)["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == [f"{pair.server.interface}-reject"]


def test_nothing_is_lost_while_the_server_is_down(own_server):
    clients = Clients(own_server.environment(), REGION)
    ec2, iam = clients("ec2"), clients("iam")
    role = iam.create_role(RoleName="flows", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="flows", PolicyName="deliver", PolicyDocument=json.dumps(RIGHTS))
    vpc = Network(ec2)
    subnet = vpc.subnet("10.0.1.0/24")
    one, two = vpc.interface(subnet), vpc.interface(subnet)
    one.listen(80)
    ec2.create_flow_logs(ResourceIds=[vpc.vpc], ResourceType="VPC", TrafficType="ACCEPT", LogGroupName="flows",
                         DeliverLogsPermissionArn=role)
    own_server.kill()
    two.seen_as(one.address, 80)
    own_server.start()
    found = eventually(lambda: [line for line in lines(clients, "flows", f"{one.interface}-accept") if line[6] == "80"], 20)
    assert len(found) == 1 and found[0][3] == two.address
    one.close()


def test_a_role_without_rights_is_told(pair, ec2, flow_log, role, clients, name):
    log = flow_log(pair.vpc)[0]
    clients("iam").delete_role_policy(RoleName=name, PolicyName="deliver")
    pair.caller.seen_as("10.0.1.10", 80)

    def failed() -> bool:
        shown = ec2.describe_flow_logs(FlowLogIds=[log])["FlowLogs"][0]
        return shown["DeliverLogsStatus"] == "FAILED" and shown["DeliverLogsErrorMessage"] == "Access error"
    eventually(failed, WINDOW_S + 15)


def test_a_group_by_its_arn_is_shown_so(pair, ec2, flow_log, clients, name, region):
    arn = f"arn:aws:logs:{region}:{clients('sts').get_caller_identity()['Account']}:log-group:{name}"
    for kind, given in (("ACCEPT", f"{arn}:*"), ("REJECT", arn)):
        made = ec2.describe_flow_logs(FlowLogIds=flow_log(pair.vpc, TrafficType=kind, LogGroupName=None, LogDestination=given))["FlowLogs"][0]
        assert (made["LogDestination"], made["LogGroupName"]) == (arn, name)
    by_name = ec2.describe_flow_logs(FlowLogIds=flow_log(pair.vpc))["FlowLogs"][0]
    assert by_name["LogGroupName"] == name and "LogDestination" not in by_name


def test_bad_requests(pair, ec2, flow_log, role, name):
    flow_log(pair.vpc)
    asked = dict(ResourceIds=[pair.vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName=name, DeliverLogsPermissionArn=role)
    again = ec2.create_flow_logs(**asked)["Unsuccessful"]
    assert again[0]["Error"]["Code"] == "FlowLogAlreadyExists" and again[0]["ResourceId"] == pair.vpc
    gone = ec2.create_flow_logs(**{**asked, "ResourceIds": ["vpc-0123456789abcdef0"]})["Unsuccessful"]
    assert gone[0]["Error"]["Code"] == "InvalidVpcID.NotFound"
    for change in ({"LogDestinationType": "s3"}, {"LogFormat": "${nothing}"}, {"LogFormat": "srcaddr"}, {"MaxAggregationInterval": 30},
                   {"DeliverLogsPermissionArn": role + "x"}, {"ResourceType": "TransitGateway"}):
        assert refused(ec2.create_flow_logs, **{**asked, **change})[0] == "InvalidParameter", change
    missing = ec2.delete_flow_logs(FlowLogIds=["fl-0123456789abcdef0"])["Unsuccessful"]
    assert missing[0]["Error"]["Code"] == "InvalidFlowLogId.NotFound"

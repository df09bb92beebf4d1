"""Log groups and streams. Each test says whether AWS documents what it checks (with the page) or it is ours.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
"""
import uuid

import pytest
from botocore.exceptions import ClientError
from harness.served import not_served

MISSING = not_served("logs:CreateLogGroup", "logs:PutLogEvents", "logs:FilterLogEvents")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not served yet: {', '.join(MISSING)}")


@pytest.fixture
def logs(clients):
    return clients("logs")


@pytest.fixture
def group(logs):
    name = f"/test/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    yield name
    try:
        logs.delete_log_group(logGroupName=name)
    except logs.exceptions.ResourceNotFoundException:
        pass


def code(raised) -> str:
    return raised.value.response["Error"]["Code"]


def test_group_from_creation_to_deletion(logs, clients, region):
    """Documented: API_CreateLogGroup, API_DescribeLogGroups, API_DeleteLogGroup."""
    name = f"/test/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name, tags={"team": "a"})
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=name)
    account = clients("sts").get_caller_identity()["Account"]
    [found] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert found["arn"] == f"arn:aws:logs:{region}:{account}:log-group:{name}:*"
    assert found["logGroupArn"] == found["arn"].removesuffix(":*")
    assert found["storedBytes"] == 0 and found["metricFilterCount"] == 0
    assert "retentionInDays" not in found
    assert logs.list_tags_for_resource(resourceArn=found["logGroupArn"])["tags"] == {"team": "a"}
    logs.delete_log_group(logGroupName=name)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=name)
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


@pytest.mark.parametrize("name", ["", "a b", "x" * 513, "ümlaut"])
def test_bad_group_names(clients, name):
    """Documented: API_CreateLogGroup, pattern [\\.\\-_/#A-Za-z0-9]+, 1 to 512 characters."""
    logs = clients("logs", parameter_validation=False)
    with pytest.raises(ClientError) as raised:
        logs.create_log_group(logGroupName=name)
    assert code(raised) == "InvalidParameterException"


def test_groups_are_paged_in_order(logs):
    """Documented: API_DescribeLogGroups, "ASCII-sorted by log group name", limit up to 50."""
    prefix = f"/test/{uuid.uuid4()}/"
    names = sorted(f"{prefix}{i:02}" for i in range(7))
    for name in reversed(names):
        logs.create_log_group(logGroupName=name)
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix, PaginationConfig={"PageSize": 3})
    assert [group["logGroupName"] for page in pages for group in page["logGroups"]] == names
    found = logs.describe_log_groups(logGroupNamePattern=f"{prefix}03")["logGroups"]
    assert [group["logGroupName"] for group in found] == [f"{prefix}03"]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.describe_log_groups(logGroupNamePrefix=prefix, nextToken="rubbish")
    for name in names:
        logs.delete_log_group(logGroupName=name)


def test_retention(logs, group):
    """Documented: API_PutRetentionPolicy, the listed values only."""
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 7
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName=group, retentionInDays=8)
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]


def test_tags(logs, group):
    """Documented: API_TagResource, API_UntagResource, API_ListTagsForResource."""
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    with pytest.raises(logs.exceptions.TooManyTagsException):
        logs.tag_resource(resourceArn=arn, tags={str(i): "x" for i in range(50)})


def test_streams(logs, group):
    """Documented: API_DescribeLogStreams; a prefix cannot be combined with the order of time."""
    for name in ("web/1", "web/2", "worker/1"):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=group, logStreamName="web/1")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.create_log_stream(logGroupName=group + "x", logStreamName="web/1")
    found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="web/")["logStreams"]
    assert [stream["logStreamName"] for stream in found] == ["web/1", "web/2"]
    assert found[0]["arn"].endswith(f":log-group:{group}:log-stream:web/1")
    assert "lastEventTimestamp" not in found[0]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="w", orderBy="LastEventTime")
    logs.delete_log_stream(logGroupName=group, logStreamName="web/1")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_stream(logGroupName=group, logStreamName="web/1")
    with pytest.raises(ClientError) as raised:
        logs.create_log_stream(logGroupName=group, logStreamName="a:b")
    assert code(raised) == "InvalidParameterException"


def test_regions_are_apart(clients, group):
    """Documented: state is per account and region."""
    assert clients("logs", region="eu-west-1").describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []

"""Live tails. Documented: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html"""
import threading
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness.clients import refused


@pytest.fixture
def logs(clients, server, region):
    # SDKs put "streaming-" in front of the host name, which an address cannot have.
    exports = server.environment()
    return boto3.client("logs", endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=region,
                        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
                        config=Config(inject_host_prefix=False, read_timeout=60, retries={"max_attempts": 1, "mode": "standard"}))


@pytest.fixture
def group(logs, name):
    logs.create_log_group(logGroupName=name)
    for stream in ("web-1", "web-2", "job"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
    yield name, logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["logGroupArn"]
    logs.delete_log_group(logGroupName=name)


def put(logs, group: str, stream: str, *messages: str) -> None:
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": m} for m in messages])


def test_events_come_while_one_looks(logs, group):
    name, arn = group
    put(logs, name, "web-1", "ERROR before")
    stream = logs.start_live_tail(logGroupIdentifiers=[arn], logStreamNamePrefixes=["web-"], logEventFilterPattern="ERROR")["responseStream"]
    seen, updates = [], 0
    try:
        for event in stream:
            if "sessionStart" in event:
                start = event["sessionStart"]
                assert start["logGroupIdentifiers"] == [arn] and start["logEventFilterPattern"] == "ERROR" and start["sessionId"]
                put(logs, name, "web-1", "ERROR one", "fine")
                put(logs, name, "job", "ERROR not mine")
                put(logs, name, "web-2", "ERROR two")
                continue
            updates += 1
            seen += event["sessionUpdate"]["sessionResults"]
            assert event["sessionUpdate"]["sessionMetadata"]["sampled"] is False
            if len(seen) >= 2 or updates > 30:
                break
    finally:
        stream.close()
    assert [(one["logStreamName"], one["message"]) for one in seen] == [("web-1", "ERROR one"), ("web-2", "ERROR two")]
    assert seen[0]["logGroupIdentifier"] == arn and seen[0]["timestamp"] <= seen[0]["ingestionTime"] + 1000


def test_more_than_an_update_holds_is_sampled(logs, group):
    name, arn = group
    stream = logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
    try:
        for event in stream:
            if "sessionStart" in event:
                put(logs, name, "job", *(f"line {i}" for i in range(800)))
                continue
            if event["sessionUpdate"]["sessionResults"]:
                break
    finally:
        stream.close()
    assert event["sessionUpdate"]["sessionMetadata"]["sampled"] is True and len(event["sessionUpdate"]["sessionResults"]) == 500


def test_sessions_are_limited_and_end_with_their_clients(logs, group):
    _, arn = group
    streams = []
    deadline = time.monotonic() + 30
    try:
        # Those of clients that have just left may still be there.
        while len(streams) < 15:
            try:
                streams.append(logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"])
            except ClientError:
                assert time.monotonic() < deadline, f"only {len(streams)} sessions"
                time.sleep(0.5)
        assert refused(logs.start_live_tail, logGroupIdentifiers=[arn])[0] == "LimitExceededException"
    finally:
        for stream in streams:
            stream.close()
    deadline = time.monotonic() + 30
    while True:
        try:
            logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"].close()
            break
        except ClientError:
            assert time.monotonic() < deadline, "the sessions of clients that left are still there"
            time.sleep(0.5)


@pytest.mark.parametrize("options, code", [
    ({"logGroupIdentifiers": ["{name}"]}, "InvalidParameterException"),
    ({"logGroupIdentifiers": ["{arn}-none"]}, "ResourceNotFoundException"),
    ({"logGroupIdentifiers": ["{arn}"], "logEventFilterPattern": "{ $.x = }"}, "InvalidParameterException"),
    ({"logGroupIdentifiers": ["{arn}"], "logStreamNames": ["a"], "logStreamNamePrefixes": ["b"]}, "InvalidParameterException")])
def test_what_is_refused(logs, group, options, code):
    name, arn = group
    options = dict(options, logGroupIdentifiers=[one.format(name=name, arn=arn) for one in options["logGroupIdentifiers"]])
    assert refused(logs.start_live_tail, **options)[0] == code


def test_who_may(user, group, server, region):
    _, arn = group
    theirs = boto3.client("logs", endpoint_url=server.environment()["AWS_ENDPOINT_URL"], region_name=region,
                          aws_access_key_id=user.key_id, aws_secret_access_key=user.secret, config=Config(inject_host_prefix=False))
    assert refused(theirs.start_live_tail, logGroupIdentifiers=[arn])[0] == "AccessDeniedException"


def test_nobody_listens_any_more(logs, group):
    """Lines are taken as fast as before by a server whose client went away without a word."""
    name, arn = group
    stream = logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
    threading.Thread(target=lambda: next(iter(stream)), daemon=True).start()
    for i in range(20):
        put(logs, name, "job", f"line {i}")
    stream.close()
    assert len(logs.filter_log_events(logGroupName=name)["events"]) == 20


def test_there_is_none_of_it(logs, group):
    name, arn = group
    assert logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"] == []
    assert refused(logs.describe_subscription_filters, logGroupName=name + "x")[0] == "ResourceNotFoundException"
    assert logs.describe_account_policies(policyType="DATA_PROTECTION_POLICY")["accountPolicies"] == []
    assert logs.describe_destinations()["destinations"] == []
    assert logs.describe_export_tasks()["exportTasks"] == []
    assert logs.describe_resource_policies()["resourcePolicies"] == []
    assert logs.describe_index_policies(logGroupIdentifiers=[arn])["indexPolicies"] == []
    assert logs.describe_field_indexes(logGroupIdentifiers=[arn])["fieldIndexes"] == []
    assert "policyDocument" not in logs.get_data_protection_policy(logGroupIdentifier=arn)

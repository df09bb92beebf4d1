"""Log events, put and read with boto3 and both AWS CLIs. Each test says whether AWS documents what it checks or it is ours.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
"""
import json
import threading
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from harness.clients import Clients
from harness.served import not_served
from harness.waiting import eventually

MISSING = not_served("logs:CreateLogGroup", "logs:PutLogEvents", "logs:FilterLogEvents")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not served yet: {', '.join(MISSING)}")


def now_ms() -> int:
    return int(time.time() * 1000)


class Group:
    def __init__(self, logs):
        self.logs = logs
        self.name = f"/test/{uuid.uuid4()}"
        logs.create_log_group(logGroupName=self.name)

    def stream(self, name: str) -> str:
        self.logs.create_log_stream(logGroupName=self.name, logStreamName=name)
        return name

    def put(self, stream: str, *events: tuple[int, str]) -> dict:
        return self.logs.put_log_events(logGroupName=self.name, logStreamName=stream,
                                        logEvents=[{"timestamp": at, "message": text} for at, text in events])

    def filter(self, **more) -> list[str]:
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=self.name, **more)
        return [event["message"] for page in pages for event in page["events"]]


@pytest.fixture
def group(clients):
    made = Group(clients("logs"))
    yield made
    made.logs.delete_log_group(logGroupName=made.name)


def test_put_and_get(group):
    """Documented: API_GetLogEvents; without startFromHead the latest events, always in order of time."""
    stream = group.stream("s")
    start = now_ms() - 1000
    assert group.put(stream, *((start + i, f"line {i}") for i in range(5)))["nextSequenceToken"]
    page = group.logs.get_log_events(logGroupName=group.name, logStreamName=stream, limit=2)
    assert [event["message"] for event in page["events"]] == ["line 3", "line 4"]
    assert page["events"][0]["timestamp"] == start + 3
    assert abs(page["events"][0]["ingestionTime"] - now_ms()) < 60_000
    [found] = group.logs.describe_log_streams(logGroupName=group.name)["logStreams"]
    assert (found["firstEventTimestamp"], found["lastEventTimestamp"]) == (start, start + 4)


def test_tokens_of_get_log_events(group):
    """Documented: API_GetLogEvents, "if you have reached the end of the stream, it returns the same token you passed in"."""
    stream = group.stream("s")
    start = now_ms() - 1000
    group.put(stream, *((start + i, str(i)) for i in range(5)))
    ask = {"logGroupName": group.name, "logStreamName": stream, "limit": 2}
    seen, token = [], None
    while True:
        page = group.logs.get_log_events(**ask, startFromHead=True, **({"nextToken": token} if token else {}))
        seen += [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert seen == list("01234")
    group.put(stream, (start + 9, "9"))
    page = group.logs.get_log_events(**ask, nextToken=token)
    assert [event["message"] for event in page["events"]] == ["9"]
    back, token = [], page["nextBackwardToken"]
    while True:
        page = group.logs.get_log_events(**ask, nextToken=token)
        back = [event["message"] for event in page["events"]] + back
        if page["nextBackwardToken"] == token:
            break
        token = page["nextBackwardToken"]
    assert back == list("01234")
    with pytest.raises(group.logs.exceptions.InvalidParameterException):
        group.logs.get_log_events(**ask, nextToken="f/rubbish")


def test_rules_for_a_batch(group):
    """Documented: API_PutLogEvents: order, 24 hours, 1,048,576 bytes with 26 an event, 10,000 events."""
    stream = group.stream("s")
    now = now_ms()
    refused = [[(now, "b"), (now - 1, "a")], [(now - 25 * 3600 * 1000, "a"), (now, "b")],
               [(now, "x" * 600_000), (now, "y" * 600_000)], [(now, "x")] * 10_001]
    for events in refused:
        with pytest.raises(group.logs.exceptions.InvalidParameterException):
            group.put(stream, *events)
    assert group.filter() == []
    group.put(stream, *[(now, "x")] * 10_000)
    assert len(group.filter()) == 10_000


def test_too_old_and_too_new_events(group):
    """Documented: API_PutLogEvents, RejectedLogEventsInfo: 14 days back, 2 hours ahead, the retention."""
    stream = group.stream("s")
    now, day = now_ms(), 24 * 3600 * 1000
    said = group.put(stream, (now - 15 * day, "old"), (now - 14 * day - day // 2, "old"))
    assert said["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    said = group.put(stream, (now, "good"), (now + 3 * 3600 * 1000, "new"))
    assert said["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    group.logs.put_retention_policy(logGroupName=group.name, retentionInDays=1)
    said = group.put(stream, (now - day - 60_000, "expired"), (now - day + 60_000, "kept"))
    assert said["rejectedLogEventsInfo"]["expiredLogEventEndIndex"] == 1
    assert group.filter() == ["kept", "good"]


def test_sequence_tokens_are_not_looked_at(group):
    """Documented: API_PutLogEvents, "the sequence token parameter is now ignored"."""
    stream = group.stream("s")
    group.logs.put_log_events(logGroupName=group.name, logStreamName=stream, sequenceToken="1",
                              logEvents=[{"timestamp": now_ms(), "message": "x"}])


def test_filter_merges_streams_and_filters(group):
    """Documented: API_FilterLogEvents and the filter pattern syntax."""
    start = now_ms() - 10_000
    a, b = group.stream("a/1"), group.stream("b/1")
    group.put(a, (start, "ERROR one"), (start + 2000, "INFO two"), (start + 4000, '{"status": 502, "path": "/x"}'))
    group.put(b, (start + 1000, "WARN three"), (start + 3000, "ERROR four timeout"),
              (start + 5000, "127.0.0.1 - bob [10/Oct/2000] \"GET / HTTP/1.0\" 404 12"))
    assert [text.split()[1] for text in group.filter()[:4]] == ["one", "three", "two", "four"]
    assert group.filter(filterPattern="ERROR") == ["ERROR one", "ERROR four timeout"]
    assert group.filter(filterPattern="ERROR -timeout") == ["ERROR one"]
    assert group.filter(filterPattern="?WARN ?INFO") == ["WARN three", "INFO two"]
    assert group.filter(filterPattern='"four timeout"') == ["ERROR four timeout"]
    assert len(group.filter(filterPattern="{ $.status >= 500 && $.path = \"/x\" }")) == 1
    assert len(group.filter(filterPattern="[ip, id, user, time, request, status = 4*, bytes]")) == 1
    assert group.filter(logStreamNamePrefix="b/", startTime=start + 2000, endTime=start + 3000) == ["ERROR four timeout"]
    assert group.filter(logStreamNames=[a], limit=1, PaginationConfig={"MaxItems": 2}) == ["ERROR one", "INFO two"]
    with pytest.raises(group.logs.exceptions.InvalidParameterException):
        group.filter(filterPattern="{ $.a = }")
    with pytest.raises(group.logs.exceptions.ResourceNotFoundException):
        group.filter(logStreamNames=["none"])
    ids = [event["eventId"] for event in group.logs.filter_log_events(logGroupName=group.name)["events"]]
    assert len(set(ids)) == 6 and all(len(one) == 56 and one.isdigit() for one in ids)


def test_test_metric_filter(clients):
    """Documented: API_TestMetricFilter."""
    said = clients("logs").test_metric_filter(filterPattern="[ip, status = 5*]", logEventMessages=["1.1.1.1 200", "2.2.2.2 503"])
    assert [(m["eventNumber"], m["extractedValues"]) for m in said["matches"]] == [(2, {"$ip": "2.2.2.2", "$status": "503"})]


def test_unicode_and_odd_bytes_come_back(group):
    """Ours: what was put is what is read."""
    stream = group.stream("s")
    text = "grün 漢字 \u0000\t\"\\ 🦊"
    group.put(stream, (now_ms(), text))
    assert group.filter() == [text]


def test_tail_since(each_cli, group):
    """Documented: `aws logs tail`, of version 2; the document's own command."""
    if each_cli.cli == "one":
        pytest.skip("version 1 has no logs tail")
    stream = group.stream("ecs/app/1")
    group.put(stream, (now_ms() - 3600_000, "an hour ago"), (now_ms() - 1000, "just now"))
    said = each_cli(f"aws logs tail {group.name} --since 10m --format short").text.splitlines()
    assert len(said) == 1 and said[0].endswith(" just now")
    detailed = each_cli(f"aws logs tail {group.name} --since 2h").text.splitlines()
    assert [line.split(" ", 2)[1:] for line in detailed] == [[stream, "an hour ago"], [stream, "just now"]]


def test_tail_follow(aws, group):
    """Documented: `aws logs tail --follow`: each line once, in order, as it comes."""
    stream = group.stream("s")
    group.put(stream, (now_ms(), "first"))
    tail = aws.start(f"aws logs tail {group.name} --follow --since 10m --format short")
    def lines() -> list[str]:
        return [line.split()[-1] for line in tail.read(0.2).splitlines() if line.strip()]
    try:
        for i in range(4):
            time.sleep(1.5)
            group.put(stream, (now_ms(), f"line{i}"))
        eventually(lambda: len(lines()) >= 5, 30, what="five lines")
        again = time.monotonic() + 6  # one more poll: nothing comes twice
        while time.monotonic() < again:
            lines()
        said = lines()
    finally:
        tail.end()
    assert said == ["first", "line0", "line1", "line2", "line3"]


def test_cli_reads_streams_and_events(each_cli, group):
    """Documented: the CLI's describe-log-streams, get-log-events, filter-log-events."""
    stream = group.stream("s")
    group.put(stream, (now_ms(), "hello"))
    assert each_cli(f"aws logs describe-log-streams --log-group-name {group.name}").json["logStreams"][0]["logStreamName"] == "s"
    assert each_cli(f"aws logs get-log-events --log-group-name {group.name} --log-stream-name s").json["events"][0]["message"] == "hello"
    assert each_cli(f"aws logs filter-log-events --log-group-name {group.name} --filter-pattern hello "
                    "--query events[].message --output text").text == "hello"


def test_acknowledged_events_survive_kill_9(own_server):
    """Ours: acknowledged means on disk; no event twice, none in part."""
    logs = Clients(own_server.environment(), "us-west-1")("logs")
    group = Group(logs)
    group.stream("s")
    acknowledged: list[str] = []
    for round_ in range(4):
        stop = threading.Event()

        def write(round_=round_, stop=stop) -> None:
            number = 0
            while not stop.is_set():
                texts = [f"{round_}-{number}-{i}" for i in range(20)]
                try:
                    group.put("s", *((now_ms(), text) for text in texts))
                except (ClientError, Exception):  # noqa: B014 - the server died under us
                    return
                acknowledged.extend(texts)
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.4)
        own_server.kill()
        stop.set()
        writer.join()
        own_server.start()
        found = group.filter()
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)
        batches = {text.rsplit("-", 1)[0] for text in found}
        assert len(found) == 20 * len(batches), "a batch is there in part"
    assert len(acknowledged) > 100


def test_bodies_that_are_no_requests(server, clients):
    """Documented: SerializationException for what is not JSON or has the wrong types."""
    logs = clients("logs", parameter_validation=False)
    with pytest.raises(ClientError) as raised:
        logs.put_log_events(logGroupName="/x", logStreamName="s", logEvents=[{"timestamp": 0, "message": ""}])
    assert raised.value.response["Error"]["Code"] == "InvalidParameterException"
    assert json.dumps(raised.value.response["Error"]["Message"])

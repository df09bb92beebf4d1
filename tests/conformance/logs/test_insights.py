"""Logs Insights with boto3 and the AWS CLIs. Each test says whether AWS documents what it checks or it is ours.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from harness.clients import Clients
from harness.served import not_served
from harness.waiting import eventually

MISSING = not_served("logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery", "logs:DescribeQueries")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not served yet: {', '.join(MISSING)}")

PTR = "@ptr"


def run(logs, groups: list[str], query: str, **more) -> dict:
    now = int(time.time())
    started = logs.start_query(logGroupNames=groups, queryString=query, **{"startTime": now - 3600, "endTime": now + 60, **more})

    def ended():
        said = logs.get_query_results(queryId=started["queryId"])
        return said if said["status"] not in ("Scheduled", "Running") else None

    said = eventually(ended, 30, what="the query's end")
    said["queryId"] = started["queryId"]
    return said


def rows(said: dict) -> list[dict]:
    assert said["status"] == "Complete"
    return [{field["field"]: field["value"] for field in row if field["field"] != PTR} for row in said["results"]]


def make_group(logs, *streams: tuple[str, list[str]]) -> str:
    """One event a second, ending now; JSON where it is a dict."""
    name = f"/test/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    for stream, lines in streams:
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        begin = int(time.time()) * 1000 - 1000 * len(lines)
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[
            {"timestamp": begin + i * 1000, "message": line if isinstance(line, str) else json.dumps(line)}
            for i, line in enumerate(lines)])
    return name


REQUESTS = [{"level": "INFO", "path": "/a", "status": 200, "ms": 12, "user": {"id": 7}},
            {"level": "ERROR", "path": "/b", "status": 502, "ms": 250, "user": {"id": 8}},
            {"level": "INFO", "path": "/a", "status": 200, "ms": 20, "user": {"id": 7}},
            "GET /health 200", {"level": "WARN", "path": "/b", "status": 404, "ms": 3, "tags": ["x", "y"]}]


@pytest.fixture(scope="module")
def logs(clients):
    return clients("logs")


@pytest.fixture(scope="module")
def group(logs):
    name = make_group(logs, ("web", REQUESTS))
    yield name
    logs.delete_log_group(logGroupName=name)


def test_the_console_first_query(logs, group):
    """Documented: the sample query of the console; automatic fields, the latest first, @ptr, statistics."""
    said = run(logs, [group], "fields @timestamp, @message, @logStream, @log\n| sort @timestamp desc\n| limit 20")
    found = rows(said)
    assert [row["@message"] for row in found][0] == json.dumps(REQUESTS[-1])
    assert len(found) == 5
    assert [field["field"] for field in said["results"][0]] == ["@timestamp", "@message", "@logStream", "@log", PTR]
    account = group and found[0]["@log"].split(":")[0]
    assert found[0]["@log"] == f"{account}:{group}" and len(account) == 12
    assert found[0]["@logStream"] == "web"
    assert time.strptime(found[0]["@timestamp"][:19], "%Y-%m-%d %H:%M:%S") and found[0]["@timestamp"][19] == "."
    assert said["statistics"]["recordsMatched"] == said["statistics"]["recordsScanned"] == 5
    assert said["statistics"]["bytesScanned"] == sum(26 + len(one if isinstance(one, str) else json.dumps(one)) for one in REQUESTS)
    assert said["queryLanguage"] == "CWLI"


def test_filter_and_json_fields(logs, group):
    """Documented: discovered JSON fields with dots, comparisons, like, in, missing fields left out."""
    assert rows(run(logs, [group], "fields level, user.id | filter status >= 500")) == [{"level": "ERROR", "user.id": "8"}]
    assert rows(run(logs, [group], "fields path | filter @message like /GET|WARN/ | sort @timestamp asc")) == [{}, {"path": "/b"}]
    assert rows(run(logs, [group], 'fields tags.1 | filter level in ["WARN"] and not ispresent(user.id)')) == [{"tags.1": "y"}]
    said = run(logs, [group], 'fields ms | filter level = "INFO" | sort ms')
    assert rows(said) == [{"ms": "12"}, {"ms": "20"}]
    assert said["statistics"]["recordsMatched"] == 2 and said["statistics"]["recordsScanned"] == 5


def test_parse(logs, group):
    """Documented: CWL_QuerySyntax-Parse, glob and regular expression."""
    assert rows(run(logs, [group], 'parse @message "* /* *" as verb, path2, code | filter ispresent(verb) | display verb, path2, code')) == \
        [{"verb": "GET", "path2": "health", "code": "200"}]
    assert rows(run(logs, [group], r"parse @message /^(?<verb>[A-Z]+) .* (?<code>\d+)$/ | filter code = 200 | display verb")) == [{"verb": "GET"}]


def test_stats(logs, group):
    """Documented: CWL_QuerySyntax-Stats."""
    assert rows(run(logs, [group], "stats count(*) as requests, avg(ms) as mean by path | sort requests desc, path | limit 2")) == \
        [{"path": "/a", "requests": "2", "mean": "16"}, {"path": "/b", "requests": "2", "mean": "126.5"}]
    [one] = rows(run(logs, [group], "stats count(*), sum(ms), min(ms), max(ms), count_distinct(path), pct(ms, 50), earliest(level), latest(level)"))
    assert one == {"count(*)": "5", "sum(ms)": "285", "min(ms)": "3", "max(ms)": "250", "count_distinct(path)": "2", "pct(ms, 50)": "16",
                   "earliest(level)": "INFO", "latest(level)": "WARN"}
    bins = rows(run(logs, [group], "stats count(*) as c by bin(1h)"))
    assert sum(int(row["c"]) for row in bins) == 5 and all(row["bin(1h)"].endswith(":00:00.000") for row in bins)


def test_dedup_and_display(logs, group):
    """Documented: CWL_QuerySyntax-Dedup, CWL_QuerySyntax-Display."""
    found = rows(run(logs, [group], "fields path, ms | dedup path | sort path | display path"))
    assert found == [{}, {"path": "/a"}, {"path": "/b"}]  # an event without the field stays


def test_several_groups(logs, group):
    """Documented: API_StartQuery, up to 50 log groups, by name or by ARN."""
    other = make_group(logs, ("a", ["first", "second"]), ("b", ["third"]))
    try:
        said = run(logs, [group, other], "stats count(*) as c by @log | sort c")
        assert [row["c"] for row in rows(said)] == ["3", "5"]
        assert said["statistics"]["logGroupsScanned"] == 2
        arn = logs.describe_log_groups(logGroupNamePrefix=other)["logGroups"][0]["logGroupArn"]
        now = int(time.time())
        started = logs.start_query(logGroupIdentifiers=[arn], startTime=now - 60, endTime=now + 60, queryString="stats count_distinct(@logStream) as s")
        said = eventually(lambda: (r := logs.get_query_results(queryId=started["queryId"]))["status"] == "Complete" and r, 30, what="results")
        assert rows(said) == [{"s": "2"}]
    finally:
        logs.delete_log_group(logGroupName=other)


def test_range_of_time_is_inclusive_and_limits_hold(logs, group):
    """Documented: API_StartQuery, startTime and endTime in seconds, inclusive; limit."""
    at = int(time.time()) - 3000
    logs.put_log_events(logGroupName=group, logStreamName="web", logEvents=[{"timestamp": at * 1000 + 500, "message": "inside"}])
    assert rows(run(logs, [group], "fields @message", startTime=at, endTime=at)) == [{"@message": "inside"}]
    assert rows(run(logs, [group], "fields @message", startTime=at + 1, endTime=at + 1)) == []
    assert len(rows(run(logs, [group], "fields @message", limit=2))) == 2
    assert len(rows(run(logs, [group], "fields @message | limit 3", limit=2))) == 3
    logs.delete_log_stream(logGroupName=group, logStreamName="web")
    logs.create_log_stream(logGroupName=group, logStreamName="web")
    now = int(time.time()) * 1000
    logs.put_log_events(logGroupName=group, logStreamName="web", logEvents=[
        {"timestamp": now - 1000 * (5 - i), "message": line if isinstance(line, str) else json.dumps(line)} for i, line in enumerate(REQUESTS)])


@pytest.mark.parametrize("query, begin, end", [("fields @timestamp | filter (a = 1", 33, 33), ("fields @message | nosuch 5", 18, 24),
                                               ("filter a = }", 11, 12), ("fields foo(1)", 7, 13), ("limit 20000", 6, 11)])
def test_malformed_queries_say_where(logs, group, query, begin, end):
    """Documented: MalformedQueryException with queryCompileError: message and location."""
    with pytest.raises(logs.exceptions.MalformedQueryException) as raised:
        run(logs, [group], query)
    said = raised.value.response
    assert said["Error"]["Message"]
    compile_error = said["queryCompileError"]
    assert compile_error["message"] == said["Error"]["Message"]
    assert compile_error["location"] == {"startCharOffset": begin, "endCharOffset": end}


def test_bad_requests(logs, group):
    """Documented: API_StartQuery, API_GetQueryResults, API_StopQuery: errors."""
    now = int(time.time())
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        run(logs, [group + "x"], "fields @message")
    for wrong in ({"logGroupName": group, "logGroupNames": [group]}, {}):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.start_query(startTime=now, endTime=now, queryString="fields a", **wrong)
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.start_query(logGroupName=group, startTime=now, endTime=now - 1, queryString="fields a")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.start_query(logGroupName=group, startTime=now, endTime=now, queryString="SELECT 1", queryLanguage="SQL")
    for call in (logs.get_query_results, logs.stop_query):
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            call(queryId=str(uuid.uuid4()))
    said = run(logs, [group], "fields @message")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.stop_query(queryId=said["queryId"])


def test_describe_queries(logs, group):
    """Documented: API_DescribeQueries, by group and status."""
    said = run(logs, [group], "stats count(*)")
    found = logs.describe_queries(logGroupName=group, status="Complete")["queries"]
    [ours] = [one for one in found if one["queryId"] == said["queryId"]]
    assert ours["queryString"] == "stats count(*)" and ours["logGroupName"] == group and ours["queryLanguage"] == "CWLI"
    assert abs(ours["createTime"] - time.time() * 1000) < 60_000
    assert logs.describe_queries(logGroupName=group, status="Running")["queries"] == []
    first = logs.describe_queries(logGroupName=group, maxResults=1)
    assert len(first["queries"]) == 1 and first["nextToken"]
    second = logs.describe_queries(logGroupName=group, maxResults=1, nextToken=first["nextToken"])
    assert second["queries"][0]["queryId"] != first["queries"][0]["queryId"]


def test_get_log_record(logs, group):
    """Documented: API_GetLogRecord, all fields of an event by the @ptr of a result."""
    said = run(logs, [group], 'filter level = "ERROR"')
    pointer = {field["field"]: field["value"] for field in said["results"][0]}[PTR]
    record = logs.get_log_record(logRecordPointer=pointer)["logRecord"]
    assert record["user.id"] == "8" and record["@logStream"] == "web" and record["@message"] == json.dumps(REQUESTS[1])
    assert record["@timestamp"].isdigit() and record["@ptr"] == pointer
    with pytest.raises(ClientError):
        logs.get_log_record(logRecordPointer="rubbish")


def test_log_group_fields(logs, group):
    """Documented: API_GetLogGroupFields: names and percentages."""
    fields = {one["name"]: one["percent"] for one in logs.get_log_group_fields(logGroupName=group)["logGroupFields"]}
    assert fields["@message"] == 100 and fields["level"] == 80 and fields["user.id"] == 60 and fields["tags.0"] == 20


def test_query_definitions(logs, group):
    """Documented: API_PutQueryDefinition, API_DescribeQueryDefinitions, API_DeleteQueryDefinition."""
    name = f"folder/{uuid.uuid4()}"
    made = logs.put_query_definition(name=name, queryString="fields @message", logGroupNames=[group])["queryDefinitionId"]
    logs.put_query_definition(queryDefinitionId=made, name=name + "b", queryString="stats count(*)")
    [found] = logs.describe_query_definitions(queryDefinitionNamePrefix=name)["queryDefinitions"]
    assert (found["queryDefinitionId"], found["name"], found["queryString"]) == (made, name + "b", "stats count(*)")
    assert found["logGroupNames"] == [] if "logGroupNames" in found else True
    token = str(uuid.uuid4())
    twice = {logs.put_query_definition(name=name + "c", queryString="fields a", clientToken=token)["queryDefinitionId"] for _ in range(2)}
    assert len(twice) == 1
    for one in (made, *twice):
        assert logs.delete_query_definition(queryDefinitionId=one)["success"]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_query_definition(queryDefinitionId=made)
    assert logs.describe_query_definitions(queryDefinitionNamePrefix=name)["queryDefinitions"] == []


def test_cli(each_cli, group):
    """Documented: aws logs start-query, get-query-results."""
    now = int(time.time())
    made = each_cli(f"aws logs start-query --log-group-name {group} --start-time {now - 3600} --end-time {now + 60} --query-string",
                    "stats count(*) as c by level | sort c desc | limit 1").json["queryId"]
    said = eventually(lambda: (r := each_cli(f"aws logs get-query-results --query-id {made}").json)["status"] == "Complete" and r, 60,
                      what="results")
    assert said["results"] == [[{"field": "level", "value": "INFO"}, {"field": "c", "value": "2"}]]


def test_rights(logs, group, user):
    """Documented: logs:StartQuery is allowed by log group; the results need logs:GetQueryResults."""
    theirs = user.client("logs")
    with pytest.raises(ClientError) as raised:
        run(theirs, [group], "fields @message")
    assert raised.value.response["Error"]["Code"] == "AccessDeniedException"
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "logs:StartQuery", "Resource": f"arn:aws:logs:*:*:log-group:{group}:*"},
        {"Effect": "Allow", "Action": "logs:GetQueryResults", "Resource": "*"}]})
    eventually(lambda: run(theirs, [group], "stats count(*)")["status"] == "Complete", 30, what="the right to query")


def test_queries_survive_kill_9(own_server):
    """Ours: what StartQuery answered for has results, whatever happens to the server."""
    logs = Clients(own_server.environment(), "us-west-1")("logs")
    name = make_group(logs, ("web", REQUESTS))
    done = run(logs, [name], "stats count(*) as c")
    now = int(time.time())
    last = logs.start_query(logGroupName=name, startTime=now - 3600, endTime=now + 60, queryString="stats count(*) as c")["queryId"]
    own_server.kill()
    own_server.start()
    logs = Clients(own_server.environment(), "us-west-1")("logs")
    assert rows(logs.get_query_results(queryId=done["queryId"])) == [{"c": "5"}]
    said = eventually(lambda: (r := logs.get_query_results(queryId=last))["status"] == "Complete" and r, 30, what="the query to run again")
    assert rows(said) == [{"c": "5"}]

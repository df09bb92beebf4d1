"""Metrics: put, listed, read. Documented: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"""
import datetime
import json

import pytest
from botocore.exceptions import ClientError
from harness.clients import refused
from harness.waiting import eventually


def ago(seconds: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)


def minute(seconds_ago: float) -> datetime.datetime:
    return ago(seconds_ago).replace(second=0, microsecond=0)


@pytest.fixture
def cloudwatch(clients):
    return clients("cloudwatch")


@pytest.fixture
def space(name):
    return f"Test/{name}"


def test_what_each_cli_types(each_cli, name):
    """Documented: the commands of the user guide; rpc-v2-cbor from the CLI of today, the query protocol from Debian's."""
    aws, space = each_cli, f"Test/{name}"
    stamp = minute(120).strftime("%Y-%m-%dT%H:%M:%SZ")
    for value in ("1", "2", "6"):
        aws(f"aws cloudwatch put-metric-data --namespace {space} --metric-name Load --unit Count --value {value} "
            f"--dimensions Service=web,Zone=a --timestamp {stamp}")
    aws("aws cloudwatch put-metric-data --namespace", space, "--metric-data", json.dumps(
        [{"MetricName": "Load", "Dimensions": [{"Name": "Service", "Value": "web"}, {"Name": "Zone", "Value": "a"}],
          "Timestamp": stamp, "Unit": "Count", "StatisticValues": {"SampleCount": 2, "Sum": 1, "Minimum": 0, "Maximum": 1}}]))
    [metric] = aws(f"aws cloudwatch list-metrics --namespace {space} --dimensions Name=Service").json["Metrics"]
    assert metric == {"Namespace": space, "MetricName": "Load",
                      "Dimensions": [{"Name": "Service", "Value": "web"}, {"Name": "Zone", "Value": "a"}]}
    [point] = aws(f"aws cloudwatch get-metric-statistics --namespace {space} --metric-name Load --period 60 "
                  "--dimensions Name=Service,Value=web Name=Zone,Value=a "
                  "--statistics Average Sum Minimum Maximum SampleCount",
                  "--start-time", minute(300).isoformat(), "--end-time", minute(0).isoformat()).json["Datapoints"]
    # Version 1 prints times as they come: seconds since 1970 in CBOR and JSON.
    when = point.pop("Timestamp")
    assert (datetime.datetime.fromtimestamp(when, datetime.UTC).isoformat() if isinstance(when, int) else when)[:16] == stamp[:16]
    assert point == {"Average": 2.0, "Sum": 10.0, "Minimum": 0.0, "Maximum": 6.0, "SampleCount": 5.0, "Unit": "Count"}
    wrong = aws("aws cloudwatch put-metric-data --namespace AWS/EC2 --metric-name x --value 1", check=False)
    assert wrong.returncode and "(InvalidParameterValue)" in wrong.stderr, wrong.stderr
    missing = aws(f"aws cloudwatch set-alarm-state --alarm-name {name} --state-value OK --state-reason x", check=False)
    assert "(ResourceNotFound)" in missing.stderr, missing.stderr


def test_percentiles_come_from_the_samples(cloudwatch, space):
    """Documented: extended statistics. Statistic sets have none."""
    when = ago(90)
    cloudwatch.put_metric_data(Namespace=space, MetricData=[
        {"MetricName": "Latency", "Timestamp": when, "Values": [float(v) for v in range(1, 101)], "Counts": [2.0] * 100},
        {"MetricName": "Sets", "Timestamp": when,
         "StatisticValues": {"SampleCount": 2, "Sum": 4, "Minimum": 1, "Maximum": 3}}])
    common = {"Namespace": space, "StartTime": minute(180), "EndTime": minute(-60), "Period": 60}
    [point] = cloudwatch.get_metric_statistics(MetricName="Latency", ExtendedStatistics=["p50", "p99", "p100", "tm50"],
                                               **common)["Datapoints"]
    found = point["ExtendedStatistics"]
    assert found["p50"] == pytest.approx(50, rel=0.02) and found["p99"] == pytest.approx(99, rel=0.02)
    assert found["p100"] == 100 and found["tm50"] == pytest.approx(25.5, rel=0.02)
    assert cloudwatch.get_metric_statistics(MetricName="Sets", ExtendedStatistics=["p50"], **common)["Datapoints"] == []
    assert cloudwatch.get_metric_statistics(MetricName="Sets", Statistics=["Average"], **common)["Datapoints"][0]["Average"] == 2


def test_metric_math(cloudwatch, space):
    """Documented: GetMetricData, metric math; results come newest first."""
    now = minute(0)

    def back(seconds: int) -> datetime.datetime:
        return now - datetime.timedelta(seconds=seconds)
    for age, requests, errors in ((240, 100, 1), (180, 200, None), (120, 50, 5)):
        cloudwatch.put_metric_data(Namespace=space, MetricData=[
            {"MetricName": metric, "Timestamp": back(age), "Value": value}
            for metric, value in (("Requests", requests), ("Errors", errors)) if value is not None])

    def stat(id_: str, metric: str, shown: bool = False) -> dict:
        return {"Id": id_, "ReturnData": shown,
                "MetricStat": {"Metric": {"Namespace": space, "MetricName": metric}, "Period": 60, "Stat": "Sum"}}

    def values(*queries: dict, **options) -> list[list[float]]:
        answer = cloudwatch.get_metric_data(MetricDataQueries=list(queries), StartTime=back(300), EndTime=back(60),
                                            **options)
        return [result["Values"] for result in answer["MetricDataResults"]]

    requests, errors = stat("m1", "Requests"), stat("m2", "Errors")
    assert values(stat("m1", "Requests", True)) == [[50, 200, 100]]
    assert values(requests, errors, {"Id": "e1", "Expression": "m2 / m1 * 100"}) == [[10, 1]]
    assert values(requests, errors, {"Id": "e1", "Expression": "FILL(m2, 0) / m1 * 100"}) == [[10, 0, 1]]
    assert values(requests, errors, {"Id": "e1", "Expression": "SUM(METRICS())"},
                  {"Id": "e2", "Expression": "IF(e1 > 100, 1, 0)"}, ScanBy="TimestampAscending") == [[101, 200, 55], [1, 1, 0]]
    for expression in ("NONSENSE(m1)", "m1 +", "m9", "SEARCH('x', 'Most', 60)", "SEARCH('x OR', 'Sum')", "SEARCH(m1, 'Sum')",
                       "SELECT AVG(x) FROM y", "ANOMALY_DETECTION_BAND(m1, 2)", "SUM(m1)"):
        code, message = refused(cloudwatch.get_metric_data, StartTime=back(300), EndTime=back(60),
                                MetricDataQueries=[requests, {"Id": "e1", "Expression": expression}])
        assert code == "ValidationError" and "Error in expression 'e1'" in message


def test_search(cloudwatch, space):
    """Documented: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-search-expressions.html"""
    when = ago(120)
    for service, load in (("web", 10), ("api", 30), ("job", 5)):
        cloudwatch.put_metric_data(Namespace=space, MetricData=[
            {"MetricName": metric, "Timestamp": when, "Value": value,
             "Dimensions": [{"Name": "Cluster", "Value": "main"}, {"Name": "Service", "Value": service}]}
            for metric, value in (("CPUUtilization", load), ("MemoryUtilization", 1))])

    def found(expression: str) -> list[tuple[str, list[float]]]:
        answer = cloudwatch.get_metric_data(StartTime=ago(600), EndTime=ago(0), MetricDataQueries=[{"Id": "e1", "Expression": expression}])
        return sorted((result["Label"], result["Values"]) for result in answer["MetricDataResults"])
    schema = f"{{{space},Cluster,Service}}"
    assert found(f"SEARCH('{schema} MetricName=\"CPUUtilization\"', 'Average', 60)") == [
        ("main api CPUUtilization", [30]), ("main job CPUUtilization", [5]), ("main web CPUUtilization", [10])]
    assert [values for _, values in found(f"SEARCH('{schema} cpu (web OR api)', 'Maximum', 60)")] == [[30], [10]]
    assert [values for _, values in found(f"SUM(SEARCH('{schema} cpu NOT job', 'Sum', 300))")] == [[40]]
    assert found(f"SEARCH('{{{space},Cluster}} cpu', 'Sum', 60)") == []
    code, message = refused(cloudwatch.put_metric_alarm, AlarmName=space.replace("/", "-"), EvaluationPeriods=1, Threshold=1,
                            ComparisonOperator="GreaterThanThreshold",
                            Metrics=[{"Id": "e1", "Expression": f"SUM(SEARCH('{schema} cpu', 'Sum', 60))", "Period": 60}])
    assert code == "ValidationError" and "SEARCH" in message


def test_pages_of_metrics_and_data(cloudwatch, space):
    names = {f"m{i:04}" for i in range(620)}
    data = [{"MetricName": metric, "Timestamp": ago(60 * i), "Value": 1} for i, metric in enumerate(sorted(names), 1)]
    cloudwatch.put_metric_data(Namespace=space, MetricData=data)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=space))
    assert len(pages) == 2 and {metric["MetricName"] for page in pages for metric in page["Metrics"]} == names
    recent = cloudwatch.get_paginator("list_metrics").paginate(Namespace=space, RecentlyActive="PT3H").build_full_result()
    assert 170 < len(recent["Metrics"]) <= 180
    cloudwatch.put_metric_data(Namespace=space, MetricData=[
        {"MetricName": "long", "Timestamp": minute(60 * i), "Value": i} for i in range(1, 101)])
    query = [{"Id": "m", "MetricStat": {"Metric": {"Namespace": space, "MetricName": "long"}, "Period": 60, "Stat": "Sum"}}]
    times = {"StartTime": minute(60 * 101), "EndTime": minute(0), "MetricDataQueries": query, "MaxDatapoints": 30}
    values, token = [], {}
    for _ in range(10):
        answer = cloudwatch.get_metric_data(**times, **token)
        values += answer["MetricDataResults"][0]["Values"]
        token = {"NextToken": answer.get("NextToken")}
        if not token["NextToken"]:
            break
    assert values == [float(i) for i in range(1, 101)]
    assert refused(cloudwatch.list_metrics, NextToken="forged")[0] == "InvalidNextToken"


def test_units_are_kept_apart(cloudwatch, space):
    """Documented: data points of different units are not put together."""
    for unit, value in (("Seconds", 1), ("Milliseconds", 1000)):
        cloudwatch.put_metric_data(Namespace=space, MetricData=[
            {"MetricName": "t", "Timestamp": minute(120), "Value": value, "Unit": unit}])
    common = {"Namespace": space, "MetricName": "t", "StartTime": minute(300), "EndTime": minute(0), "Period": 60,
              "Statistics": ["Sum"]}
    both = cloudwatch.get_metric_statistics(**common)["Datapoints"]
    assert {(point["Unit"], point["Sum"]) for point in both} == {("Seconds", 1), ("Milliseconds", 1000)}
    [one] = cloudwatch.get_metric_statistics(**common, Unit="Seconds")["Datapoints"]
    assert one["Sum"] == 1


def test_high_resolution(cloudwatch, space):
    now = ago(20).replace(microsecond=0)
    start = now - datetime.timedelta(seconds=now.second % 10)
    cloudwatch.put_metric_data(Namespace=space, MetricData=[
        {"MetricName": "fine", "Timestamp": start + datetime.timedelta(seconds=i), "Value": i, "StorageResolution": 1}
        for i in range(10)])
    points = cloudwatch.get_metric_statistics(Namespace=space, MetricName="fine", StartTime=start, Period=5,
                                              EndTime=start + datetime.timedelta(seconds=10), Statistics=["Sum"])["Datapoints"]
    assert sorted(point["Sum"] for point in points) == [10, 35]


@pytest.mark.parametrize("datum, code", [
    ({}, "MissingParameter"),
    ({"Value": 1, "Values": [1.0]}, "InvalidParameterCombination"),
    ({"Value": float("nan")}, "InvalidParameterValue"),
    ({"Value": 2.0 ** 361}, "InvalidParameterValue"),
    ({"Values": [1.0, 2.0], "Counts": [1.0]}, "InvalidParameterValue"),
    ({"Values": [1.0] * 151}, "InvalidParameterValue"),
    ({"Value": 1, "Timestamp": 1}, "InvalidParameterValue"),
    ({"Value": 1, "Timestamp": ago(-3 * 3600)}, "InvalidParameterValue"),
    ({"Value": 1, "StorageResolution": 30}, "InvalidParameterValue"),
    ({"Value": 1, "Unit": "Furlongs"}, "ValidationError"),
    ({"StatisticValues": {"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}}, "InvalidParameterValue"),
    ({"Value": 1, "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}, "InvalidParameterValue"),
])
def test_data_that_is_refused(cloudwatch, space, datum, code):
    assert refused(cloudwatch.put_metric_data, Namespace=space, MetricData=[{"MetricName": "m", **datum}])[0] == code
    assert cloudwatch.list_metrics(Namespace=space)["Metrics"] == []


def test_reads_that_are_refused(cloudwatch, space):
    common = {"Namespace": space, "MetricName": "m", "StartTime": minute(600), "EndTime": minute(0), "Period": 60}
    get = cloudwatch.get_metric_statistics
    assert refused(get, **common)[0] == "MissingParameter"
    assert refused(get, **{**common, "Period": 61}, Statistics=["Sum"])[0] == "InvalidParameterValue"
    assert refused(get, **{**common, "EndTime": minute(900)}, Statistics=["Sum"])[0] == "InvalidParameterValue"
    assert refused(get, **common, ExtendedStatistics=["p101"])[0] == "InvalidParameterValue"
    code, message = refused(get, **{**common, "StartTime": ago(2 * 86400)}, Statistics=["Sum"])
    assert code == "InvalidParameterCombination" and "exceeds the limit of 1,440" in message.replace("1440", "1,440")


def test_large_batches_come_compressed(cloudwatch, space):
    """Documented: SDKs compress PutMetricData beyond 10 KiB."""
    cloudwatch.put_metric_data(Namespace=space, MetricData=[
        {"MetricName": "wide", "Dimensions": [{"Name": "id", "Value": f"{i:04}" * 20}], "Value": i} for i in range(1000)])
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=space, MetricName="wide").build_full_result()
    assert len(pages["Metrics"]) == 1000


def test_nobody_else_may(user, space):
    theirs = user.client("cloudwatch")
    with pytest.raises(ClientError) as error:
        theirs.list_metrics()
    assert error.value.response["Error"]["Code"] == "AccessDenied"
    user.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": space}}}]})
    eventually(lambda: theirs.put_metric_data(Namespace=space, MetricData=[{"MetricName": "m", "Value": 1}]), within_s=5)
    assert refused(theirs.put_metric_data, Namespace=space + "x", MetricData=[{"MetricName": "m", "Value": 1}])[0] == "AccessDenied"


def test_what_is_acknowledged_survives(own_server, name, region):
    """kill -9: every acknowledged sample is there afterwards."""
    from harness.clients import Clients
    cloudwatch = Clients(own_server.environment(), region)("cloudwatch")
    when = minute(120)
    for i in range(50):
        cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", "Timestamp": when, "Value": i}])
    cloudwatch.put_dashboard(DashboardName="d", DashboardBody='{"widgets": []}')
    own_server.restart()
    [point] = cloudwatch.get_metric_statistics(Namespace=name, MetricName="m", StartTime=minute(300), EndTime=minute(0),
                                               Period=60, Statistics=["SampleCount", "Sum"])["Datapoints"]
    assert (point["SampleCount"], point["Sum"]) == (50, 1225)
    assert cloudwatch.get_dashboard(DashboardName="d")["DashboardBody"] == '{"widgets": []}'


def test_dashboards(cloudwatch, name):
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "hello"}}]})
    assert cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body)["DashboardValidationMessages"] == []
    assert cloudwatch.get_dashboard(DashboardName=name)["DashboardArn"].endswith(f":dashboard/{name}")
    [entry] = cloudwatch.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    assert entry["Size"] == len(body)
    for wrong in ("nonsense", "[]", "{}", '{"widgets": [1]}'):
        assert refused(cloudwatch.put_dashboard, DashboardName=name, DashboardBody=wrong)[0] == "InvalidParameterInput"
    cloudwatch.delete_dashboards(DashboardNames=[name])
    assert refused(cloudwatch.get_dashboard, DashboardName=name)[0] == "ResourceNotFound"

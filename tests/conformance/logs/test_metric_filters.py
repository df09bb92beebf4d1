"""Metric filters. Documented: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html"""
import datetime
import time

import pytest
from botocore.exceptions import ClientError
from harness.waiting import eventually


def test_events_become_metrics(clients, name):
    logs, cloudwatch = clients("logs"), clients("cloudwatch")
    group = f"/test/{name}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def put(filter_name: str, pattern: str, **to) -> None:
        logs.put_metric_filter(logGroupName=group, filterName=filter_name, filterPattern=pattern, metricTransformations=[
            {"metricName": filter_name, "metricNamespace": name, "metricValue": "1", **to}])
    put("errors", "ERROR", defaultValue=0)
    put("latency", "{ $.path = * }", metricValue="$.ms", unit="Milliseconds", dimensions={"Path": "$.path"})
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[
        {"timestamp": now, "message": "an ERROR"}, {"timestamp": now, "message": "another ERROR"}, {"timestamp": now, "message": "fine"},
        {"timestamp": now, "message": '{"path": "/a", "ms": 20}'}, {"timestamp": now, "message": '{"path": "/a", "ms": 40}'}])

    def read(metric: str, statistic: str, **dimensions: str) -> list[float]:
        at = datetime.datetime.now(datetime.UTC)
        return [point[statistic] for point in cloudwatch.get_metric_statistics(
            Namespace=name, MetricName=metric, StartTime=at - datetime.timedelta(minutes=3), EndTime=at + datetime.timedelta(minutes=1),
            Period=60, Statistics=[statistic], Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()])["Datapoints"]]
    assert eventually(lambda: read("errors", "Sum"), within_s=5) == [2]
    assert read("latency", "Average", Path="/a") == [30]
    found = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert [one["filterName"] for one in found] == ["errors", "latency"] and found[0]["metricTransformations"][0]["defaultValue"] == 0
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["metricFilterCount"] == 2
    logs.delete_metric_filter(logGroupName=group, filterName="errors")
    with pytest.raises(ClientError) as error:
        logs.delete_metric_filter(logGroupName=group, filterName="errors")
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as error:
        put("wrong", "{ $.a = ")
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"
    logs.delete_log_group(logGroupName=group)

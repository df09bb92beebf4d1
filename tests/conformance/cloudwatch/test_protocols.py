"""The same calls in every protocol that SDKs choose for CloudWatch: JSON 1.0 (boto3, the CLI of today), CBOR (Go, Java, JavaScript,
Rust), query (older ones). Documented: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html"""
import datetime
from urllib.parse import urlsplit

import botocore.model
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from harness.clients import session


@pytest.fixture(params=["json", "smithy-rpc-v2-cbor", "query"])
def cloudwatch(request, server, region, monkeypatch):
    """boto3, made to speak what it would not choose by itself."""
    monkeypatch.setattr(botocore.model.ServiceModel, "resolved_protocol", property(lambda _: request.param))
    client = session(server.environment(), region).client("cloudwatch", endpoint_url=server.environment()["AWS_ENDPOINT_URL"])
    client.spoken = []
    client.meta.events.register("before-send", lambda request, **_: client.spoken.append(
        request.headers.get("smithy-protocol") or request.headers.get("Content-Type")))
    yield client
    words = {"json": b"application/x-amz-json-1.0", "query": b"application/x-www-form-urlencoded; charset=utf-8",
             "smithy-rpc-v2-cbor": b"rpc-v2-cbor"}
    assert {word.encode() if isinstance(word, str) else word for word in client.spoken} == {words[request.param]}


def test_data_and_alarms(cloudwatch, name):
    when = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0) - datetime.timedelta(minutes=2)
    cloudwatch.put_metric_data(Namespace=name, MetricData=[
        {"MetricName": "m", "Dimensions": [{"Name": "ü", "Value": "x y"}], "Timestamp": when, "Values": [0.25, -3.5, 1e9],
         "Counts": [1.0, 2.0, 1.0], "Unit": "Count"}])
    [metric] = cloudwatch.list_metrics(Namespace=name)["Metrics"]
    assert metric["Dimensions"] == [{"Name": "ü", "Value": "x y"}]
    [point] = cloudwatch.get_metric_statistics(
        Namespace=name, MetricName="m", Dimensions=metric["Dimensions"], StartTime=when, EndTime=when + datetime.timedelta(minutes=1),
        Period=60, Statistics=["Minimum", "Maximum", "Sum", "SampleCount"])["Datapoints"]
    assert (point["Minimum"], point["Maximum"], point["Sum"], point["SampleCount"]) == (-3.5, 1e9, 999999993.25, 4)
    assert point["Timestamp"] == when and point["Unit"] == "Count"
    answer = cloudwatch.get_metric_data(StartTime=when, EndTime=when + datetime.timedelta(minutes=1), MetricDataQueries=[
        {"Id": "m1", "MetricStat": {"Metric": {"Namespace": name, **metric}, "Period": 60, "Stat": "Minimum"}}])
    [result] = answer["MetricDataResults"]
    assert (result["Values"], result["Timestamps"], result["StatusCode"]) == ([-3.5], [when], "Complete")
    cloudwatch.put_metric_alarm(AlarmName=name, Namespace=name, MetricName="m", Statistic="Average", Period=60, EvaluationPeriods=1,
                                Threshold=0.5, ComparisonOperator="LessThanThreshold", ActionsEnabled=False)
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["Threshold"] == 0.5 and alarm["ActionsEnabled"] is False and alarm["OKActions"] == []
    assert isinstance(alarm["StateUpdatedTimestamp"], datetime.datetime)
    cloudwatch.delete_alarms(AlarmNames=[name])


def test_errors_have_the_same_codes(cloudwatch, name):
    """Documented: awsQueryCompatible keeps the codes of query."""
    def code(call, **parameters) -> str:
        with pytest.raises(ClientError) as error:
            call(**parameters)
        assert error.value.response["ResponseMetadata"]["RequestId"]
        return error.value.response["Error"]["Code"]
    assert code(cloudwatch.set_alarm_state, AlarmName=name, StateValue="OK", StateReason="x") == "ResourceNotFound"
    assert code(cloudwatch.get_dashboard, DashboardName=name) == "ResourceNotFound"
    assert code(cloudwatch.put_metric_data, Namespace=name, MetricData=[{"MetricName": "m"}]) == "MissingParameter"
    assert code(cloudwatch.set_alarm_state, AlarmName=name, StateValue="NO", StateReason="x") == "ValidationError"
    assert code(cloudwatch.list_metric_streams) == "NotImplemented"


@pytest.mark.parametrize("body, code", [
    (b"", "ValidationError"), (b"\xa0", "ValidationError"), (b"\xff", "SerializationException"), (b"\x80", "SerializationException"),
    (b"\xa1\x61\x78" + b"\x81" * 5000, "SerializationException"), (b"\xbb" + b"\xff" * 8, "SerializationException"),
    (b"\xa1\x69Namespace\x01", "SerializationException"), (b"\xa1\x69Namespace\x62\xff\xff", "SerializationException")])
def test_cbor_that_is_refused(server, region, body, code):
    exports = server.environment()
    url = exports["AWS_ENDPOINT_URL"] + "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    request = AWSRequest("POST", url, data=body, headers={"Host": urlsplit(url).netloc, "smithy-protocol": "rpc-v2-cbor",
                                                          "Content-Type": "application/cbor"})
    SigV4Auth(Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]), "monitoring", region).add_auth(request)
    answer = requests.post(url, data=body, headers=dict(request.headers), timeout=10)
    assert (answer.status_code, answer.headers["x-amzn-query-error"]) == (400, f"{code};Sender")
    assert answer.headers["smithy-protocol"] == "rpc-v2-cbor" and code.encode() in answer.content

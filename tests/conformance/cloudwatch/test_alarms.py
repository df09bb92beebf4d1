"""Alarms. Documented: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"""
import datetime
import json

import pytest
from botocore.exceptions import ClientError
from harness.clients import refused
from harness.waiting import eventually


def ago(seconds: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)


@pytest.fixture
def cloudwatch(clients):
    return clients("cloudwatch")


@pytest.fixture
def alarm(cloudwatch, name):
    """alarm(**changes) puts one on a metric of its own; alarm.put(value, seconds_ago) puts a sample."""
    made = []

    def put(alarm_name: str = name, **changes) -> str:
        settings = {"AlarmName": alarm_name, "Namespace": f"Test/{name}", "MetricName": "Load", "Statistic": "Average",
                    "Period": 60, "EvaluationPeriods": 1, "Threshold": 10, "ComparisonOperator": "GreaterThanThreshold",
                    **changes}
        cloudwatch.put_metric_alarm(**{key: value for key, value in settings.items() if value is not None})
        made.append(alarm_name)
        return alarm_name

    put.put = lambda value, seconds_ago=70: cloudwatch.put_metric_data(
        Namespace=f"Test/{name}", MetricData=[{"MetricName": "Load", "Timestamp": ago(seconds_ago), "Value": value}])
    put.get = lambda alarm_name=name: cloudwatch.describe_alarms(AlarmNames=[alarm_name])["MetricAlarms"][0]
    put.becomes = lambda state, alarm_name=name: eventually(
        lambda: put.get(alarm_name) if put.get(alarm_name)["StateValue"] == state else None, within_s=15,
        what=f"{alarm_name} becomes {state}")
    yield put
    cloudwatch.delete_alarms(AlarmNames=made[:100])


def test_what_each_cli_types(each_cli, name):
    aws = each_cli
    aws(f"aws cloudwatch put-metric-alarm --alarm-name {name} --alarm-description busy --namespace Test/{name} "
        "--metric-name CPU --dimensions Name=Service,Value=web --statistic Maximum --period 60 --evaluation-periods 1 "
        "--threshold 90 --comparison-operator GreaterThanOrEqualToThreshold --tags Key=team,Value=a")
    [found] = aws(f"aws cloudwatch describe-alarms --alarm-names {name}").json["MetricAlarms"]
    assert found["StateValue"] == "INSUFFICIENT_DATA" and found["StateReason"] == "Unchecked: Initial alarm creation"
    assert found["Dimensions"] == [{"Name": "Service", "Value": "web"}] and found["Threshold"] == 90.0
    assert aws(f"aws cloudwatch list-tags-for-resource --resource-arn {found['AlarmArn']}").json["Tags"] == [
        {"Key": "team", "Value": "a"}]
    aws(f"aws cloudwatch put-metric-data --namespace Test/{name} --metric-name CPU --dimensions Service=web --value 95",
        "--timestamp", ago(70).isoformat())
    eventually(lambda: aws(f"aws cloudwatch describe-alarms --alarm-names {name} --state-value ALARM").json["MetricAlarms"],
               within_s=20)
    states = [item["HistorySummary"] for item in
              aws(f"aws cloudwatch describe-alarm-history --alarm-name {name} --history-item-type StateUpdate").json["AlarmHistoryItems"]]
    assert states == ["Alarm updated from INSUFFICIENT_DATA to ALARM"]
    [same] = aws(f"aws cloudwatch describe-alarms-for-metric --namespace Test/{name} --metric-name CPU "
                 "--dimensions Name=Service,Value=web").json["MetricAlarms"]
    assert same["AlarmName"] == name
    aws(f"aws cloudwatch delete-alarms --alarm-names {name}")
    assert aws(f"aws cloudwatch describe-alarms --alarm-names {name}").json["MetricAlarms"] == []


def test_from_unknown_to_alarm_to_ok(alarm, cloudwatch, name):
    alarm()
    alarm.put(20)
    found = alarm.becomes("ALARM")
    assert found["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [20.0 (")
    assert found["StateReason"].endswith("was greater than the threshold (10.0) (minimum 1 datapoint for OK -> ALARM transition).")
    data = json.loads(found["StateReasonData"])
    assert data["recentDatapoints"] == [20.0] and data["threshold"] == 10.0 and data["version"] == "1.0"
    # The average of the same minute falls.
    for _ in range(3):
        alarm.put(0)
    assert "was not greater than the threshold" in alarm.becomes("OK")["StateReason"]
    history = cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in history] == [
        f'Alarm "{name}" created', "Alarm updated from INSUFFICIENT_DATA to ALARM", "Alarm updated from ALARM to OK"]
    assert json.loads(history[1]["HistoryData"])["newState"]["stateValue"] == "ALARM"


@pytest.mark.parametrize("treat, state", [("missing", "INSUFFICIENT_DATA"), ("ignore", "INSUFFICIENT_DATA"),
                                          ("breaching", "ALARM"), ("notBreaching", "OK")])
def test_missing_data(alarm, treat, state):
    """Documented: alarms-and-missing-data. Nothing comes at all."""
    alarm(TreatMissingData=treat, EvaluationPeriods=2)
    found = alarm.becomes(state)
    if state in ("OK", "ALARM"):
        word = "Breaching" if treat == "breaching" else "NonBreaching"
        assert found["StateReason"] == ("Threshold Crossed: no datapoints were received for 2 periods and 2 missing "
                                        f"datapoints were treated as [{word}].")


def test_alarms_on_expressions(alarm, cloudwatch, name):
    def stat(id_: str, metric: str) -> dict:
        return {"Id": id_, "ReturnData": False, "MetricStat": {
            "Metric": {"Namespace": f"Test/{name}", "MetricName": metric}, "Period": 60, "Stat": "Sum"}}
    alarm(Namespace=None, MetricName=None, Statistic=None, Period=None, Threshold=5,
          Metrics=[stat("m1", "Requests"), stat("m2", "Errors"), {"Id": "rate", "Expression": "100 * m2 / m1", "Label": "%"}])
    when = ago(70)
    cloudwatch.put_metric_data(Namespace=f"Test/{name}", MetricData=[
        {"MetricName": "Requests", "Timestamp": when, "Value": 100}, {"MetricName": "Errors", "Timestamp": when, "Value": 7}])
    found = alarm.becomes("ALARM")
    assert "[7.0 (" in found["StateReason"]
    assert {query["Id"]: query["ReturnData"] for query in found["Metrics"]} == {"m1": False, "m2": False, "rate": True}


def test_percentile_alarms(alarm, cloudwatch, name):
    alarm(Statistic=None, ExtendedStatistic="p90", Threshold=80)
    cloudwatch.put_metric_data(Namespace=f"Test/{name}", MetricData=[
        {"MetricName": "Load", "Timestamp": ago(70), "Values": [1.0, 100.0], "Counts": [1.0, 9.0]}])
    alarm.becomes("ALARM")


def test_composite_alarms(alarm, cloudwatch, name):
    alarm(f"{name}-a")
    alarm(f"{name}-b", MetricName="Other")
    rule = f"ALARM({name}-a) AND NOT ALARM(\"{name}-b\")"
    cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, AlarmDescription="both")
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []

    def look() -> dict:
        return cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]
    eventually(lambda: look()["StateValue"] == "OK", within_s=10)
    alarm.put(20)
    eventually(lambda: look()["StateValue"] == "ALARM", within_s=10)
    assert f":alarm:{name}-a transitioned to ALARM at " in look()["StateReason"]
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName=name)["MetricAlarms"]
    assert {child["AlarmName"] for child in children} == {f"{name}-a", f"{name}-b"}
    [parent] = cloudwatch.describe_alarms(ParentsOfAlarmName=f"{name}-a")["CompositeAlarms"]
    assert parent["AlarmRule"] == rule
    put = cloudwatch.put_composite_alarm
    assert refused(put, AlarmName=f"{name}-x", AlarmRule=f"ALARM({name}-none)")[0] == "ValidationError"
    assert refused(put, AlarmName=f"{name}-x", AlarmRule="ALARM(")[0] == "ValidationError"
    assert refused(put, AlarmName=f"{name}-a", AlarmRule="TRUE")[0] == "ValidationError"
    cloudwatch.delete_alarms(AlarmNames=[name])


def test_states_set_by_hand_and_switched_actions(alarm, cloudwatch, name):
    alarm()
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill", StateReasonData='{"who": "me"}')
    found = alarm.get()
    assert (found["StateValue"], found["StateReason"], found["StateReasonData"]) == ("ALARM", "drill", '{"who": "me"}')
    cloudwatch.disable_alarm_actions(AlarmNames=[name])
    assert alarm.get()["ActionsEnabled"] is False
    cloudwatch.enable_alarm_actions(AlarmNames=[name])
    assert alarm.get()["ActionsEnabled"] is True
    state = cloudwatch.set_alarm_state
    assert refused(state, AlarmName=f"{name}-x", StateValue="OK", StateReason="x")[0] == "ResourceNotFound"
    assert refused(state, AlarmName=name, StateValue="BAD", StateReason="x")[0] == "ValidationError"
    assert refused(state, AlarmName=name, StateValue="OK", StateReason="x", StateReasonData="{")[0] == "InvalidFormat"


def test_describing_and_tags(alarm, cloudwatch, name):
    for suffix in "abc":
        alarm(f"{name}-{suffix}")
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=name, PaginationConfig={"PageSize": 2}))
    assert [[found["AlarmName"][-1] for found in page["MetricAlarms"]] for page in pages] == [["a", "b"], ["c"]]
    arn = alarm.get(f"{name}-a")["AlarmArn"]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    alarm(f"{name}-a", Threshold=11)  # a replaced alarm keeps its tags
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refused(cloudwatch.list_tags_for_resource, ResourceARN=arn + "x")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("changes, words", [
    ({"Period": 61}, "multiple of 60"), ({"Period": 3600, "EvaluationPeriods": 169}, "seven days"),
    ({"Period": 60, "EvaluationPeriods": 1441}, "more than a day"), ({"DatapointsToAlarm": 2}, "DatapointsToAlarm"),
    ({"TreatMissingData": "explode"}, "Supported options"), ({"Statistic": None}, "Statistic"),
    ({"ExtendedStatistic": "p50"}, "Statistic"), ({"Statistic": None, "ExtendedStatistic": "p500"}, "not supported"),
    ({"MetricName": None}, "MetricName"), ({"Threshold": None}, "Threshold"), ({"EvaluationPeriods": None}, "EvaluationPeriods"),
    ({"AlarmActions": ["nonsense"]}, "Invalid arn syntax"),
    ({"AlarmActions": ["arn:aws:lambda:us-west-1:111122223333:function:f"]}, "Unsupported action"),
    ({"AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:t"]}, "Invalid region eu-west-1"),
    ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly"), ({"AlarmName": ""}, "alarmName"),
])
def test_alarms_that_are_refused(alarm, clients, changes, words):
    unchecked = clients("cloudwatch", parameter_validation=False)
    with pytest.raises(ClientError) as error:
        if "AlarmName" in changes:
            unchecked.put_metric_alarm(EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", **changes)
        else:
            alarm(**changes)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert words in error.value.response["Error"]["Message"]


def test_alarms_go_on_after_a_crash(own_server, region, name):
    """kill -9 between the sample and the evaluation, and while in alarm: no transition is lost, none comes twice."""
    from harness.clients import Clients
    cloudwatch = Clients(own_server.environment(), region)("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName=name, Namespace=name, MetricName="m", Statistic="Sum", Period=60,
                                EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", "Timestamp": ago(70), "Value": 5}])
    own_server.restart()
    eventually(lambda: cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == "ALARM", within_s=15)
    own_server.restart()
    eventually(lambda: cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == "ALARM", within_s=15)
    updates = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert len(updates) == 1


def test_why_an_alarm_knows_nothing(server, alarm, cloudwatch, name):
    """Ours: `landfall why` finds the dimensions that differ."""
    if not hasattr(server, "why"):
        pytest.skip("needs the server's data folder")
    alarm(Dimensions=[{"Name": "Service", "Value": "web"}])
    assert f"Nothing was ever put for the metric Load in Test/{name}." in server.why(name)
    cloudwatch.put_metric_data(Namespace=f"Test/{name}", MetricData=[
        {"MetricName": "Load", "Dimensions": [{"Name": "Service", "Value": "api"}], "Value": 1}])
    assert "does not come with Service=web, but with Service=api." in server.why(name)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    assert "a drill" in server.why(name)

"""A11: an alarm on a metric tells a topic, and the topic an HTTP endpoint, with the document's commands."""
import datetime
import http.server
import json
import threading
import urllib.request
import uuid

import pytest
from harness.waiting import eventually


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def hook():
    """An endpoint that confirms its subscription, and keeps what it is told."""
    told: list[dict] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            if message["Type"] == "SubscriptionConfirmation":
                urllib.request.urlopen(message["SubscribeURL"], timeout=10).close()
            else:
                told.append(message)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.told = told
    server.url = f"http://127.0.0.1:{server.server_port}/"
    yield server
    server.shutdown()
    server.server_close()


def test_a11_an_alarm_tells_an_http_endpoint(aws, hook, name):
    topic = aws(f"aws sns create-topic --name {name}").json["TopicArn"]
    aws(f"aws sns subscribe --topic-arn {topic} --protocol http --notification-endpoint {hook.url}")
    eventually(lambda: aws(f"aws sns get-topic-attributes --topic-arn {topic}").json["Attributes"]["SubscriptionsConfirmed"] == "1")
    aws(f"aws cloudwatch put-metric-alarm --alarm-name {name} --alarm-description 'too many errors' --namespace Zapier/{name} "
        "--metric-name Errors --statistic Sum --period 60 --evaluation-periods 1 --threshold 5 "
        "--comparison-operator GreaterThanOrEqualToThreshold --treat-missing-data notBreaching "
        f"--alarm-actions {topic} --ok-actions {topic}")
    eventually(lambda: [json.loads(message["Message"])["NewStateValue"] for message in hook.told] == ["OK"])
    stamp = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=65)).isoformat()
    aws(f"aws cloudwatch put-metric-data --namespace Zapier/{name} --metric-name Errors --value 7 --timestamp {stamp}")
    eventually(lambda: len(hook.told) == 2)
    notice = hook.told[1]
    assert notice["TopicArn"] == topic and notice["Subject"] == f'ALARM: "{name}" in US West (N. California)'
    alarm = json.loads(notice["Message"])
    assert (alarm["AlarmName"], alarm["OldStateValue"], alarm["NewStateValue"]) == (name, "OK", "ALARM")
    assert alarm["AlarmDescription"] == "too many errors" and alarm["Region"] == "US West (N. California)"
    assert alarm["NewStateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [7.0 (")
    assert alarm["Trigger"]["MetricName"] == "Errors" and alarm["Trigger"]["Threshold"] == 5.0
    [action, *_] = aws(f"aws cloudwatch describe-alarm-history --alarm-name {name} --history-item-type Action").json["AlarmHistoryItems"]
    assert action["HistorySummary"] == f"Successfully executed action {topic}"
    aws(f"aws cloudwatch delete-alarms --alarm-names {name}")
    aws(f"aws sns delete-topic --topic-arn {topic}")


def test_a11_what_cannot_be_told_is_noted(aws, name, clients):
    account = clients("sts").get_caller_identity()["Account"]
    topic = f"arn:aws:sns:us-west-1:{account}:{name}-gone"
    aws(f"aws cloudwatch put-metric-alarm --alarm-name {name} --namespace n --metric-name m --statistic Sum --period 60 "
        f"--evaluation-periods 1 --threshold 5 --comparison-operator GreaterThanThreshold --alarm-actions {topic}")
    aws(f"aws cloudwatch set-alarm-state --alarm-name {name} --state-value ALARM --state-reason drill")
    [action] = eventually(lambda: aws("aws cloudwatch describe-alarm-history --history-item-type Action --alarm-name",
                                      name).json["AlarmHistoryItems"])
    assert action["HistorySummary"].startswith(f"Failed to execute action {topic}. Received error: \"Topic does not exist")
    aws(f"aws cloudwatch delete-alarms --alarm-names {name}")

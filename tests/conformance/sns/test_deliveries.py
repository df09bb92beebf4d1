"""Subscriptions and deliveries. Documented: https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html"""
import base64
import json
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from harness.clients import refused
from harness.waiting import eventually


def verified(message: dict, folder) -> str:
    """Checks the signature with openssl, as sns-verify-signature-of-message says."""
    with urllib.request.urlopen(message["SigningCertURL"], timeout=10) as answer:
        (folder / "cert.pem").write_bytes(answer.read())
    names = (["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] if message["Type"] == "Notification" else
             ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"])
    (folder / "text").write_text("".join(f"{name}\n{message[name]}\n" for name in names if name in message))
    (folder / "signature").write_bytes(base64.b64decode(message["Signature"]))
    key = subprocess.run(["openssl", "x509", "-in", folder / "cert.pem", "-noout", "-pubkey"], capture_output=True, check=True)
    (folder / "key.pem").write_bytes(key.stdout)
    digest = {"1": "-sha1", "2": "-sha256"}[message["SignatureVersion"]]
    return subprocess.run(["openssl", "dgst", digest, "-verify", folder / "key.pem", "-signature", folder / "signature",
                           folder / "text"], capture_output=True, text=True).stdout.strip()


def test_the_handshake(sns, topic, endpoint, tmp_path):
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    [(headers, body)] = eventually(lambda: endpoint.of_type("SubscriptionConfirmation"), within_s=10)
    asked = json.loads(body)
    assert headers["x-amz-sns-topic-arn"] == topic == asked["TopicArn"] and headers["x-amz-sns-message-id"] == asked["MessageId"]
    assert asked["Message"].startswith(f"You have chosen to subscribe to the topic {topic}.") and asked["Token"]
    assert verified(asked, tmp_path) == "Verified OK"
    sns.publish(TopicArn=topic, Message="before")
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    assert refused(sns.confirm_subscription, TopicArn=topic, Token="wrong")[0] == "InvalidParameter"
    arn = sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    assert arn.startswith(topic + ":")
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["ConfirmationWasAuthenticated"] == "true"
    sns.publish(TopicArn=topic, Message="after")
    eventually(endpoint.messages, within_s=10)
    assert [message["Message"] for message in endpoint.messages()] == ["after"]
    # Subscribing again is the same subscription.
    assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)["SubscriptionArn"] == arn


def test_the_link_confirms_without_credentials(sns, topic, endpoint):
    arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert f"<SubscriptionArn>{arn}</SubscriptionArn>" in endpoint.confirm()
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (attributes["PendingConfirmation"], attributes["ConfirmationWasAuthenticated"]) == ("false", "false")
    # Nothing else is open to everybody.
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(sns.meta.endpoint_url + "/?Action=ListTopics", timeout=10)
    assert error.value.code == 403


@pytest.mark.parametrize("version", ["1", "2"])
def test_signed_messages(sns, topic, subscribed, tmp_path, version):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    sns.publish(TopicArn=topic, Message='multi\nline "text" ü', Subject="hello", MessageAttributes={
        "kind": {"DataType": "String", "StringValue": "new"}, "bytes": {"DataType": "Binary", "BinaryValue": b"\0\1"}})
    [message] = eventually(subscribed.messages, within_s=10)
    assert message["Type"] == "Notification" and message["Message"] == 'multi\nline "text" ü' and message["Subject"] == "hello"
    assert message["SignatureVersion"] == version
    assert message["MessageAttributes"] == {"kind": {"Type": "String", "Value": "new"}, "bytes": {"Type": "Binary", "Value": "AAE="}}
    assert verified(message, tmp_path) == "Verified OK"
    assert verified({**message, "Message": "forged"}, tmp_path) != "Verified OK"
    [(headers, _)] = subscribed.of_type("Notification")
    assert headers["x-amz-sns-subscription-arn"] == subscribed.arn and headers["content-type"] == "text/plain; charset=UTF-8"


def test_raw_messages_and_structures(sns, topic, subscribed):
    sns.set_subscription_attributes(SubscriptionArn=subscribed.arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "for all", "http": "for http"}))
    [(headers, body)] = eventually(lambda: subscribed.of_type("Notification"), within_s=10)
    assert body == "for http" and headers["x-amz-sns-rawdelivery"] == "true"


def test_filter_policies(sns, topic, subscribed):
    sns.set_subscription_attributes(SubscriptionArn=subscribed.arn, AttributeName="FilterPolicy",
                                    AttributeValue='{"kind": ["new", {"prefix": "ur"}], "size": [{"numeric": [">", 10]}]}')

    def publish(text: str, kind: str, size: str) -> None:
        sns.publish(TopicArn=topic, Message=text, MessageAttributes={
            "kind": {"DataType": "String", "StringValue": kind}, "size": {"DataType": "Number", "StringValue": size}})
    publish("small", "new", "10")
    publish("other", "old", "11")
    sns.publish(TopicArn=topic, Message="plain")
    publish("big", "new", "11")
    publish("urgent", "urgent", "12")
    eventually(lambda: len(subscribed.messages()) >= 2, within_s=10)
    assert sorted(message["Message"] for message in subscribed.messages()) == ["big", "urgent"]
    sns.set_subscription_attributes(SubscriptionArn=subscribed.arn, AttributeName="FilterPolicy", AttributeValue="{}")
    sns.set_subscription_attributes(SubscriptionArn=subscribed.arn, AttributeName="FilterPolicyScope", AttributeValue="MessageBody")
    sns.set_subscription_attributes(SubscriptionArn=subscribed.arn, AttributeName="FilterPolicy",
                                    AttributeValue='{"order": {"state": ["paid"]}}')
    sns.publish(TopicArn=topic, Message='{"order": {"state": "open"}}')
    sns.publish(TopicArn=topic, Message='{"order": {"state": "paid"}}')
    eventually(lambda: len(subscribed.messages()) == 3, within_s=10)
    assert "paid" in subscribed.messages()[2]["Message"]
    attributes = sns.set_subscription_attributes
    assert refused(attributes, SubscriptionArn=subscribed.arn, AttributeName="FilterPolicy", AttributeValue='{"a": "b"}')[0] == "InvalidParameter"


def test_retries(sns, topic, subscribed):
    """Documented: sns-message-delivery-retries. Server faults are tried again, client faults are not."""
    sns.set_subscription_attributes(SubscriptionArn=subscribed.arn, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(
        {"healthyRetryPolicy": {"numRetries": 3, "numNoDelayRetries": 3, "minDelayTarget": 1, "maxDelayTarget": 1}}))
    subscribed.answers = [500, 503, 200]
    sns.publish(TopicArn=topic, Message="thrice")
    eventually(lambda: len(subscribed.messages()) == 3, within_s=10)
    assert len({message["MessageId"] for message in subscribed.messages()}) == 1
    subscribed.got.clear()
    subscribed.answers = [404]
    sns.publish(TopicArn=topic, Message="once")
    subscribed.answers = [404]
    eventually(subscribed.messages, within_s=10)
    time.sleep(0.5)
    assert len(subscribed.messages()) == 1
    subscribed.got.clear()
    subscribed.answers = [500]
    sns.publish(TopicArn=topic, Message="never")
    eventually(lambda: len(subscribed.messages()) == 4, within_s=10)
    time.sleep(0.5)
    assert len(subscribed.messages()) == 4


def test_a_slow_or_dead_subscriber_holds_nobody_up(sns, topic, subscribed, second_endpoint):
    dead = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:1/", ReturnSubscriptionArn=True)
    second = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=second_endpoint.url)
    assert dead["SubscriptionArn"] and second["SubscriptionArn"] == "pending confirmation"
    second_endpoint.confirm()
    for i in range(20):
        sns.publish(TopicArn=topic, Message=str(i))
    eventually(lambda: len(subscribed.messages()) == len(second_endpoint.messages()) == 20, within_s=15)
    assert {message["Message"] for message in second_endpoint.messages()} == {str(i) for i in range(20)}


def test_log_groups_subscribe(sns, topic, clients, name, region):
    """Ours: protocol cloudwatch-logs writes to a log group."""
    logs = clients("logs")
    logs.create_log_group(logGroupName=f"/test/{name}")
    account = clients("sts").get_caller_identity()["Account"]
    group = f"arn:aws:logs:{region}:{account}:log-group:/test/{name}"
    arn = sns.subscribe(TopicArn=topic, Protocol="cloudwatch-logs", Endpoint=group)["SubscriptionArn"]
    assert arn.startswith(topic + ":")
    sns.publish(TopicArn=topic, Message="to the log", Subject="s")
    [event] = eventually(lambda: logs.filter_log_events(logGroupName=f"/test/{name}")["events"], within_s=10)
    assert json.loads(event["message"])["Message"] == "to the log" and event["logStreamName"] == f"sns/{name}"
    logs.delete_log_group(logGroupName=f"/test/{name}")


def test_delivery_status_is_logged(sns, topic, subscribed, clients, name):
    """Documented: topics-attrib. Both log groups are made when first needed."""
    iam, logs = clients("iam"), clients("logs")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}))
    for attribute, value in (("HTTPSuccessFeedbackRoleArn", role), ("HTTPFailureFeedbackRoleArn", role),
                             ("HTTPSuccessFeedbackSampleRate", "100")):
        sns.set_topic_attributes(TopicArn=topic, AttributeName=attribute, AttributeValue=value)
    group = f"sns/{':'.join(topic.split(':')[3:5]).replace(':', '/')}/{name}"
    sent = sns.publish(TopicArn=topic, Message="good")["MessageId"]
    [event] = eventually(lambda: logs.filter_log_events(logGroupName=group)["events"], within_s=10)
    line = json.loads(event["message"])
    assert line["status"] == "SUCCESS" and line["notification"]["messageId"] == sent and line["delivery"]["statusCode"] == 200
    subscribed.answers = [410]
    sns.publish(TopicArn=topic, Message="bad")
    [event] = eventually(lambda: logs.filter_log_events(logGroupName=f"{group}/Failure")["events"], within_s=10)
    assert json.loads(event["message"])["delivery"]["statusCode"] == 410
    iam.delete_role_policy(RoleName=name, PolicyName="logs")
    iam.delete_role(RoleName=name)


def test_leaving(sns, topic, subscribed):
    sns.publish(TopicArn=topic, Message="one")
    [message] = eventually(subscribed.messages, within_s=10)
    with urllib.request.urlopen(message["UnsubscribeURL"], timeout=10) as answer:
        assert answer.status == 200
    [(_, body)] = eventually(lambda: subscribed.of_type("UnsubscribeConfirmation"), within_s=10)
    assert json.loads(body)["Message"].startswith(f"You have chosen to deactivate subscription {subscribed.arn}.")
    sns.publish(TopicArn=topic, Message="two")
    time.sleep(0.5)
    assert len(subscribed.messages()) == 1 and sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.unsubscribe(SubscriptionArn=subscribed.arn)


@pytest.mark.parametrize("protocol, to", [
    ("email", "a@example.com"), ("sms", "+15550100"), ("sqs", "arn:aws:sqs:us-west-1:111122223333:q"),
    ("lambda", "arn:aws:lambda:us-west-1:111122223333:function:f"), ("pigeon", "x"), ("http", "https://x"), ("https", "http://x"),
    ("http", "x"), ("cloudwatch-logs", "arn:aws:s3:::b")])
def test_subscriptions_that_are_refused(sns, topic, protocol, to):
    code, message = refused(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=to)
    assert code == "InvalidParameter"
    if protocol in ("email", "sms", "sqs", "lambda"):
        assert "http, https and cloudwatch-logs are" in message


def test_accepted_messages_survive_kill_9(own_server, region, name, endpoint):
    """An acknowledged message is delivered, whatever happens to the server before that."""
    from harness.clients import Clients
    sns = Clients(own_server.environment(), region)("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes={"DeliveryPolicy": json.dumps(
        {"healthyRetryPolicy": {"numRetries": 100, "minDelayTarget": 1, "maxDelayTarget": 1}})})
    endpoint.confirm()
    endpoint.answers = [503]
    sent = {sns.publish(TopicArn=topic, Message=str(i))["MessageId"] for i in range(30)}
    own_server.kill()
    endpoint.got.clear()
    endpoint.answers = [200]
    own_server.start()
    eventually(lambda: {message["MessageId"] for message in endpoint.messages()} == sent, within_s=20)
    time.sleep(1.5)
    # At least once: what was on its way when the server died may come again, the others may not.
    assert len(endpoint.messages()) <= 30 + 4


def test_https_is_for_endpoints_that_can_prove_who_they_are(sns, topic, tls_endpoint):
    """Of the installation's own authority: its certificate is believed. One that is nobody's is told nothing."""
    trusted, stranger = tls_endpoint(True), tls_endpoint(False)
    for endpoint in (stranger, trusted):
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=endpoint.url)
    trusted.confirm()
    sns.publish(TopicArn=topic, Message="over TLS")
    eventually(trusted.messages, within_s=30)
    assert [message["Message"] for message in trusted.messages()] == ["over TLS"]
    assert stranger.got == []
    assert refused(sns.subscribe, TopicArn=topic, Protocol="http", Endpoint=trusted.url)[0] == "InvalidParameter"

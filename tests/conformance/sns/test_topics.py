"""Topics: made, configured, guarded. Documented: https://docs.aws.amazon.com/sns/latest/api/"""
import json

import pytest
from harness.clients import refused
from harness.waiting import eventually


def test_what_each_cli_types(each_cli, name):
    aws = each_cli
    arn = aws(f"aws sns create-topic --name {name} --attributes DisplayName=News --tags Key=team,Value=a").json["TopicArn"]
    assert arn.startswith("arn:aws:sns:us-west-1:") and arn.endswith(f":{name}")
    attributes = aws(f"aws sns get-topic-attributes --topic-arn {arn}").json["Attributes"]
    assert attributes["DisplayName"] == "News" and attributes["SubscriptionsConfirmed"] == "0"
    aws(f"aws sns set-topic-attributes --topic-arn {arn} --attribute-name DisplayName --attribute-value Other")
    assert aws(f"aws sns get-topic-attributes --topic-arn {arn}").json["Attributes"]["DisplayName"] == "Other"
    assert {"TopicArn": arn} in aws("aws sns list-topics").json["Topics"]
    assert aws(f"aws sns publish --topic-arn {arn} --message hello --subject hi").json["MessageId"]
    assert aws(f"aws sns list-tags-for-resource --resource-arn {arn}").json["Tags"] == [{"Key": "team", "Value": "a"}]
    aws(f"aws sns delete-topic --topic-arn {arn}")
    aws(f"aws sns delete-topic --topic-arn {arn}")
    gone = aws(f"aws sns publish --topic-arn {arn} --message hello", check=False)
    assert "(NotFound)" in gone.stderr and "Topic does not exist" in gone.stderr


def test_creating_again(sns, topic, name):
    assert sns.create_topic(Name=name)["TopicArn"] == topic
    assert refused(sns.create_topic, Name=name, Attributes={"DisplayName": "x"})[0] == "InvalidParameter"


@pytest.mark.parametrize("parameters", [
    {"Name": "a b"}, {"Name": "x" * 257}, {"Name": ""}, {"Name": "queue.fifo", "Attributes": {"FifoTopic": "true"}},
    {"Name": "x", "Attributes": {"KmsMasterKeyId": "alias/aws/sns"}}, {"Name": "x", "Attributes": {"Nonsense": "1"}},
    {"Name": "x", "Attributes": {"Policy": "{"}}, {"Name": "x", "Attributes": {"SignatureVersion": "3"}},
    {"Name": "x", "Attributes": {"DeliveryPolicy": '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 101}}}'}}])
def test_topics_that_are_refused(sns, parameters):
    assert refused(sns.create_topic, **parameters)[0] == "InvalidParameter"


@pytest.mark.parametrize("parameters, code", [
    ({"Message": ""}, "InvalidParameter"), ({"Message": "x" * 262145}, "InvalidParameter"),
    ({"Message": "x", "Subject": "y" * 101}, "InvalidParameter"), ({"Message": "x", "Subject": "a\nb"}, "InvalidParameter"),
    ({"Message": "x", "MessageStructure": "json"}, "InvalidParameter"),
    ({"Message": '{"http": "x"}', "MessageStructure": "json"}, "InvalidParameter"),
    ({"Message": "x", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "ParameterValueInvalid"),
    ({"Message": "x", "MessageAttributes": {"a": {"DataType": "Odd", "StringValue": "x"}}}, "ParameterValueInvalid"),
    ({"Message": "x", "MessageDeduplicationId": "1"}, "InvalidParameter")])
def test_messages_that_are_refused(sns, topic, parameters, code):
    assert refused(sns.publish, TopicArn=topic, **parameters)[0] == code


def test_other_ways_to_publish_are_refused(sns):
    assert "not served" in refused(sns.publish, PhoneNumber="+15550100", Message="x")[1]
    assert refused(sns.publish, TopicArn="nonsense", Message="x")[0] == "InvalidParameter"


def test_batches(sns, topic):
    entries = [{"Id": str(i), "Message": f"m{i}"} for i in range(10)]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[*entries[:9], {"Id": "bad", "Message": "x", "Subject": "\n"}])
    assert len({entry["MessageId"] for entry in answer["Successful"]}) == 9
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [("bad", "InvalidParameter", True)]
    batch = sns.publish_batch
    assert refused(batch, TopicArn=topic, PublishBatchRequestEntries=[])[0] == "EmptyBatchRequest"
    assert refused(batch, TopicArn=topic, PublishBatchRequestEntries=entries + [{"Id": "11", "Message": "x"}])[0] == "TooManyEntriesInBatchRequest"
    assert refused(batch, TopicArn=topic, PublishBatchRequestEntries=entries[:1] * 2)[0] == "BatchEntryIdsNotDistinct"
    assert refused(batch, TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a b", "Message": "x"}])[0] == "InvalidBatchEntryId"


def test_the_topics_policy_is_enforced(sns, topic, user):
    """Documented: sns-access-policy-use-cases."""
    theirs = user.client("sns")
    assert refused(theirs.publish, TopicArn=topic, Message="x")[0] == "AuthorizationError"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Sid": "them", "Effect": "Allow", "Principal": {"AWS": user.arn},
                                                "Action": "sns:Publish", "Resource": topic}]}))
    eventually(lambda: theirs.publish(TopicArn=topic, Message="x")["MessageId"], within_s=5)
    assert refused(theirs.delete_topic, TopicArn=topic)[0] == "AuthorizationError"
    user.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:GetTopicAttributes", "Resource": topic}]})
    eventually(lambda: theirs.get_topic_attributes(TopicArn=topic), within_s=5)


def test_permissions_by_label(sns, topic, clients):
    account = clients("sts").get_caller_identity()["Account"]
    sns.add_permission(TopicArn=topic, Label="mine", AWSAccountId=[account], ActionName=["Publish"])
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["__default_statement_ID", "mine"]
    assert refused(sns.add_permission, TopicArn=topic, Label="mine", AWSAccountId=[account], ActionName=["Publish"])[0] == "InvalidParameter"
    sns.remove_permission(TopicArn=topic, Label="mine")
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["__default_statement_ID"]

"""What else the AWS provider does: for arguments that a file leaves out it sends empty texts and zeroes, which AWS takes for what they
are; it makes ten things at a time; it knows some errors by their words.

Ours: found by applying files with the provider itself (6.13).
"""
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.clients import refused


@pytest.fixture
def name() -> str:
    return f"left-out-{uuid.uuid4().hex[:8]}"


def test_aws_sns_topic(clients, name):
    sns = clients("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    for protocol in ("Application", "Firehose", "HTTP", "Lambda", "SQS"):
        sns.set_topic_attributes(TopicArn=topic, AttributeName=f"{protocol}SuccessFeedbackSampleRate", AttributeValue="0")
    assert refused(sns.set_topic_attributes, TopicArn=topic, AttributeName="LambdaSuccessFeedbackSampleRate",
                   AttributeValue="50")[0] == "InvalidParameter"
    # Taken for "it goes by itself" by the end of this message.
    pending = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/", ReturnSubscriptionArn=True)
    assert refused(sns.unsubscribe, SubscriptionArn=pending["SubscriptionArn"])[1].endswith(
        "Cannot unsubscribe a subscription that is pending confirmation")
    sns.delete_topic(TopicArn=topic)


def test_what_the_files_have_of_one_user_is_made_at_once(clients, name):
    iam = clients("iam")
    iam.create_user(UserName=name)
    groups = [f"{name}-{number}" for number in range(5)]
    for group in groups:
        iam.create_group(GroupName=group)
    calls = [*(lambda group=group: iam.add_user_to_group(GroupName=group, UserName=name) for group in groups),
             *(lambda: iam.create_access_key(UserName=name) for _ in range(2)),
             *(lambda key=key: iam.tag_user(UserName=name, Tags=[{"Key": str(key), "Value": "x"}]) for key in range(5))]
    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()
    assert {one["GroupName"] for one in iam.list_groups_for_user(UserName=name)["Groups"]} == set(groups)
    keys = [one["AccessKeyId"] for one in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]]
    assert len(keys) == 2 and len(iam.list_user_tags(UserName=name)["Tags"]) == 5
    for key in keys:
        iam.delete_access_key(UserName=name, AccessKeyId=key)
    for group in groups:
        iam.remove_user_from_group(GroupName=group, UserName=name)
        iam.delete_group(GroupName=group)
    iam.delete_user(UserName=name)


def test_aws_ssm_parameter(clients, name):
    ssm = clients("ssm")
    assert ssm.put_parameter(Name=name, Value="v", Type="String", AllowedPattern="")["Version"] == 1
    assert refused(ssm.put_parameter, Name=name, Value="v", Overwrite=True, AllowedPattern="v+")[0] == "InvalidAllowedPatternException"
    ssm.delete_parameter(Name=name)


def test_aws_db_instance(clients, name):
    asked = {"DBInstanceIdentifier": name, "DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 20,
             "MasterUsername": "somebody", "MasterUserPassword": "password1", "DBSubnetGroupName": name}
    assert refused(clients("rds").create_db_instance, **asked, DBName="")[0] == "DBSubnetGroupNotFoundFault"
    assert refused(clients("rds").create_db_instance, **asked, DBName="1")[0] == "InvalidParameterValue"


def test_data_aws_rds_orderable_db_instance(clients):
    options = clients("rds").describe_orderable_db_instance_options(Engine="postgres", MaxRecords=1000)
    assert len(options["OrderableDBInstanceOptions"]) > 20 and "Marker" not in options
    assert refused(clients("rds").describe_orderable_db_instance_options, Engine="postgres", MaxRecords=1001)[0] == "InvalidParameterValue"

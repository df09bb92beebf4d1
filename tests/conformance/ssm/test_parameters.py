"""Parameter Store. Documented: https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html"""
import datetime
import json

import pytest
from botocore.exceptions import ClientError
from harness.waiting import eventually


def refused(call, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def ssm(clients):
    return clients("ssm")


def test_put_get_overwrite_delete(ssm, name):
    path = f"/{name}/url"
    assert ssm.put_parameter(Name=path, Value="one", Type="String", Description="d")["Version"] == 1
    assert refused(ssm.put_parameter, Name=path, Value="two", Type="String")[0] == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name=path, Value="two", Overwrite=True)["Version"] == 2
    found = ssm.get_parameter(Name=path)["Parameter"]
    assert (found["Value"], found["Version"], found["Type"]) == ("two", 2, "String")
    assert found["ARN"].endswith(f":parameter{path}")
    assert ssm.get_parameter(Name=f"{path}:1")["Parameter"]["Value"] == "one"
    assert ssm.get_parameter(Name=found["ARN"])["Parameter"]["Value"] == "two"
    assert refused(ssm.get_parameter, Name=f"{path}:9")[0] == "ParameterVersionNotFound"
    ssm.delete_parameter(Name=path)
    assert refused(ssm.get_parameter, Name=path)[0] == "ParameterNotFound"


def test_secure_strings(ssm, server, name):
    secret = f"in-the-clear-{name}"
    ssm.put_parameter(Name=f"/{name}/password", Value=secret, Type="SecureString")
    assert ssm.get_parameter(Name=f"/{name}/password")["Parameter"]["Value"] != secret
    assert ssm.get_parameter(Name=f"/{name}/password", WithDecryption=True)["Parameter"]["Value"] == secret
    if hasattr(server, "data"):
        assert secret.encode() not in b"".join(path.read_bytes() for path in server.data.glob("store.db*"))
    ssm.delete_parameter(Name=f"/{name}/password")


def test_hierarchies(ssm, name):
    for leaf in ("a", "b", "deep/c", "deep/d"):
        ssm.put_parameter(Name=f"/{name}/{leaf}", Value=leaf, Type="String")

    def below(path: str, **options) -> list[str]:
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, PaginationConfig={"PageSize": 2}, **options)
        return [one["Value"] for page in pages for one in page["Parameters"]]
    assert below(f"/{name}") == ["a", "b"]
    assert below(f"/{name}/", Recursive=True) == ["a", "b", "deep/c", "deep/d"]
    assert below(f"/{name}/deep") == ["deep/c", "deep/d"]
    found = ssm.get_parameters(Names=[f"/{name}/a", f"/{name}/none"])
    assert [one["Value"] for one in found["Parameters"]] == ["a"] and found["InvalidParameters"] == [f"/{name}/none"]
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": [f"/{name}"]}])
    assert len(described["Parameters"]) == 4
    gone = ssm.delete_parameters(Names=[f"/{name}/{leaf}" for leaf in ("a", "b", "deep/c", "deep/d", "none")])
    assert len(gone["DeletedParameters"]) == 4 and gone["InvalidParameters"] == [f"/{name}/none"]


def test_history_and_labels(ssm, name):
    for value in ("one", "two", "three"):
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=value != "one")
    ssm.label_parameter_version(Name=name, ParameterVersion=2, Labels=["live"])
    assert ssm.get_parameter(Name=f"{name}:live")["Parameter"]["Value"] == "two"
    ssm.label_parameter_version(Name=name, Labels=["live"])
    assert ssm.get_parameter(Name=f"{name}:live")["Parameter"]["Value"] == "three"
    assert ssm.label_parameter_version(Name=name, Labels=["aws-no", "1x"])["InvalidLabels"] == ["aws-no", "1x"]
    history = ssm.get_parameter_history(Name=name)["Parameters"]
    assert [one["Value"] for one in history] == ["one", "two", "three"] and history[2]["Labels"] == ["live"]
    assert ssm.unlabel_parameter_version(Name=name, ParameterVersion=3, Labels=["live", "x"])["RemovedLabels"] == ["live"]
    ssm.delete_parameter(Name=name)


@pytest.mark.parametrize("options, code", [
    ({"Name": "a/b"}, "ValidationException"), ({"Name": "/aws/x"}, "AccessDeniedException"), ({"Name": "ssm-x"}, "ValidationException"),
    ({"Name": "/a b"}, "ValidationException"), ({"Name": "/x", "Value": "v" * 4097}, "ValidationException"),
    ({"Name": "/" + "/".join("abcdefghijklmnopq")}, "HierarchyLevelLimitExceededException")])
def test_what_is_refused(ssm, options, code):
    assert refused(ssm.put_parameter, **{"Value": "v", "Type": "String", **options})[0] == code


def test_rights_by_path(ssm, user, name):
    ssm.put_parameter(Name=f"/{name}/mine", Value="m", Type="String", Tags=[{"Key": "k", "Value": "v"}])
    ssm.put_parameter(Name=f"/{name}x", Value="o", Type="String")
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ssm:GetParameter*", "Resource": f"arn:aws:ssm:*:*:parameter/{name}/*"}]})
    theirs = user.client("ssm")
    assert theirs.get_parameter(Name=f"/{name}/mine")["Parameter"]["Value"] == "m"
    assert refused(theirs.get_parameter, Name=f"/{name}x")[0] == "AccessDeniedException"
    assert refused(theirs.get_parameters, Names=[f"/{name}/mine", f"/{name}x"])[0] == "AccessDeniedException"
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"/{name}/mine")["TagList"] == [{"Key": "k", "Value": "v"}]
    ssm.delete_parameters(Names=[f"/{name}/mine", f"/{name}x"])


# Documented: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html


def expiration(seconds: float) -> dict:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"}}


def test_a_parameter_expires(ssm, name):
    path, other = f"/{name}/token", f"/{name}/kept"
    ssm.put_parameter(Name=path, Value="short", Type="String", Tier="Advanced", Policies=json.dumps([expiration(1.5)]))
    ssm.put_parameter(Name=other, Value="long", Type="String", Tier="Advanced", Policies=json.dumps([expiration(1.5)]))
    policy, = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [path]}])["Parameters"][0]["Policies"]
    assert (policy["PolicyType"], policy["PolicyStatus"]) == ("Expiration", "Pending") and "Timestamp" in policy["PolicyText"]
    ssm.put_parameter(Name=other, Value="long", Overwrite=True, Policies="[{}]")
    eventually(lambda: ssm.get_parameters(Names=[path])["InvalidParameters"] == [path], 5)
    assert refused(ssm.get_parameter, Name=path)[0] == "ParameterNotFound"
    assert [one["Name"] for one in ssm.get_parameters_by_path(Path=f"/{name}")["Parameters"]] == [other]
    # The name is free again.
    assert ssm.put_parameter(Name=path, Value="again", Type="String")["Version"] == 1
    ssm.delete_parameters(Names=[path, other])


def test_policies_that_are_refused(ssm, name):
    good = json.dumps([expiration(60)])
    assert refused(ssm.put_parameter, Name=name, Value="x", Type="String", Policies=good)[0] == "ValidationException"
    advanced = {"Name": name, "Value": "x", "Type": "String", "Tier": "Advanced"}
    assert refused(ssm.put_parameter, **advanced, Policies=json.dumps([expiration(-5)]))[0] == "InvalidPolicyAttributeException"
    notify = {"Type": "ExpirationNotification", "Version": "1.0", "Attributes": {"Before": "15", "Unit": "Days"}}
    code, message = refused(ssm.put_parameter, **advanced, Policies=json.dumps([expiration(60), notify]))
    assert code == "InvalidPolicyTypeException" and "EventBridge" in message


def test_public_parameters(ssm, clients):
    """Documented: systems-manager/latest/userguide/parameter-store-public-parameters-global-infrastructure.html
    (which regions and services there are is ours)."""
    base = "/aws/service/global-infrastructure"

    def below(path: str, **options) -> list[str]:
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, **options)
        return [one["Value"] for page in pages for one in page["Parameters"]]
    regions = {one["RegionName"] for one in clients("ec2").describe_regions()["Regions"]}
    assert set(below(f"{base}/regions")) == regions
    zones = {one["ZoneId"] for one in clients("ec2").describe_availability_zones()["AvailabilityZones"]}
    assert set(below(f"{base}/regions/{ssm.meta.region_name}/availability-zones")) == zones
    services = set(below(f"{base}/regions/{ssm.meta.region_name}/services"))
    assert {"ecs", "ec2", "elb", "logs", "ssm"} <= services and "lambda" not in services
    assert services == set(below(f"{base}/services"))
    assert len(below(f"{base}/services", Recursive=True)) > len(services) * len(regions)
    one = ssm.get_parameter(Name=f"{base}/regions/us-west-1")["Parameter"]
    assert (one["Value"], one["Type"], one["Version"]) == ("us-west-1", "String", 1)
    assert one["ARN"] == f"arn:aws:ssm:{ssm.meta.region_name}::parameter{base}/regions/us-west-1"
    assert ssm.get_parameter(Name=one["ARN"])["Parameter"]["Value"] == "us-west-1"
    assert ssm.get_parameter(Name=f"{base}/regions/us-west-1/longName")["Parameter"]["Value"] == "US West (N. California)"
    image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    found = ssm.get_parameters(Names=[image, one["Name"]])
    assert found["InvalidParameters"] == [image] and len(found["Parameters"]) == 1
    assert refused(ssm.get_parameter, Name=image)[0] == "ParameterNotFound"
    # They are nobody's: not listed with one's own, not written, not shared.
    listed = ssm.get_paginator("describe_parameters").paginate()
    assert not [one for page in listed for one in page["Parameters"] if one["Name"].startswith("/aws/")]
    assert ssm.describe_parameters(Shared=True)["Parameters"] == []
    assert refused(ssm.delete_parameter, Name=one["Name"])[0] == "ParameterNotFound"
    for reserved in (one["Name"], "/aws/mine", "/AWS/mine"):
        assert refused(ssm.put_parameter, Name=reserved, Value="x", Type="String") == (
            "AccessDeniedException", f"No access to reserved parameter name: {reserved}.")
    assert "can't be prefixed with" in refused(ssm.put_parameter, Name="aws-mine", Value="x", Type="String")[1]


def test_who_may_read_public_parameters(user):
    name = "/aws/service/global-infrastructure/regions/us-west-1"
    assert refused(user.client("ssm").get_parameter, Name=name)[0] == "AccessDeniedException"
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:*::parameter/aws/service/*"}]})
    assert user.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "us-west-1"
    assert refused(user.client("ssm").get_parameter, Name="/mine")[0] == "AccessDeniedException"

"""The ECR API: repositories, images, layers, policies.

Documented: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
"""
import hashlib
import json
import os
import ssl
import urllib.request

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from harness.registry import LAYER, MANIFEST, digest_of, layer_of


def refused(call, *arguments, **parameters) -> str:
    """The error's code."""
    with pytest.raises(ClientError) as error:
        call(*arguments, **parameters)
    return error.value.response["Error"]["Code"]


def test_repositories_come_and_go(ecr, name, region):
    made = ecr.create_repository(repositoryName=f"{name}/team/app", tags=[{"Key": "a", "Value": "1"}],
                                 imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True})["repository"]
    account = made["registryId"]
    assert made["repositoryArn"] == f"arn:aws:ecr:{region}:{account}:repository/{name}/team/app"
    assert made["repositoryUri"].startswith(f"{account}.dkr.ecr.{region}.") and made["repositoryUri"].endswith(f"/{name}/team/app")
    found = ecr.describe_repositories(repositoryNames=[f"{name}/team/app"])["repositories"]
    assert found == [made] and found[0]["imageTagMutability"] == "IMMUTABLE"
    assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "a", "Value": "1"}]
    assert refused(ecr.create_repository, repositoryName=f"{name}/team/app") == "RepositoryAlreadyExistsException"
    ecr.delete_repository(repositoryName=f"{name}/team/app")
    assert refused(ecr.describe_repositories, repositoryNames=[f"{name}/team/app"]) == "RepositoryNotFoundException"
    assert refused(ecr.delete_repository, repositoryName=f"{name}/team/app") == "RepositoryNotFoundException"


@pytest.mark.parametrize("bad", ["UPPER", "a", "-x", "x-", "a//b", "../x", "x" * 257, "ä" * 3, "a b", "a..b", "a___b"])
def test_names_that_are_none(ecr, bad):
    try:
        assert refused(ecr.create_repository, repositoryName=bad) == "InvalidParameterException"
    except ParamValidationError:
        assert len(bad) < 2


def test_a_region_of_its_own(clients, repository):
    elsewhere = clients("ecr", region="eu-central-1")
    assert refused(elsewhere.describe_repositories,
                   repositoryNames=[repository["repositoryName"]]) == "RepositoryNotFoundException"


def test_repositories_in_pages(ecr, name):
    names = sorted(f"{name}-{i}" for i in range(5))
    for each in names:
        ecr.create_repository(repositoryName=each)
    try:
        pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
        seen = [r["repositoryName"] for page in pages for r in page["repositories"]]
        assert [each for each in seen if each in names] == names and len(seen) == len(set(seen))
        assert all(len(page["repositories"]) <= 2 for page in pages)
        assert refused(ecr.describe_repositories, nextToken="nonsense") == "InvalidParameterException"
    finally:
        for each in names:
            ecr.delete_repository(repositoryName=each)


def test_a_repository_with_images_is_not_deleted_by_accident(ecr, repository, registry):
    registry.push("latest")
    assert refused(ecr.delete_repository, repositoryName=registry.repository) == "RepositoryNotEmptyException"
    assert registry("HEAD", "manifests/latest").status_code == 200
    ecr.delete_repository(repositoryName=registry.repository, force=True)
    assert registry("HEAD", "manifests/latest").status_code == 404
    # The same name again is another repository: nothing of the old one shows.
    ecr.create_repository(repositoryName=registry.repository)
    assert ecr.list_images(repositoryName=registry.repository)["imageIds"] == []
    assert registry("GET", "tags/list").json()["tags"] == []


def test_images_are_described(ecr, registry):
    first, second = registry.push("v1", "one"), registry.push("v2", "two")
    registry.push("v1", "two")
    listed = ecr.list_images(repositoryName=registry.repository)["imageIds"]
    assert sorted((i["imageDigest"], i.get("imageTag", "")) for i in listed) == sorted(
        [(first, ""), (second, "v1"), (second, "v2")])
    untagged = ecr.list_images(repositoryName=registry.repository, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert untagged == [{"imageDigest": first}]
    details = {d["imageDigest"]: d for d in ecr.describe_images(repositoryName=registry.repository)["imageDetails"]}
    assert sorted(details[second]["imageTags"]) == ["v1", "v2"] and "imageTags" not in details[first]
    assert details[first]["imageManifestMediaType"] == MANIFEST and details[first]["imageSizeInBytes"] > 0
    by_tag = ecr.describe_images(repositoryName=registry.repository, imageIds=[{"imageTag": "v2"}])["imageDetails"]
    assert by_tag[0]["imageDigest"] == second
    assert refused(ecr.describe_images, repositoryName=registry.repository,
                   imageIds=[{"imageTag": "v3"}]) == "ImageNotFoundException"
    pages = list(ecr.get_paginator("describe_images").paginate(repositoryName=registry.repository,
                                                               PaginationConfig={"PageSize": 1}))
    assert [len(page["imageDetails"]) for page in pages if page["imageDetails"]] == [1, 1]


def test_manifests_by_api(ecr, registry):
    digest = registry.push("v1")
    got = ecr.batch_get_image(repositoryName=registry.repository,
                              imageIds=[{"imageTag": "v1"}, {"imageTag": "none"}, {"imageDigest": digest_of(b"none")}])
    assert digest_of(got["images"][0]["imageManifest"].encode()) == digest
    assert [f["failureCode"] for f in got["failures"]] == ["ImageNotFound", "ImageNotFound"]
    # Retagging without a pull, as the user guide has it.
    ecr.put_image(repositoryName=registry.repository, imageTag="v2", imageManifest=got["images"][0]["imageManifest"])
    assert registry("HEAD", "manifests/v2").headers["Docker-Content-Digest"] == digest
    assert refused(ecr.put_image, repositoryName=registry.repository, imageTag="v2",
                   imageManifest=got["images"][0]["imageManifest"]) == "ImageAlreadyExistsException"
    assert refused(ecr.put_image, repositoryName=registry.repository, imageTag="v3", imageManifest="{") in (
        "InvalidParameterException", "ImageManifestInvalid")


def test_layers_by_api(server, ecr, registry):
    data = os.urandom(50_000)
    begun = ecr.initiate_layer_upload(repositoryName=registry.repository)
    half = len(data) // 2
    for first, last in ((0, half - 1), (half, len(data) - 1)):
        sent = ecr.upload_layer_part(repositoryName=registry.repository, uploadId=begun["uploadId"], partFirstByte=first,
                                     partLastByte=last, layerPartBlob=data[first:last + 1])
        assert sent["lastByteReceived"] == last
    assert refused(ecr.upload_layer_part, repositoryName=registry.repository, uploadId=begun["uploadId"],
                   partFirstByte=5, partLastByte=9, layerPartBlob=b"x" * 5) == "InvalidLayerPartException"
    done = ecr.complete_layer_upload(repositoryName=registry.repository, uploadId=begun["uploadId"],
                                     layerDigests=[digest_of(data)])
    assert done["layerDigest"] == digest_of(data)
    there = ecr.batch_check_layer_availability(repositoryName=registry.repository,
                                               layerDigests=[digest_of(data), digest_of(b"none")])
    assert [(each["layerAvailability"], each.get("layerSize")) for each in there["layers"]] == [
        ("AVAILABLE", len(data)), ("UNAVAILABLE", None)]
    url = ecr.get_download_url_for_layer(repositoryName=registry.repository, layerDigest=digest_of(data))["downloadUrl"]
    assert registry.token not in url
    trust = ssl.create_default_context(cafile=server.data / "ca/ca.crt") if hasattr(server, "data") else None
    with urllib.request.urlopen(url, context=trust) as answer:  # by itself, without any other right
        assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(data).digest()
    with pytest.raises(urllib.error.HTTPError) as denied:
        urllib.request.urlopen(url.replace(digest_of(data), digest_of(b"none")), context=trust)
    assert denied.value.code in (401, 403, 404)
    assert refused(ecr.get_download_url_for_layer, repositoryName=registry.repository,
                   layerDigest=digest_of(b"none")) in ("LayerInaccessibleException", "LayersNotFoundException")


def test_deletion(ecr, registry):
    digest = registry.push("a")
    registry.push("b")
    gone = ecr.batch_delete_image(repositoryName=registry.repository, imageIds=[{"imageTag": "a"}, {"imageTag": "none"}])
    assert gone["imageIds"] == [{"imageTag": "a", "imageDigest": digest}]
    assert gone["failures"][0]["failureCode"] == "ImageNotFound"
    assert registry("HEAD", "manifests/b").status_code == 200
    ecr.batch_delete_image(repositoryName=registry.repository, imageIds=[{"imageDigest": digest}])
    assert registry("HEAD", "manifests/b").status_code == 404


def test_scans_are_not_pretended(ecr, registry):
    registry.push("v1")
    image = {"imageTag": "v1"}
    assert refused(ecr.start_image_scan, repositoryName=registry.repository, imageId=image) == "UnsupportedImageTypeException"
    assert refused(ecr.describe_image_scan_findings, repositoryName=registry.repository, imageId=image) == "ScanNotFoundException"
    assert refused(ecr.describe_image_scan_findings, repositoryName=registry.repository,
                   imageId={"imageTag": "none"}) == "ImageNotFoundException"
    set_on = ecr.put_image_scanning_configuration(repositoryName=registry.repository,
                                                  imageScanningConfiguration={"scanOnPush": True})
    assert set_on["imageScanningConfiguration"] == {"scanOnPush": True}
    detail = ecr.describe_images(repositoryName=registry.repository)["imageDetails"][0]
    assert detail["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"


RULES = {"rules": [{"rulePriority": 1, "description": "keep two", "action": {"type": "expire"},
                    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2}}]}


def test_lifecycle_policies_say_what_they_would_do(ecr, registry):
    assert refused(ecr.get_lifecycle_policy, repositoryName=registry.repository) == "LifecyclePolicyNotFoundException"
    oldest = registry.push("v1", "one")
    registry.push("v2", "two")
    registry.push("v3", "three")
    text = json.dumps(RULES)
    ecr.put_lifecycle_policy(repositoryName=registry.repository, lifecyclePolicyText=text)
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=registry.repository)["lifecyclePolicyText"]) == RULES
    ecr.start_lifecycle_policy_preview(repositoryName=registry.repository)
    preview = ecr.get_lifecycle_policy_preview(repositoryName=registry.repository)
    assert preview["status"] == "COMPLETE"
    assert [(r["imageDigest"], r["action"], r["appliedRulePriority"]) for r in preview["previewResults"]] == [
        (oldest, {"type": "EXPIRE"}, 1)]
    assert preview["summary"]["expiringImageTotalCount"] == 1
    assert len(ecr.describe_images(repositoryName=registry.repository)["imageDetails"]) == 3  # a preview deletes nothing
    ecr.delete_lifecycle_policy(repositoryName=registry.repository)
    assert refused(ecr.get_lifecycle_policy, repositoryName=registry.repository) == "LifecyclePolicyNotFoundException"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"rules": []}', '{"rules": [{}]}', '{"rules": 7}',
                                  json.dumps({"rules": [RULES["rules"][0], RULES["rules"][0]]}),
                                  json.dumps({"rules": [{**RULES["rules"][0], "rulePriority": 0}]}),
                                  json.dumps({"rules": [{**RULES["rules"][0], "action": {"type": "keep"}}]})])
def test_lifecycle_policies_that_are_none(ecr, registry, text):
    code = refused(ecr.put_lifecycle_policy, repositoryName=registry.repository, lifecyclePolicyText=text.ljust(100))
    assert code == "InvalidParameterException"


def test_repository_policies_decide(ecr, registry, user, token_of):
    """A user without rights of their own, let in to one repository and kept from deleting in it."""
    mine = user.client("ecr")
    assert refused(mine.list_images, repositoryName=registry.repository) == "AccessDeniedException"
    user.allow({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]})
    ecr.set_repository_policy(repositoryName=registry.repository, policyText=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"AWS": user.arn},
                                                "Action": ["ecr:BatchDeleteImage", "ecr:PutImage"]}]}))
    registry.push("v1")
    assert mine.list_images(repositoryName=registry.repository)["imageIds"]
    assert refused(mine.batch_delete_image, repositoryName=registry.repository,
                   imageIds=[{"imageTag": "v1"}]) == "AccessDeniedException"
    registry.session.auth = ("AWS", token_of(mine))
    denied = registry.put_manifest("v2", registry.image("one"))
    assert denied.status_code == 403 and "ecr:PutImage" in denied.text
    ecr.delete_repository_policy(repositoryName=registry.repository)
    assert registry.put_manifest("v2", registry.image("one")).status_code == 201
    assert refused(ecr.get_repository_policy, repositoryName=registry.repository) == "RepositoryPolicyNotFoundException"


def test_tags_of_a_repository(ecr, repository):
    arn = repository["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["a", "never-there"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "b", "Value": "2"}]
    assert refused(ecr.tag_resource, resourceArn=arn,
                   tags=[{"Key": "aws:x", "Value": "1"}]) in ("InvalidTagParameterException", "InvalidParameterException")
    too_many = [{"Key": f"k{i}", "Value": ""} for i in range(51)]
    assert refused(ecr.tag_resource, resourceArn=arn, tags=too_many) in (
        "TooManyTagsException", "InvalidParameterException")


def test_a_token_of_temporary_credentials_ends_with_them(clients, registry, name, token_of):
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html: 12 hours, or the session's rest."""
    import datetime
    answer = clients("ecr").get_authorization_token()["authorizationData"][0]
    left = answer["expiresAt"] - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=11, minutes=55) < left <= datetime.timedelta(hours=12, minutes=1)
    iam = clients("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="ecr", PolicyDocument=json.dumps(rights))
    try:
        user_keys = clients("iam").create_user(UserName=name) and iam.create_access_key(UserName=name)["AccessKey"]
        iam.put_user_policy(UserName=name, PolicyName="assume", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}))
        session = clients("sts", keys=user_keys).assume_role(RoleArn=role["Arn"], RoleSessionName="session",
                                                              DurationSeconds=900)["Credentials"]
        temporary = clients("ecr", keys=session).get_authorization_token()["authorizationData"][0]
        assert temporary["expiresAt"] <= session["Expiration"] + datetime.timedelta(seconds=1)
        registry.session.auth = ("AWS", token_of(clients("ecr", keys=session)))
        assert registry("GET", "tags/list").status_code == 200
        # The right is withdrawn: the password is worth nothing any more.
        iam.put_role_policy(RoleName=name, PolicyName="ecr", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ecr:*", "Resource": "*"}]}))
        assert registry("GET", "tags/list").status_code == 403
    finally:
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="assume")
        iam.delete_user(UserName=name)
        iam.delete_role_policy(RoleName=name, PolicyName="ecr")
        iam.delete_role(RoleName=name)


def test_an_image_larger_than_its_parts(ecr, registry):
    """imageSizeInBytes counts each blob once."""
    layer = layer_of({"x": os.urandom(10_000)})
    manifest = registry.image("sizes")
    manifest["layers"] = [{"mediaType": LAYER, "digest": registry.put_blob(layer), "size": len(layer)}] * 3
    registry.put_manifest("v1", manifest)
    detail = ecr.describe_images(repositoryName=registry.repository)["imageDetails"][0]
    assert detail["imageSizeInBytes"] == len(layer) + manifest["config"]["size"]

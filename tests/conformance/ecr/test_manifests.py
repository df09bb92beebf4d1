"""Manifests: kinds, tags, deletion, and what must not be accepted.

Documented: https://github.com/opencontainers/distribution-spec/blob/main/spec.md and, for what ECR adds (immutable tags,
images of an index that stay), https://docs.aws.amazon.com/AmazonECR/latest/userguide/. The limits are ours.
"""
import json

import pytest

from harness.registry import CONFIG, DOCKER_MANIFEST, INDEX, LAYER, MANIFEST, digest_of, error_code


def index_of(*digests: str, **more: object) -> dict:
    return {"schemaVersion": 2, "mediaType": INDEX,
            "manifests": [{"mediaType": MANIFEST, "digest": digest, "size": 1,
                           "platform": {"architecture": architecture, "os": "linux"}}
                          for digest, architecture in zip(digests, ("amd64", "arm64"), strict=False)], **more}


def test_the_bytes_come_back_as_they_were(registry):
    # Spaces and order are part of what the digest is of.
    data = json.dumps(registry.image("spaces"), indent=7).encode()
    put = registry.put_manifest("v1", data)
    assert put.status_code == 201 and put.headers["Docker-Content-Digest"] == digest_of(data)
    for reference in ("v1", digest_of(data)):
        got = registry("GET", f"manifests/{reference}")
        assert got.content == data
        assert got.headers["Content-Type"] == MANIFEST and got.headers["Docker-Content-Digest"] == digest_of(data)
        head = registry("HEAD", f"manifests/{reference}")
        assert head.content == b"" and head.headers["Content-Length"] == str(len(data))
        assert head.headers["Docker-Content-Digest"] == digest_of(data)


def test_docker_manifests(registry):
    manifest = registry.image("docker")
    manifest["mediaType"] = DOCKER_MANIFEST
    assert registry.put_manifest("docker", manifest, DOCKER_MANIFEST).status_code == 201
    assert registry("GET", "manifests/docker").headers["Content-Type"] == DOCKER_MANIFEST


def test_by_digest_it_must_be_that_digest(registry):
    manifest = json.dumps(registry.image("x")).encode()
    assert registry.put_manifest(digest_of(manifest), manifest).status_code == 201
    refused = registry.put_manifest(digest_of(b"else"), manifest)
    assert refused.status_code == 400 and error_code(refused) == "DIGEST_INVALID"


def test_unknown_ones(registry):
    for reference in ("nothing", digest_of(b"nothing")):
        for method in ("GET", "HEAD", "DELETE"):
            missing = registry(method, f"manifests/{reference}")
            assert missing.status_code == 404
            if method != "HEAD":
                assert error_code(missing) == "MANIFEST_UNKNOWN"


def test_a_repository_that_is_not_there(registry):
    for path in ("/v2/no-such-repository/manifests/latest", "/v2/no-such-repository/tags/list"):
        missing = registry("GET", path)
        assert missing.status_code == 404 and error_code(missing) == "NAME_UNKNOWN"
        assert "no-such-repository" in missing.json()["errors"][0]["message"]
    assert registry("POST", "/v2/no-such-repository/blobs/uploads/").status_code == 404


def test_an_index_needs_its_images(registry, ecr):
    first = registry.put_manifest("amd", registry.image("amd")).headers["Docker-Content-Digest"]
    refused = registry.put_manifest("all", index_of(first, digest_of(b"missing")), INDEX)
    assert refused.status_code == 404 and error_code(refused) == "MANIFEST_BLOB_UNKNOWN"
    assert digest_of(b"missing") in refused.json()["errors"][0]["message"]
    second = registry.put_manifest("arm", registry.image("arm", "arm64")).headers["Docker-Content-Digest"]
    assert registry.put_manifest("all", index_of(first, second), INDEX).status_code == 201
    details = ecr.describe_images(repositoryName=registry.repository, imageIds=[{"imageTag": "all"}])["imageDetails"]
    assert details[0]["imageManifestMediaType"] == INDEX

    # What an index lists stays while the index does.
    kept = registry("DELETE", f"manifests/{first}")
    assert kept.status_code == 403 and error_code(kept) == "DENIED"
    assert registry("GET", f"manifests/{first}").status_code == 200
    failed = ecr.batch_delete_image(repositoryName=registry.repository, imageIds=[{"imageDigest": first}])
    assert failed["failures"][0]["failureCode"] == "ImageReferencedByManifestList"

    index = registry("HEAD", "manifests/all").headers["Docker-Content-Digest"]
    assert registry("DELETE", f"manifests/{index}").status_code == 202
    assert registry("DELETE", f"manifests/{first}").status_code == 202
    assert registry("GET", f"manifests/{first}").status_code == 404


def test_an_image_needs_its_blobs(registry):
    manifest = registry.image("whole")
    for part in ("config", "layer"):
        broken = json.loads(json.dumps(manifest))
        target = broken["config"] if part == "config" else broken["layers"][0]
        target["digest"] = digest_of(b"never pushed")
        refused = registry.put_manifest("broken", broken)
        assert refused.status_code == 404 and error_code(refused) == "MANIFEST_BLOB_UNKNOWN"
        assert digest_of(b"never pushed") in refused.json()["errors"][0]["message"]
    assert registry("GET", "manifests/broken").status_code == 404


def test_blobs_of_another_repository_do_not_count(registry, ecr, name):
    manifest = registry.image("elsewhere")
    other = f"{name}-other"
    ecr.create_repository(repositoryName=other)
    try:
        refused = registry("PUT", f"/v2/{other}/manifests/latest", data=json.dumps(manifest),
                           headers={"Content-Type": MANIFEST})
        assert refused.status_code == 404 and error_code(refused) == "MANIFEST_BLOB_UNKNOWN"
    finally:
        ecr.delete_repository(repositoryName=other, force=True)


def test_tags_move_and_are_listed(registry):
    first, second = registry.push("a", "one"), registry.push("b", "two")
    assert registry("GET", "tags/list").json() == {"name": registry.repository, "tags": ["a", "b"]}
    assert registry.push("a", "two") == second
    assert registry("HEAD", "manifests/a").headers["Docker-Content-Digest"] == second
    assert registry("HEAD", f"manifests/{first}").status_code == 200  # untagged now, still there


def test_tags_in_pages(registry):
    manifest = registry.image("paged")
    names = sorted(f"v{i}" for i in range(7))
    for tag in names:
        assert registry.put_manifest(tag, manifest).status_code == 201
    seen, path = [], "tags/list?n=3"
    while path:
        page = registry("GET", path)
        seen += page.json()["tags"]
        link = page.headers.get("Link")
        path = link[1:link.index(">")] if link else None
    assert seen == names
    assert registry("GET", "tags/list?n=2&last=v3").json()["tags"] == ["v4", "v5"]
    assert registry("GET", "tags/list?n=0").json()["tags"] == []
    for nonsense in ("-1", "x", "99999999999999999999999"):
        refused = registry("GET", f"tags/list?n={nonsense}")
        assert refused.status_code == 400 and error_code(refused) == "PAGINATION_NUMBER_INVALID"


def test_immutable_tags(registry, ecr):
    ecr.put_image_tag_mutability(repositoryName=registry.repository, imageTagMutability="IMMUTABLE")
    first = registry.push("v1", "one")
    refused = registry.put_manifest("v1", registry.image("two"))
    assert refused.status_code == 400 and error_code(refused) == "TAG_INVALID"
    assert "immutable" in refused.json()["errors"][0]["message"]
    assert registry("HEAD", "manifests/v1").headers["Docker-Content-Digest"] == first
    ecr.put_image_tag_mutability(repositoryName=registry.repository, imageTagMutability="MUTABLE")
    assert registry.put_manifest("v1", registry.image("two")).status_code == 201


def test_immutable_but_for_some(registry, ecr):
    ecr.put_image_tag_mutability(repositoryName=registry.repository, imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                                 imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}])
    for tag, moves in (("dev-1", True), ("v1", False)):
        registry.push(tag, "one")
        assert (registry.put_manifest(tag, registry.image("two")).status_code == 201) == moves


def test_what_refers_to_an_image(registry):
    subject = registry.push("v1")
    signature = registry.image("signature")
    signature |= {"artifactType": "application/vnd.example.signature",
                  "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1}, "annotations": {"who": "me"}}
    put = registry.put_manifest(digest_of(json.dumps(signature).encode()), signature)
    assert put.status_code == 201 and put.headers["OCI-Subject"] == subject
    found = registry("GET", f"referrers/{subject}").json()
    assert found["mediaType"] == INDEX
    assert [(m["artifactType"], m["annotations"]) for m in found["manifests"]] == [
        ("application/vnd.example.signature", {"who": "me"})]
    filtered = registry("GET", f"referrers/{subject}", params={"artifactType": "application/else"})
    assert filtered.json()["manifests"] == [] and filtered.headers["OCI-Filters-Applied"] == "artifactType"
    assert registry("GET", f"referrers/{digest_of(b'nobody')}").json()["manifests"] == []


BLOB = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 1}


@pytest.mark.parametrize("manifest", [
    b"", b"null", b"[]", b"{", b"\xff\xfe", b"{}", b'{"schemaVersion": 2}', b"\x00" * 100,
    b"[" * 100_000, b'{"schemaVersion": 2, "config": ' + b'{"a":' * 5000,
    {"schemaVersion": 1, "name": "x", "tag": "y", "fsLayers": []},
    {"schemaVersion": "2", "mediaType": MANIFEST, "config": BLOB, "layers": []},
    {"schemaVersion": 2, "mediaType": "application/x-evil", "config": BLOB, "layers": []},
    {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": BLOB},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": BLOB, "layers": {}},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": [], "layers": []},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": 7}, "layers": []},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": "sha256:../../../../etc/passwd"}, "layers": []},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": "sha256:" + "0" * 63}, "layers": []},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": BLOB, "layers": [None]},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": BLOB, "layers": ["x"]},
    {"schemaVersion": 2, "mediaType": INDEX, "manifests": 1},
    {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{}]},
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": BLOB, "layers": [], "subject": "x"},
], ids=lambda m: (m if isinstance(m, bytes) else json.dumps(m).encode())[:40].decode(errors="replace"))
def test_hostile_manifests(registry, manifest):
    # No Content-Type of ours: the manifest speaks for itself.
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    refused = registry.put_manifest("bad", data, "")
    assert refused.status_code == 400, refused.text
    assert error_code(refused) in ("MANIFEST_INVALID", "UNSUPPORTED")
    assert registry("GET", "manifests/bad").status_code == 404


def test_type_and_content_type_must_agree(registry):
    refused = registry.put_manifest("bad", registry.image("x"), INDEX)
    assert refused.status_code == 400 and error_code(refused) == "MANIFEST_INVALID"


def test_a_manifest_of_megabytes(registry):
    manifest = registry.image("large")
    manifest["annotations"] = {"padding": "x" * (3 << 20)}
    assert registry.put_manifest("large", manifest).status_code == 201
    manifest["annotations"] = {"padding": "x" * (5 << 20)}
    refused = registry.put_manifest("larger", manifest)
    assert refused.status_code == 413 and error_code(refused) == "SIZE_INVALID"
    assert registry("GET", "manifests/larger").status_code == 404


def test_a_manifest_of_very_many_layers(registry):
    manifest = registry.image("many")
    manifest["layers"] *= 5000
    assert registry.put_manifest("many", manifest).status_code == 201


@pytest.mark.parametrize("tag", [".hidden", "-x", "a" * 129, "a b", "ä", "a/b", "a%00b", "..", "a:b:c"])
def test_tags_that_are_none(registry, tag):
    refused = registry.put_manifest(tag, registry.image("x"))
    assert refused.status_code in (400, 404, 405), refused.text


@pytest.mark.parametrize("path", [
    "/v2/../../etc/passwd/manifests/latest", "/v2/%2e%2e/%2e%2e/etc/manifests/latest", "/v2//manifests/latest",
    "/v2/UPPER/manifests/latest", "/v2/a/manifests/latest", "/v2/x%00y/manifests/latest", "/v2/x%ffy/manifests/latest",
    "/v2/" + "x" * 257 + "/manifests/latest", "/v2/x..y/manifests/latest", "/v2/manifests/latest", "/v2/%", "/v2/%zz",
    "/v2/blobs/sha256:0", "/v2/x/y/z", "/v2x"])
def test_paths_that_lead_nowhere(registry, path):
    import socket
    from urllib.parse import urlsplit

    from requests.auth import _basic_auth_str

    # requests would tidy the path up.
    at = urlsplit(registry.endpoint)
    with socket.create_connection((at.hostname, at.port), timeout=10) as wire:
        wire.sendall((f"GET {path} HTTP/1.1\r\nHost: {registry.session.headers['Host']}\r\n"
                      f"Authorization: {_basic_auth_str('AWS', registry.token)}\r\nConnection: close\r\n\r\n").encode())
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    status = int(answer.split()[1])
    assert status in (400, 403, 404), answer


def test_deletion_by_tag_and_digest(registry, ecr):
    digest = registry.push("a")
    registry.push("b")
    assert registry("DELETE", "manifests/a").status_code == 202
    assert registry("GET", "tags/list").json()["tags"] == ["b"]
    assert registry("DELETE", f"manifests/{digest}").status_code == 202
    assert registry("GET", "tags/list").json()["tags"] == []
    assert ecr.describe_images(repositoryName=registry.repository)["imageDetails"] == []
    # What was deleted can be pushed again at once.
    assert registry.push("a") == digest


def test_config_types(registry, ecr):
    """Other things than images: charts, modules, signatures."""
    manifest = registry.image("chart")
    manifest["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
    assert registry.put_manifest("chart", manifest).status_code == 201
    detail = ecr.describe_images(repositoryName=registry.repository)["imageDetails"][0]
    assert detail["artifactMediaType"] == "application/vnd.cncf.helm.config.v1+json"
    assert CONFIG != detail["artifactMediaType"]

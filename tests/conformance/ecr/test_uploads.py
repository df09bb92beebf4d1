"""Blob uploads and downloads by the OCI distribution specification, 1.1.

Documented: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""
import os
import threading

import pytest
import requests

from harness.registry import digest_of, error_code
from harness.waiting import eventually


@pytest.fixture(scope="module")
def blob() -> bytes:
    return os.urandom(300_000)


def test_a_blob_in_one_put(registry, blob):
    where = registry.begin()
    done = registry("PUT", where, params={"digest": digest_of(blob)}, data=blob)
    assert done.status_code == 201
    assert done.headers["Docker-Content-Digest"] == digest_of(blob)
    got = registry("GET", done.headers["Location"])
    assert got.content == blob and got.headers["Docker-Content-Digest"] == digest_of(blob)


def test_a_blob_in_one_post(registry, blob):
    done = registry("POST", "blobs/uploads/", params={"digest": digest_of(blob)}, data=blob)
    assert done.status_code == 201
    assert registry("GET", f"blobs/{digest_of(blob)}").content == blob


def test_a_blob_in_chunks(registry, blob):
    where = registry.begin()
    size = 70_001
    for first in range(0, len(blob), size):
        piece = blob[first:first + size]
        sent = registry("PATCH", where, data=piece, headers={
            "Content-Range": f"{first}-{first + len(piece) - 1}", "Content-Type": "application/octet-stream"})
        assert sent.status_code == 202, sent.text
        assert sent.headers["Range"] == f"0-{first + len(piece) - 1}"
        where = registry.at(sent.headers["Location"])
    done = registry("PUT", where, params={"digest": digest_of(blob)})
    assert done.status_code == 201
    assert registry("GET", f"blobs/{digest_of(blob)}").content == blob


def test_a_blob_of_unknown_length(registry, blob):
    """docker and podman send Transfer-Encoding: chunked."""
    def pieces():
        for first in range(0, len(blob), 9999):
            yield blob[first:first + 9999]

    sent = registry("PATCH", registry.begin(), data=pieces())
    assert sent.status_code == 202
    assert registry("PUT", sent.headers["Location"], params={"digest": digest_of(blob)}).status_code == 201
    assert registry("GET", f"blobs/{digest_of(blob)}").content == blob


def test_the_last_chunk_may_come_with_the_put(registry, blob):
    sent = registry("PATCH", registry.begin(), data=blob[:1000])
    done = registry("PUT", sent.headers["Location"], params={"digest": digest_of(blob)}, data=blob[1000:],
                    headers={"Content-Range": f"1000-{len(blob) - 1}"})
    assert done.status_code == 201
    assert registry("GET", f"blobs/{digest_of(blob)}").content == blob


def test_an_empty_blob(registry):
    done = registry("PUT", registry.begin(), params={"digest": digest_of(b"")})
    assert done.status_code == 201
    got = registry("GET", f"blobs/{digest_of(b'')}")
    assert got.status_code == 200 and got.content == b"" and got.headers["Content-Length"] == "0"
    # There is no byte that a range could name.
    assert registry("GET", f"blobs/{digest_of(b'')}", headers={"Range": "bytes=0-0"}).status_code == 416


def test_chunks_out_of_order_are_refused(registry, blob):
    where = registry.begin()
    assert registry("PATCH", where, data=blob[:100], headers={"Content-Range": "0-99"}).status_code == 202
    for content_range in ("200-299", "0-99", "50-149"):
        refused = registry("PATCH", where, data=blob[:100], headers={"Content-Range": content_range})
        assert refused.status_code == 416, content_range
        assert refused.headers["Range"] == "0-99"
    refused = registry("PUT", where, params={"digest": digest_of(blob)}, data=blob[300:],
                       headers={"Content-Range": f"300-{len(blob) - 1}"})
    assert refused.status_code == 416
    # What has arrived is still good.
    rest = registry("PUT", where, params={"digest": digest_of(blob)}, data=blob[100:])
    assert rest.status_code == 201


@pytest.mark.parametrize("content_range", ["nonsense", "5-2", "-", "0-", "0-99999999999999999999999", "bytes"])
def test_a_content_range_that_says_nothing(registry, content_range):
    refused = registry("PATCH", registry.begin(), data=b"x" * 100, headers={"Content-Range": content_range})
    assert refused.status_code == 400 and error_code(refused) == "BLOB_UPLOAD_INVALID"


def test_length_and_range_must_agree(registry):
    refused = registry("PATCH", registry.begin(), data=b"x" * 100, headers={"Content-Range": "0-98"})
    assert refused.status_code == 400 and error_code(refused) == "SIZE_INVALID"


def test_the_state_of_an_upload(registry, blob):
    where = registry.begin()
    assert registry("GET", where).status_code == 204
    registry("PATCH", where, data=blob[:5000])
    state = registry("GET", where)
    assert state.status_code == 204 and state.headers["Range"] == "0-4999"
    assert registry.at(state.headers["Location"]) == where


def test_a_cancelled_upload_is_gone(registry, blob):
    where = registry.begin()
    registry("PATCH", where, data=blob)
    assert registry("DELETE", where).status_code == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        gone = registry(method, where, params={"digest": digest_of(blob)}, data=b"x")
        assert gone.status_code == 404 and error_code(gone) == "BLOB_UPLOAD_UNKNOWN", method


@pytest.mark.parametrize("upload", ["..", "../../../../etc/passwd", "00000000-0000-0000-0000-000000000000", "a" * 5000,
                                    "%2e%2e%2fuploads", "0", "%00"])
def test_an_upload_that_never_was(registry, upload):
    gone = registry("PATCH", f"blobs/uploads/{upload}", data=b"x")
    assert gone.status_code in (400, 404, 405, 414, 431), gone.text


def test_content_that_is_not_its_digest(registry, blob):
    where = registry.begin()
    refused = registry("PUT", where, params={"digest": digest_of(b"something else")}, data=blob)
    assert refused.status_code == 400 and error_code(refused) == "DIGEST_INVALID"
    assert registry("HEAD", f"blobs/{digest_of(b'something else')}").status_code == 404
    assert registry("HEAD", f"blobs/{digest_of(blob)}").status_code == 404


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:abc", "md5:" + "0" * 32, "sha256:" + "G" * 64,
                                    "sha256:" + "0" * 65, "sha256:../../" + "0" * 58, "0" * 64])
def test_a_digest_that_is_none(registry, digest):
    refused = registry("PUT", registry.begin(), params={"digest": digest}, data=b"x")
    assert refused.status_code == 400 and error_code(refused) == "DIGEST_INVALID"


def test_a_put_needs_a_digest(registry):
    refused = registry("PUT", registry.begin(), data=b"x")
    assert refused.status_code == 400 and error_code(refused) == "DIGEST_INVALID"


def test_head_tells_size_without_a_body(registry, blob):
    digest = registry.put_blob(blob)
    head = registry("HEAD", f"blobs/{digest}")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["Content-Length"] == str(len(blob)) and head.headers["Docker-Content-Digest"] == digest
    missing = registry("HEAD", f"blobs/{digest_of(b'never pushed')}")
    assert missing.status_code == 404


@pytest.mark.parametrize(("asked", "first", "last"), [
    ("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=299999-", 299_999, 299_999), ("bytes=-10", 299_990, 299_999),
    ("bytes=5-9999999", 5, 299_999), ("bytes=-9999999", 0, 299_999)])
def test_parts_of_a_blob(registry, blob, asked, first, last):
    digest = registry.put_blob(blob)
    part = registry("GET", f"blobs/{digest}", headers={"Range": asked})
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(blob)}"
    assert part.content == blob[first:last + 1]


def test_ranges_outside_a_blob(registry, blob):
    digest = registry.put_blob(blob)
    for asked in ("bytes=300000-", "bytes=-0"):
        refused = registry("GET", f"blobs/{digest}", headers={"Range": asked})
        assert refused.status_code == 416 and refused.headers["Content-Range"] == f"bytes */{len(blob)}"
    # RFC 9110: a range that cannot be read is no range.
    assert registry("GET", f"blobs/{digest}", headers={"Range": "bytes=9-1"}).content == blob


def test_blobs_belong_to_repositories(registry, ecr, name, blob):
    digest = registry.put_blob(blob)
    other = f"{name}-other"
    ecr.create_repository(repositoryName=other)
    try:
        assert registry("GET", f"/v2/{other}/blobs/{digest}").status_code == 404
        mounted = registry("POST", f"/v2/{other}/blobs/uploads/",
                           params={"mount": digest, "from": registry.repository})
        assert mounted.status_code == 201 and mounted.headers["Docker-Content-Digest"] == digest
        assert registry("GET", f"/v2/{other}/blobs/{digest}").content == blob
    finally:
        ecr.delete_repository(repositoryName=other, force=True)


def test_a_mount_of_nothing_becomes_an_upload(registry, blob):
    for source in ("no-such-repository", registry.repository, "../..", ""):
        begun = registry("POST", "blobs/uploads/", params={"mount": digest_of(b"nothing"), "from": source})
        assert begun.status_code == 202 and begun.headers["Location"], source
    done = registry("PUT", begun.headers["Location"], params={"digest": digest_of(blob)}, data=blob)
    assert done.status_code == 201


def test_the_same_blob_from_many_at_once(registry, blob):
    codes = []

    def push() -> None:
        where = registry.begin()
        codes.append(registry("PUT", where, params={"digest": digest_of(blob)}, data=blob).status_code)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [201] * 8
    assert registry("GET", f"blobs/{digest_of(blob)}").content == blob


def test_two_writers_of_one_upload_do_not_mix(registry, blob):
    """Each gets all of its bytes in, or is told that another is writing."""
    where = registry.begin()
    answers = []

    def write() -> None:
        answers.append(registry("PATCH", where, data=blob).status_code)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {202, 409, 416} and 202 in answers
    accepted = answers.count(202)
    whole = blob * accepted
    state = registry("GET", where).headers["Range"]
    assert state == f"0-{len(whole) - 1}", answers
    assert registry("PUT", where, params={"digest": digest_of(whole)}).status_code == 201


def test_a_cut_connection_keeps_what_arrived(registry, blob):
    where = registry.begin()

    def cut():
        yield blob[:4096]
        raise ConnectionError("the network is gone")

    with pytest.raises(requests.exceptions.ConnectionError):
        registry("PATCH", where, data=cut())

    def kept() -> int:
        state = registry("GET", where)
        assert state.status_code == 204
        return int(state.headers["Range"].split("-")[1]) + 1

    # The answer may be quicker than the registry's reading of the cut connection.
    eventually(lambda: kept() == 4096, what="the piece that arrived is kept")
    done = registry("PUT", where, params={"digest": digest_of(blob)}, data=blob[4096:])
    assert done.status_code == 201


def test_methods_that_do_not_exist(registry, blob):
    digest = registry.put_blob(blob)
    for method, path in [("POST", f"blobs/{digest}"), ("PATCH", "manifests/latest"), ("DELETE", "tags/list"),
                         ("POST", "/v2/"), ("DELETE", f"blobs/{digest}")]:
        refused = registry(method, path)
        assert refused.status_code == 405 and error_code(refused) == "UNSUPPORTED", (method, path)
    assert registry("HEAD", f"blobs/{digest}").status_code == 200

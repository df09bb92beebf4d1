"""Requests that no good client sends: each gets a clear error in its protocol's form, and the server goes on."""
import random
import re
import select
import resource
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.raw import Raw

REGION = "us-west-1"
IDENTITY = "Action=GetCallerIdentity"


@pytest.fixture
def raw(server) -> Raw:
    return Raw(server.environment(), REGION)


@pytest.fixture(autouse=True)
def goes_on(raw):
    yield
    assert raw.query("sts", IDENTITY).send().status_code == 200, "the server does not answer any more"


def code_of(answer) -> str:
    """The error's code, wherever the protocol puts it."""
    if answer.headers["Content-Type"].startswith(("application/x-amz-json", "application/json")):
        return answer.json()["__type"].rsplit("#", 1)[-1]
    return re.search("<Code>(.*?)</Code>", answer.text)[1]


# Bodies

BAD_JSON = {
    "cut": b'{"logGroupName": "a',
    "trailing": b'{"logGroupName": "a"} x',
    "not an object": b'["a"]',
    "no value": b'{"logGroupName": }',
    "bare word": b"logGroupName",
    "bad escape": rb'{"logGroupName": "\x"}',
    "lone surrogate": rb'{"logGroupName": "\ud800"}',
    "bad UTF-8": b'{"logGroupName": "\xff\xfe"}',
    "overlong UTF-8": b'{"logGroupName": "\xc0\xaf"}',
    "cut UTF-8": b'{"logGroupName": "\xe2\x82"}',
    "too deep": b'{"logGroupName": ' + b"[" * 100000 + b"]" * 100000 + b"}",
    "NUL": b'{"logGroupName": "\0"}',
}


@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_malformed_json_is_refused(raw, body):
    answer = raw.json("logs", "CreateLogGroup", body).send()
    assert answer.status_code == 400 and code_of(answer) == "SerializationException", answer.text
    assert answer.headers["x-amzn-RequestId"]


WRONG_TYPES = {
    "number for text": b'{"logGroupName": 7}',
    "object for text": b'{"logGroupName": {}}',
    "text for number": b'{"logGroupName": "a", "retentionInDays": "many"}',
    "huge number": b'{"logGroupName": "a", "retentionInDays": 1e400}',
}


@pytest.mark.parametrize("body", WRONG_TYPES.values(), ids=WRONG_TYPES.keys())
def test_json_of_the_wrong_type_is_refused(raw, body):
    answer = raw.json("logs", "PutRetentionPolicy", body).send()
    assert answer.status_code == 400, answer.text
    assert code_of(answer) in ("SerializationException", "InvalidParameterException", "ValidationException"), answer.text


BAD_FORMS = {
    "bad UTF-8": b"Action=CreateUser&UserName=%FF%FE",
    "cut escape": b"Action=CreateUser&UserName=%4",
    "no action": b"UserName=a",
    "empty": b"",
    "unknown action": b"Action=LaunchRocket",
    "list index out of reason": b"Action=CreateUser&UserName=a&Tags.member.999999999.Key=a",
    "NUL": b"Action=CreateUser&UserName=a%00b",
    "markup": b"Action=CreateUser&UserName=%3C%26%3E",
}


@pytest.mark.parametrize("form", BAD_FORMS.values(), ids=BAD_FORMS.keys())
def test_malformed_forms_are_refused(raw, form):
    answer = raw.query("iam", form).send()
    assert 400 <= answer.status_code < 500 or answer.status_code == 501, answer.text
    assert re.fullmatch("[A-Z][A-Za-z.]+", code_of(answer)), answer.text


def test_a_missing_parameter_is_named(raw):
    answer = raw.query("iam", "Action=CreateUser").send()
    assert answer.status_code == 400
    assert code_of(answer) in ("ValidationError", "MissingParameter") and "userName" in answer.text, answer.text


def test_a_hundred_megabytes_are_refused_unread(server, raw):
    """The answer comes before the body has been taken, and memory does not grow with it."""
    body = b'{"logGroupName": "' + b"a" * (100 << 20) + b'"}'
    sent = raw.json("logs", "CreateLogGroup", body)
    at = urlsplit(raw.endpoint)
    before = resident_bytes(server)
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items())
    with socket.create_connection((at.hostname, at.port), timeout=30) as wire:
        wire.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode())
        taken = 0
        try:
            for start in range(0, len(body), 1 << 20):
                wire.sendall(body[start:start + (1 << 20)])
                taken += 1 << 20
        except ConnectionError:
            pass  # the server has answered and closed
        try:
            answer = wire.recv(65536)
        except ConnectionError:
            answer = b""
    assert not answer or answer.split(b"\r\n")[0].split()[1] == b"413", answer[:500]
    assert resident_bytes(server) - before < 48 << 20


def resident_bytes(server) -> int:
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_a_hundred_megabytes_of_nobody_are_refused(raw):
    """Without a signature, and announced only chunk by chunk."""
    at = urlsplit(raw.endpoint)
    chunk = b"100000\r\n" + b"a" * (1 << 20) + b"\r\n"
    with socket.create_connection((at.hostname, at.port), timeout=30) as wire:
        wire.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                     b"Content-Type: application/x-www-form-urlencoded\r\n\r\n")
        sent = 0
        try:
            for _ in range(100):
                wire.sendall(chunk)
                sent += len(chunk)
        except ConnectionError:
            pass
    assert sent < 100 << 20, "all of it was taken"


NO_HTTP = {
    "noise": bytes(random.Random(7).randrange(256) for _ in range(4096)),
    "no version": b"GET /\r\n\r\n",
    "long line": b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
    "endless head": b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 100000,
    "bad length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "TLS of the moon": b"\x16\x03\x01\xff\xff" + b"\xff" * 300,
    "nothing": b"",
}


@pytest.mark.parametrize("data", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_what_is_no_http_ends_the_connection(raw, data):
    answer = raw.bytes(data)
    first = answer.split(b"\r\n")[0]
    assert not answer.startswith(b"HTTP/1.1 2") and not re.match(rb"HTTP/1.1 5", first), answer[:300]


# Signatures


def test_a_clock_that_is_late_is_told_so(raw):
    for sent in (raw.query("sts", IDENTITY, skew_s=-3600), raw.json("logs", "DescribeLogGroups", b"{}", skew_s=-3600)):
        answer = sent.send()
        assert answer.status_code in (400, 403), answer.text
        assert code_of(answer) in ("SignatureDoesNotMatch", "InvalidSignatureException"), answer.text
        assert "Signature expired" in answer.text and "is now earlier than" in answer.text, answer.text


def test_a_clock_that_is_early_is_told_so(raw):
    answer = raw.query("sts", IDENTITY, skew_s=3600).send()
    assert answer.status_code == 403 and code_of(answer) == "SignatureDoesNotMatch"
    assert "Signature not yet current" in answer.text and "is still later than" in answer.text, answer.text


@pytest.mark.parametrize("skew_s", [-240, 240])
def test_a_clock_that_is_a_little_off_is_forgiven(raw, skew_s):
    assert raw.query("sts", IDENTITY, skew_s=skew_s).send().status_code == 200


def test_a_replay_is_good_only_for_what_was_signed(raw):
    """AWS's rule: the same bytes may be sent again while the date is good (retries do), and nothing else."""
    sent = raw.query("sts", IDENTITY)
    assert sent.send().status_code == sent.send().status_code == 200
    other = raw.query("iam", "Action=CreateUser&UserName=mallory")
    bent = {
        "another body": sent.send(body=other.body),
        "a longer body": sent.send(body=sent.body + b"&Extra=1"),
        "a query string": sent.send(url=sent.url + "?Action=GetSessionToken"),
        "another path": sent.send(url=sent.url + "elsewhere"),
        "another method": sent.send(method="PUT"),
        "another date": sent.send(headers={**sent.headers, "X-Amz-Date": raw.query("sts", IDENTITY, skew_s=60).headers["X-Amz-Date"]}),
        "another service": sent.send(headers={**sent.headers, "Authorization": sent.headers["Authorization"].replace("/sts/", "/iam/")},
                                     body=sent.body),
        "another host": sent.send(headers={**sent.headers, "Host": "elsewhere.example"}),
    }
    for what, answer in bent.items():
        assert answer.status_code in (400, 403, 404), f"{what}: {answer.status_code} {answer.text}"
        assert code_of(answer) in ("SignatureDoesNotMatch", "InvalidClientTokenId", "IncompleteSignature"), f"{what}: {answer.text}"


def test_an_old_replay_is_refused(raw):
    sent = raw.query("sts", IDENTITY, skew_s=-16 * 60)
    answer = sent.send()
    assert answer.status_code == 403 and "Signature expired" in answer.text, answer.text


def test_half_an_authorization_is_refused(raw):
    sent = raw.query("sts", IDENTITY)
    good = sent.headers["Authorization"]
    for value in ("", "AWS4-HMAC-SHA256", good[:60], good.rsplit(",", 1)[0], good[:-1], good + "0",
                  good.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"), "Basic QVdTOng="):
        answer = sent.send(headers={**sent.headers, "Authorization": value})
        assert answer.status_code in (400, 403), f"{value}: {answer.status_code} {answer.text}"


def test_a_slow_client_does_not_hold_others_up(raw):
    """A hundred connections that say half a head each; a good request is answered meanwhile."""
    at = urlsplit(raw.endpoint)
    idle = [socket.create_connection((at.hostname, at.port), timeout=5) for _ in range(100)]
    try:
        for one in idle:
            one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
        assert raw.query("sts", IDENTITY).send().status_code == 200
        assert not select.select(idle, [], [], 0)[0], "it did not have to wait until the slow ones were given up"
    finally:
        for one in idle:
            one.close()

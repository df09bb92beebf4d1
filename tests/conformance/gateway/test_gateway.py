"""What every service has from the gateway: signatures, limits, errors. Ours, where no page is named."""
import datetime
import http.client
import os
import ssl

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

QUERY = "application/x-www-form-urlencoded; charset=utf-8"
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.fixture
def ask(server):
    """ask(body, service=..., at=...): a request signed by botocore's signer, changed by `tamper`, sent as it is."""
    exports = server.environment()
    address = exports["AWS_ENDPOINT_URL"].removeprefix("http://")
    credentials = botocore.credentials.Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])

    def send(body=WHO, service="sts", at=None, tamper=None, headers=None, region="us-west-1", times=1):
        request = botocore.awsrequest.AWSRequest("POST", f"http://{address}/", data=body,
                                                 headers={"Content-Type": QUERY, "Host": address, **(headers or {})})
        signer = botocore.auth.SigV4Auth(credentials, service, region)
        request.context["timestamp"] = (at or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
        request.headers["X-Amz-Date"] = request.context["timestamp"]
        canonical = signer.canonical_request(request)
        signer._inject_signature_to_request(request, signer.signature(signer.string_to_sign(request, canonical), request))
        if tamper:
            tamper(request)
        for _ in range(times):
            connection = http.client.HTTPConnection(address, timeout=30)
            connection.request("POST", "/", body=request.data, headers=dict(request.headers.items()))
            answer = connection.getresponse()
            status, text = answer.status, answer.read().decode()
            connection.close()
        return status, text

    return send


def test_signed(ask):
    status, text = ask()
    assert status == 200 and "<GetCallerIdentityResult>" in text


@pytest.mark.parametrize("minutes, word", [(-20, "Signature expired"), (20, "Signature not yet current")])
def test_a_wrong_clock(ask, minutes, word):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"""
    status, text = ask(at=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes))
    assert status == 403 and "SignatureDoesNotMatch" in text and word in text


def test_a_replay_inside_the_window_is_legal(ask):
    """SigV4 has no nonce: a client's HTTP stack may send a request again."""
    assert ask(times=2)[0] == 200


def test_tampered(ask):
    def body(request):
        request.data = WHO + b"&x=y"

    def target(request):
        request.headers["X-Amz-Target"] = "Other.Operation"

    def signature(request):
        value = request.headers["Authorization"]
        del request.headers["Authorization"]
        request.headers["Authorization"] = value[:-4] + ("0000" if value[-4:] != "0000" else "1111")

    for tamper in (body, target, signature):
        status, text = ask(tamper=tamper)
        assert status == 403 and "SignatureDoesNotMatch" in text, tamper.__name__


def test_unsigned(ask):
    def strip(request):
        del request.headers["Authorization"]

    assert "MissingAuthenticationToken" in ask(tamper=strip)[1]


def test_a_service_that_is_not_served(ask):
    status, text = ask(service="polly")
    assert status == 501 and "does not serve 'polly'" in text


@pytest.mark.parametrize("command", ["elasticache describe-cache-clusters", "sqs list-queues", "polly describe-voices",
                                     "cloudfront list-distributions", "s3api list-buckets", "s3 ls"])
def test_every_client_can_read_that_its_service_is_not_served(aws, command):
    done = aws(f"aws {command}", check=False)
    assert "(NotImplemented)" in done.stderr and "does not serve" in done.stderr


def test_malformed_bodies(ask):
    for body in (b"", b"Action", b"Action=%zz", b"\xff\xfe", b"Action=Nothing&Version=2011-06-15"):
        status, text = ask(body)
        assert 400 <= status < 500 and "<Error>" in text, body
    for body in (b"", b"{", b"[]", b'{"clusters": 5}', b'{"clusters": ["\xff"]}', b"[" * 100_000):
        status, text = ask(body, service="ecs", headers={
            "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.DescribeClusters", "Content-Type": "application/x-amz-json-1.1"})
        assert status == 400 and "__type" in text or body in (b"",), (body[:20], status, text)


def resident_kib(server) -> int:
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


@pytest.mark.skipif("LANDFALL_TEST_ENDPOINT" in os.environ, reason="reads the server's memory")
def test_a_body_of_100_mb_is_refused_and_not_kept(server, ask):
    ask()
    before = resident_kib(server)
    status, text = None, ""
    try:
        status, text = ask(b"Action=GetCallerIdentity&x=" + b"y" * (100 << 20))
    except (ConnectionError, BrokenPipeError):
        pass  # refused while it was still being sent
    if status is not None:
        assert status == 413 and "larger than" in text
    assert resident_kib(server) - before < 20_000
    assert ask()[0] == 200


def test_health(server):
    connection = http.client.HTTPConnection(server.environment()["AWS_ENDPOINT_URL"].removeprefix("http://"), timeout=10)
    connection.request("GET", "/_landfall/health")
    assert connection.getresponse().status == 200


def test_own_calls_are_for_root_only(server, user):
    connection = http.client.HTTPConnection(server.environment()["AWS_ENDPOINT_URL"].removeprefix("http://"), timeout=10)
    connection.request("GET", "/_landfall/metrics")
    assert connection.getresponse().status == 403


@pytest.mark.skipif("LANDFALL_TEST_ENDPOINT" in os.environ, reason="needs the server's ca.crt")
def test_tls_on_the_same_port(server):
    trusting = ssl.create_default_context(cafile=str(server.data / "ca" / "ca.crt"))
    for host in ("localhost", "127.0.0.1"):
        connection = http.client.HTTPSConnection(host, server.port, context=trusting, timeout=10)
        connection.request("GET", "/_landfall/health")
        assert connection.getresponse().status == 200
    with pytest.raises(ssl.SSLError):
        http.client.HTTPSConnection("localhost", server.port, context=ssl.create_default_context(), timeout=10).request("GET", "/")

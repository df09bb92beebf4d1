"""Requests below the SDKs: signed by hand, then bent, cut or sent again."""
import datetime
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

JSON_TARGETS = {"ecs": "AmazonEC2ContainerServiceV20141113", "logs": "Logs_20140328",
                "ecr": "AmazonEC2ContainerRegistry_V20150921"}
QUERY_VERSIONS = {"sts": "2011-06-15", "iam": "2010-05-08", "rds": "2014-10-31", "ec2": "2016-11-15"}


class ClockAt(SigV4Auth):
    """Signs as somebody whose clock is `skew_s` off."""

    def __init__(self, skew_s: float, *arguments: object):
        super().__init__(*arguments)
        self.skew_s = skew_s

    def add_auth(self, request: AWSRequest) -> None:
        when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.skew_s)
        request.context["timestamp"] = when.strftime("%Y%m%dT%H%M%SZ")
        if "Authorization" in request.headers:
            del request.headers["Authorization"]
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        self._inject_signature_to_request(request, self.signature(self.string_to_sign(request, canonical), request))

    def _set_necessary_date_headers(self, request: AWSRequest) -> None:
        request.headers["X-Amz-Date"] = request.context["timestamp"]


@dataclass
class Sent:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    answers: list[requests.Response] = field(default_factory=list)

    def send(self, **changes: object) -> requests.Response:
        """Sends what was signed; `changes` (method, url, headers, body) replace parts of it afterwards."""
        at = {"method": self.method, "url": self.url, "headers": self.headers, "body": self.body, **changes}
        return requests.request(at["method"], at["url"], headers=at["headers"], data=at["body"], timeout=30)


class Raw:
    """`raw.json("ecs", "ListClusters", b"{}")`, `raw.query("sts", "Action=GetCallerIdentity")`."""

    def __init__(self, exports: dict[str, str], region: str):
        self.endpoint = exports["AWS_ENDPOINT_URL"]
        self.keys = Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])
        self.region = region

    def signed(self, service: str, body: bytes, headers: dict[str, str], skew_s: float = 0) -> Sent:
        request = AWSRequest("POST", self.endpoint + "/", data=body,
                             headers={"Host": urlsplit(self.endpoint).netloc, **headers})
        ClockAt(skew_s, self.keys, service, self.region).add_auth(request)
        return Sent("POST", request.url, dict(request.headers), body)

    def json(self, service: str, operation: str, body: bytes, skew_s: float = 0) -> Sent:
        return self.signed(service, body, {"Content-Type": "application/x-amz-json-1.1",
                                           "X-Amz-Target": f"{JSON_TARGETS[service]}.{operation}"}, skew_s)

    def query(self, service: str, form: str | bytes, skew_s: float = 0) -> Sent:
        data = form if isinstance(form, bytes) else form.encode()
        if b"Version=" not in data:
            data += b"&Version=" + QUERY_VERSIONS[service].encode()
        return self.signed(service, data, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, skew_s)

    def bytes(self, data: bytes, timeout_s: float = 60) -> bytes:
        """What comes back for bytes that may be no HTTP at all, until the server closes; TimeoutError when it does not."""
        at = urlsplit(self.endpoint)
        got = b""
        with socket.create_connection((at.hostname, at.port), timeout=timeout_s) as wire:
            try:
                wire.sendall(data)
                wire.shutdown(socket.SHUT_WR)
                while piece := wire.recv(65536):
                    got += piece
            except TimeoutError:
                raise
            except OSError:  # closed before it had all
                pass
        return got

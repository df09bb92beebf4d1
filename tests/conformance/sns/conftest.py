"""An HTTP endpoint that subscribes itself, as the guides have it."""
import http.server
import json
import threading
import urllib.request
from dataclasses import dataclass, field

import pytest
from harness.certificates import serve_tls
from harness.waiting import eventually


@dataclass
class Endpoint:
    """What was posted: `got` holds (headers, body); `answers` are the statuses to give, the last one again and again."""
    server: http.server.ThreadingHTTPServer
    got: list[tuple[dict, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=lambda: [200])
    url: str = ""


    def of_type(self, kind: str) -> list[tuple[dict, str]]:
        return [(headers, body) for headers, body in self.got if headers["x-amz-sns-message-type"] == kind]

    def messages(self) -> list[dict]:
        return [json.loads(body) for _, body in self.of_type("Notification")]

    def confirm(self) -> str:
        """Visits the SubscribeURL, as nobody in particular. The answer's text."""
        [(_, body)] = eventually(lambda: self.of_type("SubscriptionConfirmation"), within_s=10)[:1]
        with urllib.request.urlopen(json.loads(body)["SubscribeURL"], timeout=10) as answer:
            return answer.read().decode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        ours = self.server.endpoint
        ours.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = ours.answers.pop(0) if len(ours.answers) > 1 else ours.answers[0]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def listen() -> Endpoint:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.endpoint = Endpoint(server, url=f"http://127.0.0.1:{server.server_port}/hook")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.endpoint


@pytest.fixture
def endpoint():
    ours = listen()
    yield ours
    ours.close()


@pytest.fixture
def second_endpoint():
    ours = listen()
    yield ours
    ours.close()


@pytest.fixture
def tls_endpoint(server, tmp_path):
    """make(trusted): an endpoint whose certificate is of the server's own authority, or signed by itself."""
    if not hasattr(server, "data"):
        pytest.skip("the certificate is of this server's authority")
    made = []

    def make(trusted: bool) -> Endpoint:
        listening = serve_tls(Handler, tmp_path / f"tls{len(made)}", server if trusted else None)
        listening.endpoint = Endpoint(listening)
        listening.endpoint.url = f"https://127.0.0.1:{listening.server_port}/hook"
        made.append(listening.endpoint)
        return listening.endpoint

    yield make
    for one in made:
        one.close()


@pytest.fixture
def sns(clients):
    return clients("sns")


@pytest.fixture
def topic(sns, name):
    arn = sns.create_topic(Name=name)["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


@pytest.fixture
def subscribed(sns, topic, endpoint):
    """The endpoint, subscribed and confirmed; its subscription's ARN is `endpoint.arn`."""
    endpoint.arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url,
                                 ReturnSubscriptionArn=True)["SubscriptionArn"]
    endpoint.confirm()
    return endpoint

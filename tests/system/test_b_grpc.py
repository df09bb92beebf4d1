"""gRPC through a load balancer, with the gRPC library itself on both ends.

Documented: docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html (protocol version),
target-group-health-checks.html (gRPC), load-balancer-troubleshooting.html (464).
"""
import os
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest
from botocore.exceptions import ClientError

from harness.balanced import World
from harness.server import Server
from harness.waiting import eventually

PORT = 50051


class GrpcWorld(World):
    """The document's VPC with a gRPC service of two targets behind an HTTPS listener."""

    def __init__(self, server: Server, folder):
        super().__init__(server, folder)
        for service in self.services:
            service.close()
        self.allow(self.app, PORT, UserIdGroupPairs=[{"GroupId": self.front}])
        self.processes = {service.name: self.run(service) for service in self.services}

    def run(self, service) -> subprocess.Popen:
        namespace = Path(service.place.namespace).name
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, "-m", "harness.grpc_service", service.name, str(PORT)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})
        assert process.stdout.readline() == "ready\n"
        return process

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    def balance_grpc(self) -> None:
        made = self.elbv2.create_load_balancer(Name="grpc-alb", Subnets=self.public, SecurityGroups=[self.front])["LoadBalancers"][0]
        self.balancer, self.name = made["LoadBalancerArn"], made["DNSName"]
        group = self.elbv2.create_target_group(
            Name="grpc-tg", Protocol="HTTP", ProtocolVersion="GRPC", Port=PORT, VpcId=self.vpc, TargetType="ip",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=4, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]
        assert group["Matcher"] == {"GrpcCode": "12"} and group["HealthCheckPath"] == "/AWS.ALB/healthcheck"
        self.targets = group["TargetGroupArn"]
        certificate = self.acm.request_certificate(DomainName=self.name, ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1")["CertificateArn"]
        self.acm.get_waiter("certificate_validated").wait(CertificateArn=certificate, WaiterConfig={"Delay": 1})
        actions = [{"Type": "forward", "TargetGroupArn": self.targets}]
        with pytest.raises(ClientError, match="IncompatibleProtocols"):
            self.elbv2.create_listener(LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80, DefaultActions=actions)
        self.elbv2.create_listener(LoadBalancerArn=self.balancer, Protocol="HTTPS", Port=443, DefaultActions=actions,
                                   Certificates=[{"CertificateArn": certificate}])
        self.elbv2.get_waiter("load_balancer_available").wait(LoadBalancerArns=[self.balancer], WaiterConfig={"Delay": 1})
        self.elbv2.register_targets(TargetGroupArn=self.targets, Targets=[{"Id": service.place.address} for service in self.services])

    @property
    def ca(self) -> str:
        return str(self.server.data / "ca" / "ca.crt")

    def channel(self) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(Path(self.ca).read_bytes())
        return grpc.secure_channel(f"{self.name}:443", credentials, options=[("grpc.enable_http_proxy", 0)])


@pytest.fixture(scope="module")
def world(module_server, tmp_path_factory):
    made = GrpcWorld(module_server, tmp_path_factory.mktemp("home"))
    try:
        made.balance_grpc()
        yield made
    finally:
        made.close()


@pytest.fixture
def channel(world):
    world.all_healthy()
    with world.channel() as opened:
        yield opened


def test_b3_grpc_calls_of_every_kind(world, channel):
    say = channel.unary_unary("/test.Echo/Say")
    names = set()
    for number in range(10):
        answer, call = say.with_call(str(number).encode(), timeout=10)
        name, _, said = answer.decode().partition(":")
        trailers = dict(call.trailing_metadata())
        assert said == str(number) and trailers["x-service"] == name and trailers["x-proto"] == "https"
        names.add(name)
    assert names == {"one", "two"}
    assert [int(item) for item in channel.unary_stream("/test.Echo/Count")(b"1000", timeout=10)] == list(range(1000))
    parts = (b"x" * 60_000 for _ in range(100))
    assert channel.stream_unary("/test.Echo/Collect")(parts, timeout=20) == b"6000000"
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/test.Echo/Refuse")(b"tea", timeout=10)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND and caught.value.details() == "no tea"


def test_b3_grpc_streams_are_not_held_back(channel):
    """Each answer is waited for before the next request is sent."""
    answered = threading.Semaphore(1)

    def requests():
        for word in (b"a", b"b", b"c"):
            assert answered.acquire(timeout=10)
            yield word

    seen = []
    for answer in channel.stream_stream("/test.Echo/Chat")(requests(), timeout=20):
        seen.append(answer)
        answered.release()
    assert seen == [b"A", b"B", b"C"]


def test_b3_other_protocols_are_refused(world):
    world.all_healthy()
    url = f"https://{world.name}/test.Echo/Say"
    assert world.curl(url, "--cacert", world.ca, "--http1.1", "-X", "POST", "-d", "x")[0] == 464
    assert world.curl(url, "--cacert", world.ca, "--http2")[0] == 464, "GET is no gRPC"


def test_b3_the_matcher_decides(world):
    world.all_healthy()
    world.elbv2.modify_target_group(TargetGroupArn=world.targets, Matcher={"GrpcCode": "0-5"})
    try:
        eventually(lambda: set(world.states().values()) == {"unhealthy"}, 40)
        health = world.health()["one"]
        assert health["Reason"] == "Target.ResponseCodeMismatch" and "[12]" in health["Description"]
    finally:
        world.elbv2.modify_target_group(TargetGroupArn=world.targets, Matcher={"GrpcCode": "12"})
    world.all_healthy()


def test_b3_a_grpc_target_that_died_leaves(world, channel):
    say = channel.unary_unary("/test.Echo/Say")
    world.processes["one"].kill()
    world.processes["one"].wait()
    eventually(lambda: world.states()["one"] == "unhealthy", 30)
    assert {say(b"", timeout=10) for _ in range(6)} == {b"two:"}
    world.processes["two"].kill()
    world.processes["two"].wait()
    with pytest.raises(grpc.RpcError) as caught:
        say(b"", timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    world.processes = {service.name: world.run(service) for service in world.services}
    world.all_healthy()
    assert {say(b"", timeout=10) for _ in range(6)} == {b"one:", b"two:"}

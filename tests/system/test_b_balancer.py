"""Rows B2, B3 and B12: traffic enters through a load balancer, only where it may, to services in private subnets.

The VPC is the document's: 10.0.0.0/16, public subnets 10.0.1.0/24 and 10.0.2.0/24, private ones 10.0.10.0/24 and 10.0.11.0/24. The
service behind the balancer is a small HTTP server in the network namespace of an interface, so that a test can make it fail at will.
"""
import gzip
import itertools
import json
import ssl
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from harness.balanced import Service, World
from harness.clients import Clients
from harness.dns import ask
from harness.packets import Place, socket_in
from harness.server import REGION
from harness.waiting import eventually


@pytest.fixture(scope="module")
def world(module_server, tmp_path_factory):
    made = World(module_server, tmp_path_factory.mktemp("home"))
    try:
        made.balance()
        yield made
    finally:
        for service in made.services:
            service.close()


def test_b3_requests_reach_every_target(world):
    world.all_healthy()
    assert {world.service() for _ in range(10)} == {"one", "two"}
    headers = world.seen("/a?b=c", "-H", "X-Test: 1")["headers"]
    assert headers["x-test"] == "1" and headers["host"] == world.name
    assert headers["x-forwarded-proto"] == "http" and headers["x-forwarded-port"] == "80"
    assert headers["x-forwarded-for"].count(".") == 3 and headers["x-amzn-trace-id"].startswith("Root=1-")


def test_b2_exactly_the_allowed_packets_pass(world):
    service = world.services[0].place.address
    friend = world.place(world.public[0], world.front)
    eventually(lambda: friend.connects(service, 3000), 60, what="the balancer's group reaches the service")
    stranger = world.place(world.private[0], world.group("stranger"))
    assert not stranger.connects(service, 3000), "another group to the service"
    assert not friend.connects(service, 3001), "another port of the service"
    assert not Place().connects(world.name, 81), "a port of the balancer without a rule"
    way = subprocess.run(["ip", "route", "get", service], capture_output=True, text=True).stdout
    assert " dev lf-" not in way, "the host has no way to a private address"


def test_b3_its_name_means_the_public_addresses_everywhere(world):
    known = world.ec2.describe_network_interfaces(
        Filters=[{"Name": "description", "Values": ["ELB app/framerater-alb/*"]}])["NetworkInterfaces"]
    public = sorted(interface["Association"]["PublicIp"] for interface in known)
    inside = world.place(world.public[0], world.front)
    assert sorted(ask(inside, world.name)) == public, "also inside its own VPC"
    assert {ask(inside, world.name)[0] for _ in range(20)} == set(public), "its addresses take turns"
    assert not inside.connects(public[0], 80), "without a public address there is no way to one"
    world.ec2.associate_address(AllocationId=world.ec2.allocate_address(Domain="vpc")["AllocationId"], NetworkInterfaceId=inside.interface)
    assert inside.connects(public[0], 80, 5)


def test_b3_a_failing_target_leaves_and_returns(world):
    world.all_healthy()
    one = world.services[0]
    one.health = 500
    eventually(lambda: world.states()["one"] == "unhealthy", 30)
    health = world.health()["one"]
    assert health["Reason"] == "Target.ResponseCodeMismatch" and "500" in health["Description"]
    assert {world.service() for _ in range(10)} == {"two"}
    assert "500" in world.server.why("framerater-tg")
    one.health = 200
    world.all_healthy()
    assert {world.service() for _ in range(10)} == {"one", "two"}


def test_b3_a_target_that_died_leaves_and_returns(world):
    world.all_healthy()
    place = world.services[0].place
    world.services[0].close()
    eventually(lambda: world.states()["one"] == "unhealthy", 30)
    assert {world.service() for _ in range(5)} == {"two"}
    world.services[0] = Service(place, "one")
    world.all_healthy()


def test_b2_the_missing_rule_is_named(world):
    world.all_healthy()
    rule = {"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 3000, "UserIdGroupPairs": [{"GroupId": world.front}]}
    world.ec2.revoke_security_group_ingress(GroupId=world.app, IpPermissions=[rule])
    try:
        eventually(lambda: set(world.states().values()) == {"unhealthy"}, 40)
        assert world.health()["one"]["Reason"] == "Target.Timeout"
        said = world.server.why("framerater-alb")
        assert world.app in said and "3000" in said and "authorize-security-group-ingress" in said, said
    finally:
        world.ec2.authorize_security_group_ingress(GroupId=world.app, IpPermissions=[rule])
    world.all_healthy()


def test_b3_rules(world):
    path = world.elbv2.create_rule(
        ListenerArn=world.listener, Priority=1, Conditions=[{"Field": "path-pattern", "Values": ["/tea/*"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403", "ContentType": "text/plain",
                                                                    "MessageBody": "no tea"}}])["Rules"][0]["RuleArn"]
    assert world.curl(f"http://{world.name}/tea/x") == (403, "no tea")
    assert world.service("/tea") in ("one", "two")
    world.elbv2.modify_rule(RuleArn=path, Conditions=[{"Field": "host-header", "Values": ["tea.*"]}])
    assert world.curl(f"http://{world.name}/tea/x", "-H", "Host: tea.example.com") == (403, "no tea")
    assert world.service("/tea/x") in ("one", "two")
    world.elbv2.delete_rule(RuleArn=path)
    assert world.curl(f"http://{world.name}/", "-H", "Host: tea.example.com")[0] == 200


def peer_names(address: str, asked_for: str, ca: str) -> set[str]:
    context = ssl.create_default_context(cafile=ca)
    with socket_in(None) as raw:
        raw.settimeout(10)
        raw.connect((address, 443))
        with context.wrap_socket(raw, server_hostname=asked_for) as secure:
            return {value for kind, value in secure.getpeercert()["subjectAltName"] if kind == "DNS"}


def test_b12_https_with_sni_and_redirect(world):
    world.all_healthy()
    arns = []
    for name in (world.name, "second.example.test"):
        arn = world.aws(f"aws acm request-certificate --domain-name {name} --validation-method DNS --key-algorithm EC_prime256v1"
                        ).json["CertificateArn"]
        world.aws(f"aws acm wait certificate-validated --certificate-arn {arn}")
        arns.append(arn)
    listener = world.aws(
        f"aws elbv2 create-listener --load-balancer-arn {world.balancer} --protocol HTTPS --port 443"
        f" --ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06 --certificates CertificateArn={arns[0]}"
        f" --default-actions Type=forward,TargetGroupArn={world.targets}").json["Listeners"][0]["ListenerArn"]
    ca = str(world.server.data / "ca" / "ca.crt")
    status, body = world.curl(f"https://{world.name}/", "--cacert", ca, "--http1.1")
    assert status == 200 and json.loads(body)["headers"]["x-forwarded-proto"] == "https"
    world.aws(f"aws elbv2 add-listener-certificates --listener-arn {listener} --certificates CertificateArn={arns[1]}")
    assert peer_names(world.name, "second.example.test", ca) == {"second.example.test"}
    assert peer_names(world.name, world.name, ca) == {world.name}
    # The imported certificate of somebody else, in place of ours.
    folder = world.server.folder
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "k.pem", "-out", folder / "c.pem",
                    "-subj", f"/CN={world.name[:60]}", "-days", "30", "-addext", f"subjectAltName=DNS:{world.name}"],
                   check=True, capture_output=True)
    imported = world.aws(f"aws acm import-certificate --certificate fileb://{folder}/c.pem --private-key fileb://{folder}/k.pem"
                         ).json["CertificateArn"]
    world.aws(f"aws elbv2 modify-listener --listener-arn {listener} --certificates CertificateArn={imported}")
    assert world.curl(f"https://{world.name}/", "--cacert", f"{folder}/c.pem", "--http1.1")[0] == 200
    # HTTP to HTTPS.
    world.aws(f"aws elbv2 modify-listener --listener-arn {world.listener} --default-actions",
              json.dumps([{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]))
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", f"http://{world.name}/x?y=z"],
                          capture_output=True, text=True, check=True).stdout
    status, _, target = done.partition(" ")
    assert status == "301"
    parts = urlsplit(target)
    assert (parts.scheme, parts.hostname, parts.port or 443, parts.path, parts.query) == ("https", world.name, 443, "/x", "y=z")
    world.aws(f"aws elbv2 modify-listener --listener-arn {world.listener}"
              f" --default-actions Type=forward,TargetGroupArn={world.targets}")


def test_b3_a_name_of_ones_own(world):
    zone = world.route53.create_hosted_zone(Name="framerater.test", CallerReference=world.vpc)["HostedZone"]["Id"]
    balancer = world.elbv2.describe_load_balancers(LoadBalancerArns=[world.balancer])["LoadBalancers"][0]
    world.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": {
        "Name": "app.framerater.test", "Type": "A", "AliasTarget": {
            "HostedZoneId": balancer["CanonicalHostedZoneId"], "DNSName": "dualstack." + world.name, "EvaluateTargetHealth": True}}}]})
    status, body = eventually(lambda: world.curl("http://app.framerater.test/"), 60, what="the alias in /etc/hosts")
    assert status == 200 and json.loads(body)["headers"]["host"] == "app.framerater.test"


def test_b3_requests_in_flight_end_before_a_target_leaves(world):
    world.all_healthy()
    for service in world.services:
        service.delay_s = 2.0
        service.slow = 0
    world.elbv2.modify_target_group_attributes(TargetGroupArn=world.targets, Attributes=[
        {"Key": "deregistration_delay.timeout_seconds", "Value": "10"}])
    answers: list = []
    threads = [threading.Thread(target=lambda: answers.append(world.service("/slow"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: world.services[0].slow, every_s=0.01, what="one of them has reached the first target")
    one = world.services[0].place.address
    world.elbv2.deregister_targets(TargetGroupArn=world.targets, Targets=[{"Id": one}])
    assert world.states()["one"] == "draining"
    assert world.health()["one"]["Reason"] == "Target.DeregistrationInProgress"
    assert {world.service() for _ in range(5)} == {"two"}
    for thread in threads:
        thread.join()
    assert len(answers) == 4 and "one" in answers, answers
    eventually(lambda: "one" not in world.states(), 60, what="the target gone after its delay")
    world.register()
    world.all_healthy()


def test_b3_nothing_is_lost_when_the_server_is_killed(world):
    world.all_healthy()
    stop, failed, done = threading.Event(), [], []

    def load() -> None:
        while not stop.is_set():
            try:
                done.append(world.service())
            except AssertionError as error:
                failed.append(str(error))

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()

    def go_on() -> None:
        before = len(done)
        eventually(lambda: failed or len(done) > before + 20, 60)

    go_on()
    world.server.kill()
    go_on()
    world.server.start()
    go_on()
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]
    world.all_healthy()
    # And it is still in charge.
    world.services[0].health = 500
    eventually(lambda: world.states()["one"] == "unhealthy", 30)
    world.services[0].health = 200
    world.all_healthy()


def test_b3_cloudwatch_has_its_figures(world):
    """Documented: elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html. A minute's figures come when it is over."""
    world.all_healthy()
    asked = 20
    for _ in range(asked):
        world.service()
    cloudwatch = Clients(world.server.environment(), REGION)("cloudwatch")
    balancer = {"Name": "LoadBalancer", "Value": world.balancer.split(":loadbalancer/")[1]}
    group = {"Name": "TargetGroup", "Value": "targetgroup/" + world.targets.split(":targetgroup/")[1]}

    def total(name: str, *dimensions: dict, statistic: str = "Sum") -> float:
        now = time.time()
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/ApplicationELB", MetricName=name, Dimensions=list(dimensions), StartTime=now - 1800, EndTime=now + 60, Period=60,
            Statistics=[statistic])["Datapoints"]
        return sum(point[statistic] for point in found)

    def reported() -> bool:
        return (total("RequestCount", balancer, group) >= asked and total("RequestCountPerTarget", balancer, group) >= asked / 2
                and total("HTTPCode_Target_2XX_Count", balancer) >= asked and total("ProcessedBytes", balancer) > 100 * asked
                and total("HealthyHostCount", balancer, group, statistic="Maximum") >= 2)

    # The minute that is over first may have begun before these requests.
    eventually(reported, 200, every_s=2)
    zones = [{"Name": "AvailabilityZone", "Value": REGION + zone} for zone in "ac"]
    # Asked for one after the other: a minute may end in between.
    eventually(lambda: sum(total("RequestCount", balancer, zone) for zone in zones) == total("RequestCount", balancer))
    assert 0 < total("TargetResponseTime", balancer, group, statistic="Average") < 60

    # What has been counted is counted once, also when the server is killed in between.
    def minutes() -> dict:
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/ApplicationELB", MetricName="RequestCount", Dimensions=[balancer], StartTime=begin, EndTime=time.time() + 60, Period=60,
            Statistics=["Sum"])["Datapoints"]
        return {point["Timestamp"]: point["Sum"] for point in found}

    begin = time.time() - 1800
    before = minutes()
    world.server.kill()
    world.server.start()

    def another() -> dict:
        world.service()
        after = minutes()
        return after if len(after) > len(before) else {}

    after = eventually(another, 150, every_s=2, what="another minute is over")
    assert {minute: after[minute] for minute in before} == before


def test_b3_logs_are_in_the_buckets_folder(world):
    """Documented: load-balancer-access-logs.html, load-balancer-connection-logs.html. A line for each request, and for each connection."""
    world.all_healthy()
    clients = Clients(world.server.environment(), REGION)("elbv2")

    def keep(on: bool) -> None:
        attributes = {f"{kind}.s3.{key}": value for kind in ("access_logs", "connection_logs")
                      for key, value in {"enabled": str(on).lower(), "bucket": "my-logs", "prefix": "web"}.items()}
        clients.modify_load_balancer_attributes(
            LoadBalancerArn=world.balancer, Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()])

    def lines(kind: str) -> list[str]:
        files = [each for each in (world.server.data / "buckets/my-logs/web/AWSLogs").glob(
            f"*/elasticloadbalancing/{REGION}/*/*/*/{kind}*_elasticloadbalancing_{REGION}_app.framerater-alb.*.log.gz")
            if each.name[0] != "." and each.name.startswith("conn_log.") == bool(kind)]
        return [line for each in files for line in gzip.decompress(each.read_bytes()).decode().splitlines()]

    keep(True)
    numbers = itertools.count()

    def is_logged() -> bool:
        world.seen(f"/logged/{next(numbers)}")
        return any((world.server.data / "proxy/unfinished-logs").glob("*"))

    eventually(is_logged, 60)
    for _ in range(10):
        last = next(numbers)
        world.seen(f"/logged/{last}")
    keep(False)
    eventually(lambda: lines("conn_log.") and any(f"/logged/{last} " in line for line in lines("")), 60, what="finished when switched off")
    ours = [line for line in lines("") if "/logged/" in line]
    assert len(ours) >= 10 and all(line.startswith("http ") and " 200 200 " in line for line in ours)
    connections = {line.split()[-1] for line in lines("conn_log.")}
    assert connections >= {line.split()[-4] for line in ours[-5:]}, "each names its connection"
    with pytest.raises(ClientError, match="bucket"):
        clients.modify_load_balancer_attributes(LoadBalancerArn=world.balancer, Attributes=[{"Key": "access_logs.s3.bucket", "Value": "../../etc"}])


def test_b3_deleted_it_is_gone(world):
    world.aws(f"aws elbv2 delete-load-balancer --load-balancer-arn {world.balancer}")
    world.aws(f"aws elbv2 wait load-balancers-deleted --load-balancer-arns {world.balancer}")
    eventually(lambda: not world.ec2.describe_network_interfaces(
        Filters=[{"Name": "description", "Values": ["ELB app/framerater-alb/*"]}])["NetworkInterfaces"], 20, what="its interfaces gone")
    assert world.name not in open("/etc/hosts").read()
    world.aws(f"aws elbv2 delete-target-group --target-group-arn {world.targets}")

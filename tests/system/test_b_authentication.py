"""Users log in before they reach the service, and tokens are validated: the authentication actions of application load balancers.

Documented: elasticloadbalancing/latest/application/listener-authenticate-users.html, listener-verify-jwt.html,
load-balancer-troubleshooting.html (401, 500, 561, 562), load-balancer-access-logs.html (error reasons). The provider is the tests' own, at
a public address; browser and balancer reach it as they reach anybody in the internet. The browser is curl with a cookie jar.
"""
import base64
import gzip
import json
import os
import signal
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.balanced import World
from harness.clients import refused
from harness.dns import ask
from harness.provider import Provider, read_signed
from harness.server import REGION, Server
from harness.waiting import eventually



class Guarded(World):
    """The two services of the document behind an HTTPS listener, and a provider."""

    def __init__(self, server: Server, folder: Path):
        super().__init__(server, folder)
        self.folder = folder
        self.balance()
        arn = self.acm.request_certificate(DomainName=self.name, ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1")["CertificateArn"]
        self.acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1})
        self.ca = str(server.data / "ca" / "ca.crt")
        self.secure = self.elbv2.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": arn}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.targets}])["Listeners"][0]["ListenerArn"]
        group = self.group("provider")
        self.allow(group, 8443, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
        place = self.place(self.public[0], group)
        address = self.ec2.allocate_address(Domain="vpc")
        self.ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=place.interface)
        self.provider = Provider(place, address["PublicIp"], folder, server.data / "ca")
        self.jars = 0

    def close(self) -> None:
        self.provider.close()
        for service in self.services:
            service.close()

    def guard(self, **changes) -> None:
        """From here on the listener's users log in."""
        self.elbv2.modify_listener(ListenerArn=self.secure, DefaultActions=[
            self.provider.action(**changes), {"Type": "forward", "Order": 2, "TargetGroupArn": self.targets}])

    def jar(self) -> Path:
        self.jars += 1
        return self.folder / f"jar-{self.jars}"

    def browse(self, path: str, jar: Path | None = None, *options: str, follow: bool = True) -> tuple[int, str, str]:
        """Status, body and, without following, where the answer sends the browser."""
        words = ["curl", "-sS", "--noproxy", "*", "--max-time", "30", "--cacert", self.ca, "-w", "\n%{http_code} %{redirect_url}"]
        words += ["-L"] if follow else []
        words += ["-b", str(jar), "-c", str(jar)] if jar else []
        url = path if path.startswith("https://") else f"https://{self.name}{path}"
        done = subprocess.run([*words, *options, url], capture_output=True, text=True)
        assert done.returncode == 0, f"curl {url}: {done.stderr}"
        body, _, last = done.stdout.rpartition("\n")
        status, _, location = last.partition(" ")
        return int(status), body, location

    def log_in(self, path: str = "/", *options: str) -> tuple[Path, dict]:
        """A browser that has a session, and what the service was sent by it."""
        jar = self.jar()
        status, body, _ = self.browse(path, jar, *options)
        assert status == 200, (status, body, self.proxy_log())
        return jar, json.loads(body)

    def proxy_log(self) -> str:
        return (self.server.data / "proxy/log").read_text()[-2000:]

    def is_sent_away(self, jar: Path | None, path: str = "/") -> bool:
        status, _, location = self.browse(path, jar, follow=False)
        return status == 302 and location.startswith(self.provider.url + "/authorize?")


@pytest.fixture(scope="module")
def world(module_server, tmp_path_factory):
    made = Guarded(module_server, tmp_path_factory.mktemp("home"))
    try:
        made.all_healthy()
        yield made
    finally:
        made.close()


def test_users_log_in_and_the_service_knows_who_they_are(world):
    world.guard()
    before = len(world.provider.calls)
    jar, seen = world.log_in("/where/to?a=b&c=%20d", "-H", "X-Amzn-Oidc-Identity: root", "-H", "x_amzn_oidc_data: root")
    assert world.provider.calls[before:] == ["/authorize", "/token", "authorization_code", "/userinfo"]
    assert seen["path"] == "/where/to?a=b&c=%20d", "back where the user wanted to go"
    headers = seen["headers"]
    assert headers["x-amzn-oidc-identity"] == "alice" and headers["x-amzn-oidc-accesstoken"] in world.provider.access_tokens
    assert "root" not in json.dumps(headers)
    # As AWS's documentation tells targets to: the key is at its id's address.
    kid = json.loads(base64.urlsafe_b64decode(headers["x-amzn-oidc-data"].split(".")[0]))["kid"]
    with urllib.request.urlopen(f"{world.server.endpoint}/{kid}") as answer:
        header, claims = read_signed(headers["x-amzn-oidc-data"], answer.read().decode(), world.folder)
    inside = world.place(world.public[0])
    assert ask(inside, f"public-keys.auth.elb.{REGION}.amazonaws.com") == ask(inside, f"ec2.{REGION}.amazonaws.com"), "AWS's name for it"
    assert header["alg"] == "ES256" and header["signer"] == world.balancer and header["client"] == world.provider.client
    assert claims["email"] == "alice@example.com" and claims["name"] == "Älice" and claims["iss"] == world.provider.url
    assert time.time() < claims["exp"] < time.time() + 300
    cookies = [line for line in jar.read_text().splitlines() if "AWSELBAuthSessionCookie-0" in line]
    assert len(cookies) == 1 and cookies[0].startswith("#HttpOnly_") and cookies[0].split("\t")[3] == "TRUE", "secure, out of scripts' reach"
    assert "alice" not in cookies[0]
    # The session serves from here on: the provider is not asked again.
    before = len(world.provider.calls)
    assert world.browse("/again", jar)[0] == 200 and len(world.provider.calls) == before
    status, body, _ = world.browse("/again", jar, "--http1.1")
    assert status == 200 and json.loads(body)["headers"]["x-amzn-oidc-identity"] == "alice"


def test_the_secret_is_kept_to_ourselves(world):
    world.guard()
    shown = world.elbv2.describe_listeners(ListenerArns=[world.secure])["Listeners"][0]["DefaultActions"]
    config = shown[0]["AuthenticateOidcConfig"]
    assert "ClientSecret" not in config and world.provider.secret not in json.dumps(shown)
    assert config["SessionTimeout"] == 604800 and config["Scope"] == "openid" and config["OnUnauthenticatedRequest"] == "authenticate"
    rules = world.elbv2.describe_rules(ListenerArn=world.secure)["Rules"]
    assert "ClientSecret" not in rules[-1]["Actions"][0]["AuthenticateOidcConfig"]
    for file in world.server.data.glob("store.db*"):
        assert world.provider.secret.encode() not in file.read_bytes(), f"in clear in {file.name}"
    # Changed without naming the secret again: logins go on.
    world.guard(ClientSecret=None, UseExistingClientSecret=True, Scope="openid email")
    assert world.log_in()[1]["headers"]["x-amzn-oidc-identity"] == "alice"
    for changes in ({"ClientSecret": None}, {"UseExistingClientSecret": True}):
        code, message = refused(world.guard, **changes)
        assert code == "ValidationError" and "ClientSecret" in message


def test_what_cannot_work_is_refused(world):
    forward = {"Type": "forward", "Order": 2, "TargetGroupArn": world.targets}
    code, message = refused(world.elbv2.modify_listener, ListenerArn=world.listener, DefaultActions=[world.provider.action(), forward])
    assert code == "InvalidLoadBalancerAction" and "HTTPS" in message
    pool = {"UserPoolArn": f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/x", "UserPoolClientId": "a", "UserPoolDomain": "b"}
    code, message = refused(world.elbv2.modify_listener, ListenerArn=world.secure, DefaultActions=[
        {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": pool}, forward])
    assert code == "InvalidLoadBalancerAction" and "no Amazon Cognito" in message
    assert refused(world.guard, TokenEndpoint="http://example.com/token")[0] == "ValidationError"
    assert refused(world.guard, SessionTimeout=604801)[0] == "ValidationError"


def test_a_changed_cookie_is_none_and_the_log_says_so(world):
    attributes = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "auth-logs"}
    world.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=world.balancer, Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()])
    world.guard()
    jar, _ = world.log_in("/noted")
    text = jar.read_text()
    value = next(line for line in text.splitlines() if "AWSELBAuthSessionCookie-0" in line).split("\t")[-1]
    for changed in (value[:-1] + ("A" if value[-1] != "A" else "B"), value[:40], "x", value + "A", value[20:] + value[:20]):
        jar.write_text(text.replace(value, changed))
        assert world.is_sent_away(jar, "/changed"), changed[:50]
    jar.write_text(text)
    assert world.browse("/", jar, follow=False)[0] == 200
    # Of another provider's client it is none either.
    world.guard(ClientId="another")
    assert world.is_sent_away(jar)
    world.guard()
    assert world.browse("/oauth2/idpresponse?code=1&state=2", jar, follow=False)[0] == 401
    world.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=world.balancer, Attributes=[{"Key": "access_logs.s3.enabled", "Value": "false"}])

    def lines() -> list[str]:
        return [line for each in (world.server.data / "buckets/auth-logs").glob("AWSLogs/**/*.log.gz") if each.name[0] != "."
                for line in gzip.decompress(each.read_bytes()).decode().splitlines()]

    eventually(lambda: any('"AuthInvalidStateParam"' in line for line in lines()), 40, what="the log is finished")
    good = [line for line in lines() if "/noted" in line and " 200 200 " in line]
    assert good and all('"authenticate,forward"' in line for line in good)
    bad = [line for line in lines() if "/changed" in line]
    assert len(bad) == 5 and all('"AuthInvalidCookie"' in line and '"authenticate"' in line and " 302 - " in line for line in bad)


def test_without_a_session_deny_or_allow(world):
    world.guard(OnUnauthenticatedRequest="deny")
    assert world.browse("/", follow=False)[0] == 401
    world.guard(OnUnauthenticatedRequest="allow")
    status, body, _ = world.browse("/", None, "-H", "X-Amzn-Oidc-Identity: root", follow=False)
    assert status == 200 and not [name for name in json.loads(body)["headers"] if "oidc" in name]
    # Who has a session of the same login is known there, too.
    world.guard()
    jar, _ = world.log_in()
    world.guard(OnUnauthenticatedRequest="allow")
    assert json.loads(world.browse("/", jar)[1])["headers"]["x-amzn-oidc-identity"] == "alice"


def test_sessions_end(world):
    world.guard(SessionTimeout=3)
    jar, _ = world.log_in()
    # curl would drop the cookie itself: what counts is the time inside it.
    jar.write_text("\n".join("\t".join([*line.split("\t")[:4], "0", *line.split("\t")[5:]]) if "Cookie-" in line else line
                             for line in jar.read_text().splitlines()) + "\n")
    eventually(lambda: world.is_sent_away(jar), 40, what="the session has ended")


def test_tokens_are_renewed_until_that_fails(world):
    provider = world.provider
    provider.access_s, provider.gives_refresh = 2, True
    try:
        world.guard()
        jar, seen = world.log_in()
        first = seen["headers"]["x-amzn-oidc-accesstoken"]

        def renewed() -> bool:
            status, body, _ = world.browse("/", jar, follow=False)
            assert status == 200, body
            return json.loads(body)["headers"]["x-amzn-oidc-accesstoken"] != first

        eventually(renewed, 40, what="another access token")
        assert provider.calls.count("refresh_token") >= 1
        # A browser asks for many things at once, and this provider takes a refresh token once: none of them is sent away.
        provider.one_use = True
        eventually(lambda: time.time() > provider.ends, 40, what="the access token has expired")
        with ThreadPoolExecutor(8) as browsers:
            assert set(browsers.map(lambda _: world.browse("/", None, "-b", str(jar), follow=False)[0], range(8))) == {200}
        provider.refresh_tokens.clear()
        eventually(lambda: world.is_sent_away(jar), 40, what="the user logs in again where it fails")
    finally:
        provider.access_s, provider.gives_refresh, provider.one_use = 3600, False, False
    # Without refresh tokens the session lasts as long as it may.
    provider.access_s = 1
    jar, _ = world.log_in()
    provider.access_s = 3600
    asked = len(provider.calls)
    time.sleep(1.2)  # nothing to see: the token's end must pass without a question
    assert world.browse("/", jar, follow=False)[0] == 200 and len(provider.calls) == asked


def test_a_provider_that_is_ill_or_away(world):
    world.guard()

    def comes_back_with(status: int, change=None) -> None:
        jar = world.jar()
        _, _, to_provider = world.browse("/", jar, follow=False)
        _, _, back = world.browse(to_provider, None, follow=False)
        if change:
            change()
        assert world.browse(back, jar, follow=False)[0] == status, world.proxy_log()
        return jar, back

    provider = world.provider
    for path in ("/token", "/userinfo"):
        provider.broken = {path: 503}
        comes_back_with(561)
    provider.broken = {}
    comes_back_with(561, provider.codes.clear)  # invalid_grant
    provider.claims["long"] = "x" * 12000
    comes_back_with(500)
    del provider.claims["long"]
    # A code is good for one login, and only in the browser that began it.
    jar, back = comes_back_with(302)
    assert world.browse(back, jar, follow=False)[0] == 561
    assert world.browse(back, None, follow=False)[0] == 401
    # The user said no.
    assert world.browse(back.replace("code=", "error=access_denied&x="), jar, follow=False)[0] == 561
    # Nobody there. Sessions go on.
    try:
        comes_back_with(500, provider.close)
        assert world.browse("/", jar, follow=False)[0] == 200
    finally:
        provider.open()
    assert world.log_in()[1]["headers"]["x-amzn-oidc-identity"] == "alice"


def test_claims_that_fill_several_cookies(world):
    world.guard()
    world.provider.claims["groups"] = [f"group-{number:04}" for number in range(250)]  # curl sends 8 KiB of cookies
    try:
        jar, seen = world.log_in()
        assert sum("AWSELBAuthSessionCookie-" in line for line in jar.read_text().splitlines()) == 2
        assert seen["headers"]["x-amzn-oidc-identity"] == "alice" and len(seen["headers"]["x-amzn-oidc-data"]) > 4000
    finally:
        del world.provider.claims["groups"]


def test_sessions_outlive_server_and_proxy(world):
    world.guard()
    jar, _ = world.log_in()
    world.server.kill()
    assert world.browse("/", jar, follow=False)[0] == 200, "while the server is down"
    world.server.start()
    os.kill(int((world.server.data / "proxy/pid").read_text().split()[0]), signal.SIGKILL)

    def serves_again() -> bool:
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "5", "--cacert", world.ca, "-b", str(jar), "-o", "/dev/null", "-w",
                               "%{http_code}", f"https://{world.name}/"], capture_output=True, text=True)
        return done.stdout == "200"

    eventually(serves_again, 60, what="a new proxy, the old session")


def test_tokens_are_validated(world):
    provider = world.provider

    def validate(**changes) -> None:
        config = {"JwksEndpoint": provider.url + "/jwks", "Issuer": provider.url, **changes}
        world.elbv2.modify_listener(ListenerArn=world.secure, DefaultActions=[
            {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": config},
            {"Type": "forward", "Order": 2, "TargetGroupArn": world.targets}])

    def status(token: str | None, *options: str) -> int:
        return world.browse("/api", None, *(["-H", f"Authorization: Bearer {token}"] if token else []), *options, follow=False)[0]

    validate(AdditionalClaims=[{"Name": "scope", "Format": "space-separated-values", "Values": ["read"]},
                               {"Name": "aud", "Format": "string-array", "Values": ["api"]}])
    assert status(None) == 401 and "/jwks" not in provider.calls, "without a token nobody is asked"
    good = provider.token()
    assert status(good) == 200 and status(good, "--http1.1") == 200
    assert provider.calls.count("/jwks") == 1, "kept"
    sent = json.loads(world.browse("/api", None, "-H", f"Authorization: Bearer {good}")[1])
    assert sent["headers"]["authorization"] == f"Bearer {good}", "the token goes on as it is"
    assert status(good[:-6] + "AAAAAA") == 401
    for changes in ({"iss": "https://other"}, {"exp": 1}, {"exp": None}, {"nbf": int(time.time()) + 3600}, {"scope": "write"},
                    {"scope": None}, {"aud": "api"}, {"aud": ["web"]}):
        assert status(provider.token(**changes)) == 401, changes
    assert status(provider.sign({"iss": provider.url, "exp": int(time.time()) + 300}, kid="two")) == 401, "a key that nobody has"
    validate(JwksEndpoint=provider.url + "/nowhere")
    assert status(good) == 562
    assert refused(validate, JwksEndpoint="http://example.com/jwks")[0] == "ValidationError"
    claim = {"Name": "exp", "Format": "single-string", "Values": ["1"]}
    assert refused(validate, AdditionalClaims=[claim])[0] == "ValidationError"

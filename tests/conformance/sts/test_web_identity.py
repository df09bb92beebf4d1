"""AssumeRoleWithWebIdentity and IAM's OpenID Connect providers. Documented:
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html"""
import base64
import http.server
import json
import subprocess
import time
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from harness.certificates import serve_tls
from harness.clients import refused

AUDIENCE = "sts.amazonaws.com"
SUBJECT = "repo:octo/app:ref:refs/heads/main"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    def __init__(self, folder: Path, name: str):
        self.name = name
        self.path = folder / f"{name}.pem"
        subprocess.run(["openssl", "genrsa", "-out", str(self.path), "2048"], check=True, capture_output=True)
        modulus = subprocess.run(["openssl", "rsa", "-in", str(self.path), "-noout", "-modulus"], check=True,
                                 capture_output=True, text=True).stdout
        self.jwk = {"kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "e": "AQAB",
                    "n": b64(bytes.fromhex(modulus.strip().split("=")[1]))}

    def token(self, **claims: object) -> str:
        text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": self.name}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.path)], input=text.encode(), check=True,
                                   capture_output=True).stdout
        return f"{text}.{b64(signature)}"


class Issuer:
    """An identity provider below https://127.0.0.1:PORT/tenant."""

    def __init__(self, folder: Path, server):
        self.folder = folder
        self.keys = [Key(folder, "first")]
        self.asked: list[str] = []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                documents = {"/tenant/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                             "/tenant/keys": {"keys": [key.jwk for key in issuer.keys]}}
                body = json.dumps(documents.get(self.path, {})).encode()
                self.send_response(200 if self.path in documents else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = serve_tls(Handler, folder / "tls", server)
        self.host = f"127.0.0.1:{self.server.server_port}/tenant"
        self.url = f"https://{self.host}"

    def token(self, key: Key | None = None, **claims: object) -> str:
        now = int(time.time())
        standard = {"iss": self.url, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "exp": now + 3600}
        return (key or self.keys[0]).token(**{k: v for k, v in (standard | claims).items() if v is not None})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def issuer(server, tmp_path):
    if not hasattr(server, "data"):
        pytest.skip("the issuer's certificate is of this server's authority")
    made = Issuer(tmp_path, server)
    yield made
    made.close()


@pytest.fixture
def provider(clients, issuer):
    iam = clients("iam")
    arn = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE])["OpenIDConnectProviderArn"]
    yield arn
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


@pytest.fixture
def role(clients, name, issuer, provider):
    """Trusts the provider for one repository, and may list IAM's users."""
    iam = clients("iam")
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer.host}:aud": AUDIENCE}, "StringLike": {f"{issuer.host}:sub": "repo:octo/app:*"}}}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="list", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}]}))
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="list")
    iam.delete_role(RoleName=name)


@pytest.fixture
def nobody(server, region):
    return boto3.client("sts", endpoint_url=server.environment()["AWS_ENDPOINT_URL"], region_name=region,
                        config=Config(signature_version=UNSIGNED, retries={"max_attempts": 1, "mode": "standard"}))


def test_a_token_makes_a_session(nobody, role, issuer, client_as):
    answer = nobody.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ci", WebIdentityToken=issuer.token())
    assert answer["SubjectFromWebIdentityToken"] == SUBJECT and answer["Audience"] == AUDIENCE and answer["Provider"] == issuer.url
    assert answer["AssumedRoleUser"]["Arn"].endswith(f":assumed-role/{role.split('/')[-1]}/ci")
    keys = answer["Credentials"]
    session = [keys[part] for part in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    assert client_as("sts", *session).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    client_as("iam", *session).list_users()
    assert refused(client_as("iam", *session).create_user, UserName="x")[0] == "AccessDenied"
    # The issuer's keys are remembered.
    nobody.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ci", WebIdentityToken=issuer.token())
    assert len(issuer.asked) == 2


def test_what_is_refused(nobody, role, issuer, tmp_path):
    def ask(token: str, arn: str = role, **options: object) -> str:
        return refused(nobody.assume_role_with_web_identity, RoleArn=arn, RoleSessionName="ci", WebIdentityToken=token, **options)[0]
    now = int(time.time())
    assert ask("not-a-token") == "InvalidIdentityToken"
    assert ask(issuer.token(aud="other")) == "InvalidIdentityToken"
    assert ask(issuer.token(iss="https://127.0.0.1:1")) == "InvalidIdentityToken"
    assert ask(issuer.token(iss=issuer.url.replace("https", "http"))) == "InvalidIdentityToken"
    assert ask(issuer.token(exp=now - 400)) == "ExpiredTokenException"
    assert ask(issuer.token(exp=None)) == "InvalidIdentityToken"
    assert ask(issuer.token(nbf=now + 400)) == "InvalidIdentityToken"
    assert ask(issuer.token(sub="repo:other/app:x")) == "AccessDenied"
    assert ask(issuer.token(), arn=role + "x") == "AccessDenied"
    assert ask(issuer.token(), DurationSeconds=7200) == "ValidationError"
    head, body, signature = issuer.token().split(".")
    forged = b64(json.dumps(json.loads(base64.urlsafe_b64decode(body + "==")) | {"sub": "repo:octo/app:admin"}).encode())
    assert ask(f"{head}.{forged}.{signature}") == "InvalidIdentityToken"
    unsigned = b64(json.dumps({"alg": "none"}).encode())
    assert ask(f"{unsigned}.{body}.") == "InvalidIdentityToken"
    assert ask(issuer.token(key=Key(tmp_path, "stranger"))) == "InvalidIdentityToken"


def test_an_issuer_whose_certificate_is_nobodys(nobody, clients, name, tmp_path):
    issuer = Issuer(tmp_path, None)
    iam = clients("iam")
    arn = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE])["OpenIDConnectProviderArn"]
    try:
        code, message = refused(nobody.assume_role_with_web_identity, RoleArn="arn:aws:iam::" + arn.split(":")[4] + ":role/none",
                                RoleSessionName="ci", WebIdentityToken=issuer.token())
        assert code == "InvalidIdentityToken" and "verification key" in message
        assert issuer.asked == []
    finally:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        issuer.close()


def test_providers(clients, name):
    iam = clients("iam")
    arn = iam.create_open_id_connect_provider(
        Url=f"https://{name}.example.com/a", ClientIDList=["one"], ThumbprintList=["A" * 40],
        Tags=[{"Key": "team", "Value": "x"}])["OpenIDConnectProviderArn"]
    assert arn.endswith(f":oidc-provider/{name}.example.com/a")
    facts = {"OpenIDConnectProviderArn": arn}
    found = iam.get_open_id_connect_provider(**facts)
    assert found["Url"] == f"{name}.example.com/a" and found["ClientIDList"] == ["one"] and found["ThumbprintList"] == ["a" * 40]
    assert arn in [one["Arn"] for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    assert refused(iam.create_open_id_connect_provider, Url=f"https://{name}.example.com/a")[0] == "EntityAlreadyExists"
    iam.add_client_id_to_open_id_connect_provider(ClientID="two", **facts)
    iam.add_client_id_to_open_id_connect_provider(ClientID="two", **facts)
    iam.remove_client_id_from_open_id_connect_provider(ClientID="one", **facts)
    iam.update_open_id_connect_provider_thumbprint(ThumbprintList=["b" * 40], **facts)
    iam.tag_open_id_connect_provider(Tags=[{"Key": "team", "Value": "y"}, {"Key": "more", "Value": "1"}], **facts)
    iam.untag_open_id_connect_provider(TagKeys=["more"], **facts)
    found = iam.get_open_id_connect_provider(**facts)
    assert found["ClientIDList"] == ["two"] and found["ThumbprintList"] == ["b" * 40]
    assert iam.list_open_id_connect_provider_tags(**facts)["Tags"] == [{"Key": "team", "Value": "y"}] == found["Tags"]
    for url in (f"http://{name}.example.com", "https://", f"https://{name}.example.com/?x=1", f"https://u@{name}.example.com"):
        assert refused(iam.create_open_id_connect_provider, Url=url)[0] == "InvalidInput", url
    assert refused(iam.update_open_id_connect_provider_thumbprint, ThumbprintList=["z" * 40], **facts)[0] == "InvalidInput"
    iam.delete_open_id_connect_provider(**facts)
    assert refused(iam.get_open_id_connect_provider, **facts)[0] == "NoSuchEntity"


def test_who_may_make_providers(user, clients, name):
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:*OpenIDConnectProvider", "Resource": f"arn:aws:iam::*:oidc-provider/{name}.example.com"}]})
    iam = user.client("iam")
    arn = iam.create_open_id_connect_provider(Url=f"https://{name}.example.com")["OpenIDConnectProviderArn"]
    assert refused(iam.create_open_id_connect_provider, Url="https://other.example.com")[0] == "AccessDenied"
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)

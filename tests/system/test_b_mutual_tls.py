"""Issue 3: clients that show certificates, and what a listener's rules and attributes do to requests and answers.

Documented: elasticloadbalancing/latest/application/mutual-authentication.html, load-balancer-connection-logs.html, rule-transforms.html,
header-modification.html. The certificates are made by openssl, the clients are curl and openssl s_client.
"""
import gzip
import json
import subprocess

import pytest

from harness.balanced import World
from harness.clients import refused
from harness.waiting import eventually


class Authority:
    """A certificate authority in a folder of its own, kept by `openssl ca`."""

    def __init__(self, folder, name: str):
        self.folder, self.name = folder / name, name
        self.folder.mkdir()
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("03A5B1\n")
        (self.folder / "config").write_text(
            f"[ca]\ndefault_ca=ours\n[ours]\ndir={self.folder}\ndatabase=$dir/index\nserial=$dir/serial\nnew_certs_dir=$dir\ncertificate=$dir/ca.pem\n"
            "private_key=$dir/ca.key\ndefault_md=sha256\ndefault_days=30\ndefault_crl_days=30\npolicy=any\nunique_subject=no\nx509_extensions=leaf\n[leaf]\nbasicConstraints=CA:FALSE\n[any]\norganizationName=optional\n"
            "commonName=supplied\n[req]\ndistinguished_name=dn\nx509_extensions=root\n[dn]\n[root]\nbasicConstraints=critical,CA:TRUE\n"
            "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                     "-subj", f"/O=mTLS/CN={name}", "-days", "30", "-config", "config")

    def openssl(self, *command: str) -> None:
        subprocess.run(["openssl", *command], cwd=self.folder, check=True, capture_output=True)

    def client(self, name: str) -> tuple[str, ...]:
        """curl's options for a client with a certificate of ours."""
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                     "-subj", f"/O=mTLS/CN={name}", "-config", "config")
        self.openssl("ca", "-batch", "-config", "config", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext")
        return "--cert", str(self.folder / f"{name}.pem"), "--key", str(self.folder / f"{name}.key")

    def revoke(self, name: str) -> str:
        self.openssl("ca", "-config", "config", "-revoke", f"{name}.pem")
        self.openssl("ca", "-config", "config", "-gencrl", "-out", "crl.pem")
        return (self.folder / "crl.pem").read_text()


@pytest.fixture(scope="module")
def world(module_server, tmp_path_factory):
    made = World(module_server, tmp_path_factory.mktemp("home"))
    try:
        made.balance()
        made.authority = Authority(tmp_path_factory.mktemp("ca"), "root")
        made.stranger = Authority(tmp_path_factory.mktemp("ca"), "stranger")
        made.bucket = module_server.data / "buckets" / "trust"
        made.bucket.mkdir(parents=True)
        certificate = made.aws(f"aws acm request-certificate --domain-name {made.name} --validation-method DNS"
                               " --key-algorithm EC_prime256v1").json["CertificateArn"]
        made.aws(f"aws acm wait certificate-validated --certificate-arn {certificate}")
        made.secure = made.aws(
            f"aws elbv2 create-listener --load-balancer-arn {made.balancer} --protocol HTTPS --port 443"
            f" --certificates CertificateArn={certificate}"
            f" --default-actions Type=forward,TargetGroupArn={made.targets}").json["Listeners"][0]["ListenerArn"]
        made.all_healthy()
        yield made
    finally:
        for service in made.services:
            service.close()


def ask(world, *options: str, path: str = "/") -> dict | None:
    """What the service saw; None: the client was not let in."""
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "10", "--http1.1", "--cacert", world.server.data / "ca/ca.crt",
                           *options, f"https://{world.name}{path}"], capture_output=True, text=True)
    if done.returncode != 0:
        assert done.returncode in (35, 56), f"only the handshake may fail: {done.stderr}"
        return None
    return json.loads(done.stdout)


def test_trust_stores_and_who_is_let_in(world):
    bucket, root = world.bucket, world.authority
    create = {"Name": "clients", "CaCertificatesBundleS3Bucket": "trust", "CaCertificatesBundleS3Key": "ca/bundle.pem"}
    code, message = refused(world.elbv2.create_trust_store, **create)
    assert code == "CaCertificatesBundleNotFound" and f"{bucket}/ca/bundle.pem" in message
    (bucket / "ca").mkdir()
    bundle = bucket / "ca/bundle.pem"
    for bad in ("", "rubbish\n", "\n" + (root.folder / "ca.pem").read_text(), (root.folder / "ca.pem").read_text()[:200]):
        bundle.write_text(bad)
        assert refused(world.elbv2.create_trust_store, **create)[0] == "InvalidCaCertificatesBundle"
    for key in ("../trust/ca/bundle.pem", "/etc/passwd", "ca//bundle.pem"):
        assert refused(world.elbv2.create_trust_store, **{**create, "CaCertificatesBundleS3Key": key})[0] == "CaCertificatesBundleNotFound"
    bundle.write_text("# ours\n" + (root.folder / "ca.pem").read_text())
    store = world.aws("aws elbv2 create-trust-store --name clients --ca-certificates-bundle-s3-bucket trust"
                      " --ca-certificates-bundle-s3-key ca/bundle.pem").json["TrustStores"][0]
    assert store["Status"] == "ACTIVE" and store["NumberOfCaCertificates"] == 1 and store["TotalRevokedEntries"] == 0
    bundle.unlink()  # it has been copied
    arn = world.store = store["TrustStoreArn"]
    assert refused(world.elbv2.create_trust_store, **create)[0] == "CaCertificatesBundleNotFound"
    verify = {"Mode": "verify", "TrustStoreArn": arn}
    for mutual, code in (({"Mode": "verify"}, "ValidationError"), ({"Mode": "off", "TrustStoreArn": arn}, "ValidationError"),
                         ({"Mode": "verify", "TrustStoreArn": arn[:-1] + "x"}, "TrustStoreNotFound"), ({"Mode": "maybe"}, "ValidationError")):
        assert refused(world.elbv2.modify_listener, ListenerArn=world.secure, MutualAuthentication=mutual)[0] == code
    assert refused(world.elbv2.modify_listener, ListenerArn=world.listener, MutualAuthentication=verify)[0] == "ValidationError"

    good, bad = root.client("good"), root.client("bad")
    assert ask(world) is not None, "nobody is asked yet"
    world.aws(f"aws elbv2 modify-listener --listener-arn {world.secure} --mutual-authentication Mode=verify,TrustStoreArn={arn}")
    shown = world.elbv2.describe_listeners(ListenerArns=[world.secure])["Listeners"][0]["MutualAuthentication"]
    assert shown == {**verify, "IgnoreClientCertificateExpiry": False, "AdvertiseTrustStoreCaNames": "off"}
    assert ask(world) is None and ask(world, *world.stranger.client("nobody")) is None
    headers = ask(world, *good, "-H", "X-Amzn-Mtls-Clientcert-Subject: CN=forged", "-H", "X-Amzn-Mtls-Clientcert: forged")["headers"]
    assert headers["x-amzn-mtls-clientcert-subject"] == "CN=good,O=mTLS"
    assert headers["x-amzn-mtls-clientcert-issuer"] == "CN=root,O=mTLS"
    assert headers["x-amzn-mtls-clientcert-serial-number"] == "03A5B1"
    assert headers["x-amzn-mtls-clientcert-validity"].startswith("NotBefore=20") and ";NotAfter=20" in headers["x-amzn-mtls-clientcert-validity"]
    assert headers["x-amzn-mtls-clientcert-leaf"].startswith("-----BEGIN%20CERTIFICATE-----%0A")
    assert "x-amzn-mtls-clientcert" not in headers

    (bucket / "crl.pem").write_text(root.revoke("bad"))
    made = world.elbv2.add_trust_store_revocations(TrustStoreArn=arn, RevocationContents=[
        {"S3Bucket": "trust", "S3Key": "crl.pem", "RevocationType": "CRL"}])["TrustStoreRevocations"][0]
    assert made["NumberOfRevokedEntries"] == 1 and made["RevocationType"] == "CRL"
    assert world.elbv2.describe_trust_stores(Names=["clients"])["TrustStores"][0]["TotalRevokedEntries"] == 1
    assert ask(world, *bad) is None and ask(world, *good) is not None
    listed = world.elbv2.describe_trust_store_revocations(TrustStoreArn=arn)["TrustStoreRevocations"]
    assert [one["RevocationId"] for one in listed] == [made["RevocationId"]]
    missing = [{"S3Bucket": "trust", "S3Key": "none.pem"}]
    assert refused(world.elbv2.add_trust_store_revocations, TrustStoreArn=arn, RevocationContents=missing)[0] == "RevocationContentNotFound"
    assert refused(world.elbv2.remove_trust_store_revocations, TrustStoreArn=arn, RevocationIds=[99])[0] == "RevocationIdNotFound"
    world.elbv2.remove_trust_store_revocations(TrustStoreArn=arn, RevocationIds=[made["RevocationId"]])
    assert ask(world, *bad) is not None

    used = world.elbv2.describe_trust_store_associations(TrustStoreArn=arn)["TrustStoreAssociations"]
    assert used == [{"ResourceArn": world.secure}]
    assert refused(world.elbv2.delete_trust_store, TrustStoreArn=arn)[0] == "TrustStoreInUse"
    # Its names in the handshake, as openssl shows them.
    world.elbv2.modify_listener(ListenerArn=world.secure, MutualAuthentication={**verify, "AdvertiseTrustStoreCaNames": "on"})
    asked = subprocess.run(["openssl", "s_client", "-connect", f"{world.name}:443", "-servername", world.name], input="", capture_output=True,
                           text=True, timeout=30).stdout
    assert "Acceptable client certificate CA names" in asked and "CN = root" in asked


def test_connections_and_checks_are_logged(world):
    """A line for each connection with its certificate, and one for each health check (load-balancer-health-check-logs.html)."""

    def keep(on: bool) -> None:
        attributes = {f"{kind}.s3.{key}": value for kind in ("connection_logs", "health_check_logs")
                      for key, value in {"enabled": str(on).lower(), "bucket": "conn-logs"}.items()}
        world.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=world.balancer, Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()])

    def lines(kind: str = "conn_log.") -> list[list[str]]:
        files = (world.server.data / "buckets/conn-logs/AWSLogs").glob(f"*/elasticloadbalancing/*/*/*/*/{kind}*.log.gz")
        return [line.split() for each in files if each.name[0] != "." for line in gzip.decompress(each.read_bytes()).decode().splitlines()]

    keep(True)
    assert ask(world, *world.authority.client("logged")) is not None
    assert ask(world, *world.stranger.client("refused")) is None
    world.services[1].health = 404
    eventually(lambda: world.states()["two"] == "unhealthy", 60, what="it fails")
    keep(False)
    world.services[1].health = 200
    eventually(lambda: len([line for line in lines() if "CN=" in line[7]]) == 2, 30, what="finished when switched off")
    by_subject = {line[7]: line for line in lines()}
    assert by_subject['"CN=logged,O=mTLS"'][10] == "Success" and by_subject['"CN=logged,O=mTLS"'][8].startswith("NotBefore=")
    assert by_subject['"CN=refused,O=mTLS"'][10] == "Failed:ClientCertUntrusted"
    assert all(len(line) == 12 for line in lines())
    checks = eventually(lambda: lines("health_check_log_"), 30, what="finished when switched off")
    one, two = (f"{service.place.address}:3000" for service in world.services)
    assert {tuple(line[:1] + line[3:8]) for line in checks} >= {
        ("http", one, "framerater-tg", "PASS", "200", "-"), ("http", two, "framerater-tg", "FAIL", "404", "ResponseCodeMismatch")}
    world.all_healthy(60)


def test_passed_through_and_switched_off(world):
    world.elbv2.modify_listener(ListenerArn=world.secure, MutualAuthentication={"Mode": "passthrough"})
    assert "x-amzn-mtls-clientcert" not in ask(world, "-H", "X-Amzn-Mtls-Clientcert: forged")["headers"]
    chain = ask(world, *world.stranger.client("anybody"))["headers"]["x-amzn-mtls-clientcert"]
    assert chain.startswith("-----BEGIN%20CERTIFICATE-----%0A") and chain.endswith("-----END%20CERTIFICATE-----%0A")
    world.elbv2.modify_listener(ListenerArn=world.secure, MutualAuthentication={"Mode": "off"})
    assert ask(world) is not None
    world.aws(f"aws elbv2 delete-trust-store --trust-store-arn {world.store}")
    assert world.elbv2.describe_trust_stores()["TrustStores"] == []
    assert refused(world.elbv2.describe_trust_store_revocations, TrustStoreArn=world.store)[0] == "TrustStoreNotFound"


def test_rules_rewrite_and_listeners_add_headers(world):
    transforms = [
        {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/dp/([A-Za-z0-9]+)/?$", "Replace": "/product?id=$1"}]}},
        {"Type": "host-header-rewrite", "HostHeaderRewriteConfig": {"Rewrites": [{"Regex": "^[^.]+\\.(.*)$", "Replace": "inside.$1"}]}}]
    rule = world.elbv2.create_rule(
        ListenerArn=world.listener, Priority=7, Conditions=[{"Field": "path-pattern", "Values": ["/dp/*"]}], Transforms=transforms,
        Actions=[{"Type": "forward", "TargetGroupArn": world.targets}])["Rules"][0]["RuleArn"]
    seen = world.seen("/dp/B09G")
    assert seen["path"] == "/product?id=B09G"
    assert seen["headers"]["host"] == "inside." + world.name.partition(".")[2]
    assert world.seen("/dp/a/b")["path"] == "/dp/a/b", "no match: as it was"
    world.aws(f"aws elbv2 modify-rule --rule-arn {rule} --reset-transforms")
    assert world.seen("/dp/B09G")["path"] == "/dp/B09G"
    world.aws(f"aws elbv2 modify-listener-attributes --listener-arn {world.listener} --attributes"
              " Key=routing.http.response.x_frame_options.header_value,Value=DENY Key=routing.http.response.server.enabled,Value=false")

    def headers(path: str) -> str:
        return subprocess.run(["curl", "-sS", "--noproxy", "*", "-D", "-", "-o", "/dev/null", f"http://{world.name}{path}"],
                              capture_output=True, text=True, check=True).stdout.lower()

    assert "x-frame-options: deny" in headers("/")
    world.elbv2.modify_rule(RuleArn=rule, Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}])
    assert "403 forbidden" in headers("/dp/x") and "x-frame-options: deny" in headers("/dp/x") and "awselb" not in headers("/dp/x")

"""Certificates. Documented: docs.aws.amazon.com/acm/latest/APIReference/. That names without a hosted zone are issued at once is ours."""
import datetime
import subprocess

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="session")
def acm(clients):
    return clients("acm")


def refused(code, method, **arguments):
    with pytest.raises(ClientError) as caught:
        method(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value


@pytest.fixture
def issued(acm):
    arn = acm.request_certificate(DomainName="app.example.test", SubjectAlternativeNames=["*.app.example.test"],
                                  ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1")["CertificateArn"]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    yield arn
    acm.delete_certificate(CertificateArn=arn)


def own_certificate(folder, name: str, days: int = 30) -> tuple[bytes, bytes]:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "crt.pem",
                    "-subj", f"/CN={name}", "-days", str(days), "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return (folder / "crt.pem").read_bytes(), (folder / "key.pem").read_bytes()


def test_issued_by_our_authority(acm, issued, server, tmp_path):
    detail = acm.describe_certificate(CertificateArn=issued)["Certificate"]
    assert detail["Status"] == "ISSUED" and detail["Type"] == "AMAZON_ISSUED" and detail["KeyAlgorithm"] == "EC_prime256v1"
    assert detail["SubjectAlternativeNames"] == ["app.example.test", "*.app.example.test"]
    assert "Landfall CA" in detail["Issuer"] and detail["InUseBy"] == []
    records = [item["ResourceRecord"] for item in detail["DomainValidationOptions"]]
    assert records[0] == records[1], "a name and its wildcard share the record"
    assert records[0]["Type"] == "CNAME" and records[0]["Name"].endswith(".app.example.test.")
    left = detail["NotAfter"] - datetime.datetime.now(datetime.timezone.utc)
    assert 190 < left.days < 200
    got = acm.get_certificate(CertificateArn=issued)
    (tmp_path / "leaf.pem").write_text(got["Certificate"])
    (tmp_path / "ca.pem").write_text(got["CertificateChain"])
    subprocess.run(["openssl", "verify", "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem"], check=True, capture_output=True)


def test_the_default_key_is_rsa(acm):
    arn = acm.request_certificate(DomainName="rsa.example.test", ValidationMethod="DNS")["CertificateArn"]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    detail = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert detail["KeyAlgorithm"] == "RSA_2048" and detail["SignatureAlgorithm"] == "SHA256WITHECDSA"
    listed = acm.list_certificates(CertificateStatuses=["ISSUED"])["CertificateSummaryList"]
    assert arn in {item["CertificateArn"] for item in listed}
    acm.delete_certificate(CertificateArn=arn)
    refused("ResourceNotFoundException", acm.describe_certificate, CertificateArn=arn)


def test_asked_twice_with_a_token(acm):
    ask = {"DomainName": "token.example.test", "ValidationMethod": "DNS", "IdempotencyToken": "t1", "KeyAlgorithm": "EC_prime256v1"}
    first, second = (acm.request_certificate(**ask)["CertificateArn"] for _ in range(2))
    assert first == second
    acm.delete_certificate(CertificateArn=first)


def test_renewed(acm, issued):
    before = acm.describe_certificate(CertificateArn=issued)["Certificate"]["Serial"]
    acm.renew_certificate(CertificateArn=issued)
    after = acm.describe_certificate(CertificateArn=issued)["Certificate"]
    assert after["Serial"] != before and after["RenewalSummary"]["RenewalStatus"] == "SUCCESS"


def test_imported(acm, tmp_path):
    certificate, key = own_certificate(tmp_path, "own.example.test")
    arn = acm.import_certificate(Certificate=certificate, PrivateKey=key, Tags=[{"Key": "a", "Value": "1"}])["CertificateArn"]
    detail = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert detail["Type"] == "IMPORTED" and detail["DomainName"] == "own.example.test" and detail["KeyAlgorithm"] == "RSA_2048"
    assert acm.get_certificate(CertificateArn=arn)["Certificate"].split() == certificate.decode().split()
    again, new_key = own_certificate(tmp_path, "own.example.test")
    assert acm.import_certificate(CertificateArn=arn, Certificate=again, PrivateKey=new_key)["CertificateArn"] == arn
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Serial"] != detail["Serial"]
    refused("ValidationException", acm.import_certificate, Certificate=certificate, PrivateKey=new_key)
    refused("ValidationException", acm.import_certificate, Certificate=b"nonsense", PrivateKey=key)
    refused("ValidationException", acm.import_certificate, Certificate=certificate, PrivateKey=key, CertificateChain=certificate + again)
    refused("ValidationException", acm.renew_certificate, CertificateArn=arn)
    acm.delete_certificate(CertificateArn=arn)


def test_tags(acm, issued):
    acm.add_tags_to_certificate(CertificateArn=issued, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    acm.remove_tags_from_certificate(CertificateArn=issued, Tags=[{"Key": "a"}])
    assert acm.list_tags_for_certificate(CertificateArn=issued)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_in_use(acm, issued, clients):
    elbv2, ec2 = clients("elbv2"), clients("ec2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][:2]
    balancer = elbv2.create_load_balancer(Name="acm-in-use", Subnets=[subnet["SubnetId"] for subnet in subnets])["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    listener = elbv2.create_listener(
        LoadBalancerArn=arn, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": issued}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}])["Listeners"][0]
    assert listener["SslPolicy"] == "ELBSecurityPolicy-2016-08" and listener["Certificates"] == [{"CertificateArn": issued}]
    assert acm.describe_certificate(CertificateArn=issued)["Certificate"]["InUseBy"] == [arn]
    refused("ResourceInUseException", acm.delete_certificate, CertificateArn=issued)
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert acm.describe_certificate(CertificateArn=issued)["Certificate"]["InUseBy"] == []


def test_bad_requests(acm, region):
    refused("InvalidParameterException", acm.request_certificate, DomainName="a.example.test", ValidationMethod="EMAIL")
    refused("InvalidDomainValidationOptionsException", acm.request_certificate, DomainName="-a.test", ValidationMethod="DNS")
    refused("ResourceNotFoundException", acm.describe_certificate,
            CertificateArn=f"arn:aws:acm:{region}:123456789012:certificate/00000000-0000-0000-0000-000000000000")

"""The server itself: it starts, knows its callers, keeps what it acknowledged, and leaves nothing behind."""
import pytest
from botocore.exceptions import ClientError

from harness.clients import Clients
from harness.served import not_served

MISSING = not_served("sts:GetCallerIdentity", "sts:GetSessionToken")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not served yet: {', '.join(MISSING)}")


def test_both_clis_know_who_they_are(each_cli):
    said = each_cli("aws sts get-caller-identity").json
    assert said["Arn"] == f"arn:aws:iam::{said['Account']}:root"


def test_a_wrong_secret_is_refused(server):
    keys = {"AccessKeyId": server.environment()["AWS_ACCESS_KEY_ID"], "SecretAccessKey": "wrong"}
    with pytest.raises(ClientError) as raised:
        Clients(server.environment(), "us-west-1")("sts", keys=keys).get_caller_identity()
    assert raised.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_credentials_survive_kill_9(own_server):
    exports = own_server.environment()
    given = []
    for _ in range(5):
        given.append(Clients(exports, "us-west-1")("sts").get_session_token()["Credentials"])
        own_server.restart()
        for keys in given:
            said = Clients(exports, "us-west-1")("sts", keys=keys).get_caller_identity()
            assert said["Arn"].endswith(":root")

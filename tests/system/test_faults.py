"""What a person can get wrong around the server, and a disk that fills up."""
import os
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from harness.clients import Clients
from harness.server import Server, binary, clean_environment

REGION = "us-west-1"


def landfall(*words: str, nobody: bool = False) -> tuple[int, str]:
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if nobody else []
    done = subprocess.run([*as_nobody, binary(), *words], capture_output=True, text=True, timeout=20, env=clean_environment())
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("words, said", [
    (["serve", "extra"], "unexpected word 'extra'"),
    (["serve", "--bogus"], "unknown option --bogus"),
    (["serve", "--listen", "4566"], "'4566' is not ADDRESS:PORT"),
    (["serve", "--data-dir", ""], "the value of --data-dir is empty"),
    (["down", "--data-dir"], "--data-dir needs a value"),
    (["nothing"], "unknown command 'nothing'"),
    (["why"], "say which resource"),
])
def test_wrong_usage_is_named(words, said):
    code, text = landfall(*words)
    assert code == 2 and said in text and "--help" in text


def test_a_folder_that_is_not_ours_is_not_deleted(tmp_path):
    (tmp_path / "precious").write_text("x")
    code, text = landfall("down", "--data-dir", str(tmp_path))
    assert code == 1 and "is no data folder" in text
    assert (tmp_path / "precious").exists()


def test_without_root(tmp_path):
    code, text = landfall("serve", "--data-dir", str(tmp_path / "d"), nobody=True)
    assert code == 1 and "must run as root" in text


def test_a_taken_port_and_a_taken_folder(own_server, tmp_path):
    code, text = landfall("serve", "--data-dir", str(tmp_path / "d"), "--listen", f"127.0.0.1:{own_server.port}",
                          "--public-pool", "198.18.112.0/24")
    assert code == 1 and "is taken by another program" in text and "--listen" in text
    code, text = landfall("serve", "--data-dir", str(own_server.data), "--listen", "127.0.0.1:0")
    assert code == 1 and "another server runs on" in text


def test_a_data_folder_of_another_version(tmp_path):
    import sqlite3
    with sqlite3.connect(tmp_path / "store.db") as store:
        store.executescript("CREATE TABLE later (x); PRAGMA application_id = 1279677268; PRAGMA user_version = 99;")
    serve = ["serve", "--data-dir", str(tmp_path), "--listen", "127.0.0.1:0", "--public-pool", "198.18.112.0/24"]
    code, text = landfall(*serve)
    assert code == 1 and "has format 99" in text
    (tmp_path / "store.db").write_bytes(os.urandom(9000))
    code, text = landfall(*serve)
    assert code == 1 and "not a database" in text


@pytest.fixture
def small_disk(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_refuses_writes_and_recovers(small_disk, monkeypatch):
    """Nothing crashes; what was acknowledged before and after is there."""
    monkeypatch.setenv("LANDFALL_TEST_TMP", str(small_disk))
    ours = Server()
    ours.start()
    try:
        clients = Clients(ours.environment(), REGION)
        iam, logs = clients("iam"), clients("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")

        def put(message: str) -> None:
            event = {"timestamp": int(time.time() * 1000), "message": message}
            logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])

        put("before")
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(b"\0" * 4096)
        for attempt in range(5):
            with pytest.raises(ClientError) as refused:
                put("x" * 5000)
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
            with pytest.raises(ClientError) as refused:
                iam.create_user(UserName=f"full{attempt}", Tags=[{"Key": "k", "Value": "v" * 200}])
            assert refused.value.response["Error"]["Message"] == "The disk of this server is full."
        assert iam.list_users()["Users"] == []
        filler.unlink()
        put("after")
        iam.create_user(UserName="after")
        ours.restart()
        assert [user["UserName"] for user in iam.list_users()["Users"]] == ["after"]
        events = logs.filter_log_events(logGroupName="g")["events"]
        assert [event["message"] for event in events] == ["before", "after"]
    finally:
        assert ours.stop() == 0
        ours.down()

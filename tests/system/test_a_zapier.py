"""Rows A1 to A10: the zapier-triggers deployment as its document does it, on a server of its own.

The tests run in order over one deployment: each row stands on the ones before it, as in the document.
"""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests

from harness.clients import Aws
from harness.containers import image
from harness.deployment import EXAMPLE, NAME, PASSWORD, Deployment, reachable, refused_or_timeout
from harness.leaks import tag_of
from harness.server import REGION, ROOT
from harness.waiting import eventually

EVENT = {"source": "stripe", "event_type": "payment.succeeded", "payload": {"amount": 100}}

@pytest.fixture(scope="module")
def server(module_server):
    return module_server


@pytest.fixture(scope="module")
def deployment(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("zapier")
    made = Deployment(server, Aws(server.environment(), folder, REGION), folder)
    yield made
    if hasattr(made, "docker"):
        made.docker.remove_storage()


@pytest.fixture(scope="module")
def pushed(deployment):
    """A1 done: the repository, the login, the image; its digest."""
    deployment.login()
    deployment.base = deployment.push_base("python")
    return deployment.build_and_push(deployment.base)


@pytest.fixture(scope="module")
def database(deployment):
    """A2 done, with its rule of A4."""
    deployment.find_network()
    deployment.rule("authorize", 5432)
    deployment.create_database()
    return deployment.endpoint


@pytest.fixture(scope="module")
def service(deployment, pushed, database):
    """A3 done: cluster, log group, role, task definition, service."""
    aws = deployment.aws
    aws(f"aws ecs create-cluster --cluster-name {NAME}-cluster")
    aws(f"aws logs create-log-group --log-group-name /ecs/{NAME}-backend")
    deployment.create_role()
    deployment.register()
    deployment.rule("authorize", 8000)
    deployment.create_service()
    return deployment


def psql(deployment, sql: str, database: str = "zapier_triggers", password: str = PASSWORD) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["psql", "-h", deployment.endpoint, "-p", "5432", "-U", "zapier_user", "-d", database, "-Atc", sql],
        env={**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"}, capture_output=True, text=True, timeout=30)


# A1


def test_a1_an_image_is_pushed_and_pulled(deployment, pushed):
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", pushed)
    deployment.docker(f"podman rmi --force {deployment.uri}:latest {NAME}-backend:latest")
    deployment.docker(f"podman pull {deployment.uri}:latest")
    inspected = json.loads(deployment.docker(f"skopeo inspect docker://{deployment.uri}:latest").stdout)
    assert inspected["Digest"] == pushed and inspected["Architecture"] == "amd64"


def test_a1_a_wrong_token_gets_401(deployment, pushed):
    done = deployment.docker(f"podman login --username AWS --password-stdin {deployment.registry}", input="wrong",
                             check=False)
    assert done.returncode != 0
    for credentials in (None, ("AWS", "wrong")):
        answer = requests.get(f"{deployment.server.endpoint}/v2/", auth=credentials, timeout=5)
        assert answer.status_code == 401 and "WWW-Authenticate" in answer.headers


def test_a1_a_cut_push_resumes(deployment, pushed):
    session = requests.Session()
    session.auth = ("AWS", deployment.aws("aws ecr get-login-password").text)
    session.headers["Host"] = deployment.registry  # which says account and region
    base = deployment.server.endpoint
    blob = os.urandom(1 << 20)
    half = len(blob) // 2
    begun = session.post(f"{base}/v2/{NAME}-backend/blobs/uploads/", timeout=10)
    assert begun.status_code == 202

    def at(location: str) -> str:
        return location if location.startswith("http") else base + location

    def cut():
        yield blob[:1000]
        raise ConnectionError("the network is gone")

    with pytest.raises(requests.ConnectionError):
        session.patch(at(begun.headers["Location"]), data=cut(), timeout=10)
    # The client asks how much arrived and goes on from there. What came before the cut is kept.
    state = eventually(lambda: next((answer for answer in [session.get(at(begun.headers["Location"]), timeout=10)]
                                     if answer.headers.get("Range") == "0-999"), None), 10, what="the first 1000 bytes kept")
    assert state.status_code == 204
    have = 1000
    first = session.patch(at(state.headers["Location"]), data=blob[have:half], timeout=10,
                          headers={"Content-Range": f"{have}-{half - 1}", "Content-Type": "application/octet-stream"})
    assert first.status_code == 202, first.text
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    location = at(first.headers["Location"])
    done = session.put(f"{location}{'&' if '?' in location else '?'}digest={digest}", data=blob[half:], timeout=10)
    assert done.status_code == 201, done.text
    got = session.get(f"{base}/v2/{NAME}-backend/blobs/{digest}", timeout=10)
    assert got.content == blob


# A2


def test_a2_a_real_postgresql_16_6(deployment, database):
    said = psql(deployment, "show server_version")
    assert said.stdout.split()[:1] == ["16.6"], said.stderr
    assert psql(deployment, "select current_database(), current_user").stdout.strip() == "zapier_triggers|zapier_user"
    described = deployment.aws(f"aws rds describe-db-instances --db-instance-identifier {NAME}-db").json["DBInstances"][0]
    expected = {"DBInstanceStatus": "available", "Engine": "postgres", "EngineVersion": "16.6", "AllocatedStorage": 20,
                "DBInstanceClass": "db.t4g.micro", "DBName": "zapier_triggers", "PubliclyAccessible": True}
    assert {key: described[key] for key in expected} == expected
    assert described["Endpoint"]["Port"] == 5432


def test_a2_a_wrong_password_is_refused(deployment, database):
    said = psql(deployment, "select 1", password="wrong")
    assert said.returncode != 0 and "password authentication failed" in said.stderr


def test_a2_a_version_that_is_not_installed_is_refused(deployment):
    done = deployment.aws("aws rds create-db-instance --db-instance-identifier other --db-instance-class db.t4g.micro"
                          " --engine postgres --engine-version 16.99 --master-username u --master-user-password 12345678"
                          " --allocated-storage 20", check=False)
    assert done.returncode != 0 and "InvalidParameterCombination" in done.stderr and "16.99" in done.stderr


def test_a2_data_survives_a_restart_of_everything(deployment, database):
    assert psql(deployment, "create table kept (n int); insert into kept values (42)").returncode == 0
    deployment.server.restart()
    assert psql(deployment, "select n from kept").stdout.strip() == "42"
    deployment.aws(f"aws rds reboot-db-instance --db-instance-identifier {NAME}-db")
    deployment.aws(f"aws rds wait db-instance-available --db-instance-identifier {NAME}-db")
    assert psql(deployment, "select n from kept").stdout.strip() == "42"


# A3


def limits(deployment, file: str) -> set[str]:
    """Values of one control file in all groups of this instance."""
    places = Path("/sys/fs/cgroup").glob(f"**/landfall-{tag_of(deployment.server.data)}")
    return {path.read_text().strip() for place in places for path in place.rglob(file)}


def test_a3_a_container_with_limits_and_addresses(deployment, service):
    described = service.service()
    assert (described["runningCount"], described["desiredCount"], described["launchType"]) == (1, 1, "FARGATE")
    task = service.tasks()[0]
    assert task["lastStatus"] == "RUNNING" and (task["cpu"], task["memory"]) == ("256", "512")
    details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
    assert details["privateIPv4Address"].startswith("172.31.")
    public = service.public_ip(task)
    assert public.startswith("198.18.")
    assert reachable(f"http://{public}:8000")

    memory = limits(deployment, "memory.limit_in_bytes") | limits(deployment, "memory.max")
    assert str(512 << 20) in memory, memory
    quotas = limits(deployment, "cpu.cfs_quota_us") | limits(deployment, "cpu.max")
    assert quotas & {"25000", "25000 100000"}, quotas


def container_process(deployment) -> int:
    """The host's process id of the service's running container."""
    tag = tag_of(deployment.server.data)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if b"triggers" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") and \
                    f"landfall-{tag}" in Path(f"/proc/{pid}/cgroup").read_text():
                return int(pid)
        except OSError:
            continue
    raise AssertionError("no container process")


def test_a3_the_container_is_shut_in(deployment, service):
    pid = container_process(deployment)
    for kind in ("net", "pid", "mnt", "ipc", "uts"):
        assert os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}"), kind
    status = Path(f"/proc/{pid}/status").read_text()
    assert int(re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)[1]) > 65535, "container users are not the host's"
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)


# A4


def test_a4_a_port_is_open_exactly_while_its_rule_stands(deployment, service):
    url = service.url()
    assert reachable(url)
    service.rule("revoke", 8000)
    eventually(lambda: refused_or_timeout(url, 1) == "timeout", 15, what="port 8000 closed")
    service.rule("authorize", 8000)
    eventually(lambda: reachable(url), 15, what="port 8000 open again")

    service.rule("revoke", 5432)
    eventually(lambda: "timeout" in psql(deployment, "select 1").stderr, 30, what="port 5432 closed")
    service.rule("authorize", 5432)
    eventually(lambda: psql(deployment, "select 1").stdout.strip() == "1", 15, what="port 5432 open again")


# A5


def curl(*words: str) -> str:
    return subprocess.run(["curl", "--silent", "--show-error", "--max-time", "10", *words], capture_output=True, text=True,
                          check=True).stdout


def test_a5_the_five_calls(deployment, service):
    base = service.url()
    assert curl(f"{base}/health") == '{"status":"healthy","service":"zapier-triggers-api"}'
    event = json.loads(curl("-X", "POST", f"{base}/api/v1/events", "-H", "Content-Type: application/json",
                            "-d", json.dumps(EVENT)))
    assert event["id"] in [one["id"] for one in json.loads(curl(f"{base}/api/v1/inbox"))["events"]]
    assert json.loads(curl(f"{base}/api/v1/events/{event['id']}"))["payload"] == {"amount": 100}
    assert psql(deployment, f"select source from events where id = '{event['id']}'").stdout.strip() == "stripe"
    assert json.loads(curl("-X", "DELETE", f"{base}/api/v1/events/{event['id']}"))["status"] == "acknowledged"
    assert event["id"] not in [one["id"] for one in json.loads(curl(f"{base}/api/v1/inbox"))["events"]]


# A8


def test_a8_logs_are_followed_live_and_in_order(deployment, service):
    base = service.url()
    follow = deployment.aws.start(f"aws logs tail /ecs/{NAME}-backend --region {REGION} --follow --since 1m --format short")
    try:
        sent = [f"/api/v1/events/live-{number}" for number in range(20)]
        for path in sent:
            requests.get(base + path, timeout=5)
        seen: list[str] = []
        deadline = time.monotonic() + 30
        while len(seen) < len(sent) and time.monotonic() < deadline:
            seen = re.findall(r"/api/v1/events/live-\d+", follow.read(1))
        assert seen == sent, follow.text
    finally:
        follow.end()


def test_a8_logs_of_the_last_ten_minutes(deployment, service):
    def said() -> str:
        return deployment.aws(f"aws logs tail /ecs/{NAME}-backend --region {REGION} --since 10m").stdout
    eventually(lambda: "listening on port 8000" in said(), 20, what="the container's first line")
    assert f"ecs/backend/{service.tasks()[0]['taskArn'].rsplit('/', 1)[1]}" in said()


def test_a8_no_line_is_lost_while_the_server_is_down(deployment, service):
    base = service.url()
    deployment.server.kill()
    try:
        for number in range(5):
            requests.get(f"{base}/api/v1/events/unseen-{number}", timeout=5)
    finally:
        deployment.server.start()

    def lines() -> list[str]:
        return re.findall(r"unseen-(\d)", deployment.aws(f"aws logs tail /ecs/{NAME}-backend --since 10m").stdout)
    eventually(lambda: lines() == list("01234"), 30, what="each line once and in order")


# A6


def test_a6_a_crashed_task_is_replaced(deployment, service):
    before = service.tasks()[0]["taskArn"]
    os.kill(container_process(deployment), signal.SIGKILL)
    stopped = service.wait_stopped(before)
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert stopped["containers"][0]["exitCode"] == 137
    service.wait_stable()
    after = service.tasks()[0]["taskArn"]
    assert after != before
    eventually(lambda: reachable(service.url()), 30)
    messages = [event["message"] for event in service.service()["events"]]
    assert any("has started 1 tasks" in message and after.rsplit("/", 1)[1] in message for message in messages), messages


# A7


def test_a7_a_new_image_takes_over_without_a_gap(deployment, service, pushed):
    old = service.tasks()[0]
    digest = deployment.build_and_push(deployment.base, "--label", "release=two")
    assert digest != pushed
    deployment.aws(f"aws ecs update-service --cluster {NAME}-cluster --service {NAME}-service --force-new-deployment"
                   f" --region {REGION}")

    url = f"http://{service.public_ip(old)}:8000"
    gaps = 0

    def replaced() -> bool:
        nonlocal gaps
        if service.task(old["taskArn"])["lastStatus"] == "RUNNING":
            gaps += not reachable(url)
        running = [task for task in service.tasks() if task["lastStatus"] == "RUNNING"]
        assert running, "no task ran during the deployment"
        return all(task["taskArn"] != old["taskArn"] for task in running)
    eventually(replaced, 120, every_s=0.5, what="the old task gone")
    service.wait_stable()

    new = service.tasks()[0]
    assert new["containers"][0]["imageDigest"] == digest
    assert new["healthStatus"] == "HEALTHY" and reachable(service.url())
    stopped = service.wait_stopped(old["taskArn"])
    assert new["startedAt"] < stopped["stoppingAt"], "the old task stopped before the new one ran"
    deployments = service.service()["deployments"]
    assert [(d["status"], d["rolloutState"]) for d in deployments] == [("PRIMARY", "COMPLETED")]


# A9


def test_a9_a_foreign_architecture_is_named(deployment, service):
    layout = deployment.folder / "arm64"
    shutil.copytree(image("busybox"), layout)
    blobs = layout / "blobs/sha256"

    def put(value: dict) -> dict:
        data = json.dumps(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def get(digest: str) -> dict:
        return json.loads((blobs / digest.removeprefix("sha256:")).read_text())
    index = json.loads((layout / "index.json").read_text())
    manifest = get(index["manifests"][0]["digest"])
    manifest["config"].update(put({**get(manifest["config"]["digest"]), "architecture": "arm64"}))
    index["manifests"][0].update(put(manifest))
    (layout / "index.json").write_text(json.dumps(index))
    uri = deployment.create_repository("foreign")
    deployment.docker(f"skopeo copy --quiet oci:{layout}:latest docker://{uri}:latest")

    definition = service.register(family="foreign", image=f"{uri}:latest", command=["sleep", "60"])
    task = service.run_task(definition)
    stopped = service.wait_stopped(task)
    reason = stopped["stoppedReason"] + stopped["containers"][0].get("reason", "")
    assert "arm64" in reason and "amd64" in reason, stopped
    why = deployment.server.why(task)
    assert any("arm64" in line and "amd64" in line for line in why.splitlines()), why


# A10


def test_a10_a_missing_database_is_named(deployment, service):
    definition = service.register(family="no-database")
    task = service.run_task(definition, environment=[
        {"name": "DATABASE_URL", "value": service.database_url("nowhere")}, {"name": "DATABASE_ATTEMPTS", "value": "1"}])
    stopped = service.wait_stopped(task)
    assert stopped["containers"][0]["exitCode"] == 1
    why = eventually(lambda: deployment.server.why(task), 20)
    assert 'database "nowhere" does not exist' in why, why


def test_a10_a_missing_rule_is_named(deployment, service):
    # Members of one group may reach each other, so this task is in another.
    group = deployment.aws("aws ec2 create-security-group --group-name tasks --description tasks"
                           f" --vpc-id {service.vpc} --query GroupId --output text").text
    service.rule("revoke", 5432)
    try:
        task = service.run_task(service.register(family="no-rule"), group,
                                environment=[{"name": "DATABASE_ATTEMPTS", "value": "1"}])
        service.wait_stopped(task)
        why = deployment.server.why(task)
        assert service.group in why and "5432" in why and f"{NAME}-db" in why, why
    finally:
        service.rule("authorize", 5432)


# A11: the load balancer with HTTPS and a domain


def test_a11_https_and_a_name_of_its_own(deployment, service):
    ca = str(deployment.server.data / "ca/ca.crt")
    domain = f"{tag_of(deployment.server.data)}.test"  # /etc/hosts is the whole machine's

    def script() -> str:
        done = subprocess.run([EXAMPLE / "https.sh"], capture_output=True, text=True, timeout=300, env={
            **deployment.aws.environment, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}", "CA_FILE": ca,
            "STATE_DIR": str(deployment.folder / "state"), "DOMAIN": domain})
        assert done.returncode == 0, done.stdout + done.stderr
        return (deployment.folder / "state/https-url").read_text().strip()

    (deployment.folder / "state").mkdir()
    base = script()
    assert base == f"https://api.{domain}"
    event = json.loads(curl("--cacert", ca, "-X", "POST", f"{base}/api/v1/events", "-H", "Content-Type: application/json",
                            "-d", json.dumps(EVENT)))
    assert event["id"] in [one["id"] for one in json.loads(curl("--cacert", ca, f"{base}/api/v1/inbox"))["events"]]
    assert json.loads(curl("--cacert", ca, f"{base}/api/v1/events/{event['id']}"))["payload"] == {"amount": 100}
    assert json.loads(curl("--cacert", ca, "-X", "DELETE", f"{base}/api/v1/events/{event['id']}"))["status"] == "acknowledged"
    said = curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", f"http://api.{domain}/health?a=b")
    assert said.replace(":443/", "/") == f"301 https://api.{domain}/health?a=b"
    strangers = subprocess.run(["curl", "--silent", "--max-time", "10", f"{base}/health"], capture_output=True)
    assert strangers.returncode == 60, "a certificate of an authority that nobody told them of"
    # What is there stays, and goes on when the server is gone.
    before = deployment.aws(f"aws elbv2 describe-load-balancers --names {NAME}").json["LoadBalancers"][0]["LoadBalancerArn"]
    assert script() == base
    assert deployment.aws(f"aws elbv2 describe-load-balancers --names {NAME}").json["LoadBalancers"][0]["LoadBalancerArn"] == before
    deployment.server.kill()
    try:
        assert json.loads(curl("--cacert", ca, f"{base}/health"))["status"] == "healthy"
    finally:
        deployment.server.start()
    # A new task takes over behind the balancer.
    old = service.tasks()[0]["taskArn"]
    deployment.aws(f"aws ecs stop-task --cluster {NAME}-cluster --task {old}")
    eventually(lambda: [task for task in service.tasks() if task["taskArn"] != old and task["lastStatus"] == "RUNNING"], 60)
    assert eventually(lambda: json.loads(curl("--cacert", ca, f"{base}/health"))["status"] == "healthy", 60)

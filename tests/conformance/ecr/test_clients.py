"""The registry with the clients that people have: podman, buildah, skopeo, and both AWS CLIs.

Documented: https://docs.aws.amazon.com/AmazonECR/latest/userguide/getting-started-cli.html
"""
import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

from harness.containers import ContainerClient, image


@pytest.fixture
def untouched(tmp_path, repository):
    """podman with the machine's own configuration: what a person has who only ran `landfall serve`. Only its storage
    and its logins are elsewhere."""
    client = ContainerClient(tmp_path / "untouched", repository["repositoryUri"].split("/")[0])
    del client.environment["CONTAINERS_REGISTRIES_CONF"]
    yield client
    client.remove_storage()


@pytest.fixture
def uri(repository) -> str:
    return repository["repositoryUri"]


@pytest.fixture
def host(uri) -> str:
    return uri.split("/")[0]


@pytest.fixture
def logged_in(podman, aws, host):
    podman(f"podman login --username AWS --password-stdin {host}", input=aws("aws ecr get-login-password").text)
    return podman


def random_image(client, folder, megabytes: int, name: str) -> str:
    """An image that nothing compresses."""
    folder.mkdir(exist_ok=True)
    (folder / "data").write_bytes(os.urandom(megabytes << 20))
    (folder / "Containerfile").write_text("FROM scratch\nCOPY data /data\n")
    client(f"buildah build --quiet -t {name} {folder}")
    return name


def run(client, reference: str, command: str) -> str:
    """What a command in the image prints. Not by `podman run`: it waits long for its monitor where nobody reaps it."""
    made = client(f"buildah from --pull-never {reference}").stdout.strip()
    said = client(f"buildah run {made} -- {command}").stdout.strip()
    client(f"buildah rm {made}")
    return said


def test_the_document_as_it_is_typed(each_cli, untouched, name):
    """A1: create-repository, get-login-password | login, tag, push, pull; no option says insecure, nothing is set up."""
    made = each_cli(f"aws ecr create-repository --repository-name {name}-typed").json["repository"]
    try:
        uri = made["repositoryUri"]
        registry = uri.split("/")[0]
        password = each_cli("aws ecr get-login-password --region us-west-1").text
        said = untouched(f"podman login --username AWS --password-stdin {registry}", input=password)
        assert "Login Succeeded" in said.stdout
        untouched(f"podman pull --quiet oci:{image('busybox')}")
        local = untouched("podman images --quiet").stdout.split()[0]
        untouched(f"podman tag {local} {uri}:latest")
        untouched(f"podman push {uri}:latest")
        untouched(f"podman rmi --force {local}")
        untouched(f"podman pull {uri}:latest")
        assert run(untouched, f"{uri}:latest", "busybox echo it runs") == "it runs"
        details = each_cli(f"aws ecr describe-images --repository-name {name}-typed").json["imageDetails"]
        assert details[0]["imageTags"] == ["latest"] and details[0]["imageSizeInBytes"] > 100_000
        by_digest = f"{uri}@{details[0]['imageDigest']}"
        untouched(f"podman pull {by_digest}")
    finally:
        each_cli(f"aws ecr delete-repository --repository-name {name}-typed --force")


@pytest.mark.parametrize("password", ["wrong", "", "AWS", "A" * 5000])
def test_a_wrong_password_logs_nobody_in(podman, host, password):
    done = podman(f"podman login --username AWS --password-stdin {host}", input=password, check=False)
    assert done.returncode != 0
    if password:
        assert "401" in done.stderr or "invalid username/password" in done.stderr, done.stderr


def test_a_bent_password_logs_nobody_in(podman, host, aws):
    password = aws("aws ecr get-login-password").text
    middle = len(password) // 2
    bent = password[:middle] + ("A" if password[middle] != "A" else "B") + password[middle + 1:]
    assert podman(f"podman login --username AWS --password-stdin {host}", input=bent, check=False).returncode != 0


def test_without_a_login_nothing_is_given_or_taken(podman, uri, logged_in, host):
    podman(f"skopeo copy --quiet oci:{image('busybox')}:latest docker://{uri}:latest")
    podman(f"podman logout {host}")
    for command in (f"podman pull {uri}:latest", f"skopeo inspect docker://{uri}:latest",
                    f"skopeo copy oci:{image('busybox')}:latest docker://{uri}:other"):
        done = podman(command, check=False)
        assert done.returncode != 0 and "unauthorized" in done.stderr.lower() + done.stdout.lower(), done.stderr


def test_buildah_builds_and_pushes(logged_in, uri, tmp_path):
    random_image(logged_in, tmp_path / "build", 1, f"{uri}:built")
    logged_in(f"buildah push {uri}:built")
    found = json.loads(logged_in(f"skopeo inspect docker://{uri}:built").stdout)
    assert found["Architecture"] == "amd64" and found["RepoTags"] == ["built"]
    content = (tmp_path / "build" / "data").read_bytes()
    logged_in(f"podman rmi --force {uri}:built")
    made = logged_in(f"buildah from --pull-always {uri}:built").stdout.strip()
    mounted = logged_in(f"buildah mount {made}").stdout.strip()
    with open(f"{mounted}/data", "rb") as file:
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(content).digest()
    logged_in(f"buildah rm {made}")


@pytest.mark.parametrize("options", ["--format oci", "--format v2s2", "--format oci --dest-compress-format zstd",
                                     "--format oci --dest-decompress"])
def test_formats_and_compressions(logged_in, uri, options):
    logged_in(f"skopeo copy --quiet {options} oci:{image('busybox')}:latest docker://{uri}:formats")
    logged_in(f"podman pull --quiet {uri}:formats")
    assert run(logged_in, f"{uri}:formats", "busybox echo it runs") == "it runs"


def test_a_manifest_list(logged_in, uri, ecr, name, tmp_path):
    for architecture in ("amd64", "arm64"):
        (tmp_path / architecture).mkdir()
        (tmp_path / architecture / "Containerfile").write_text(f"FROM scratch\nLABEL is={architecture}\nCOPY . /\n")
        logged_in(f"buildah build --quiet --platform linux/{architecture} --manifest {name} {tmp_path / architecture}")
    logged_in(f"buildah manifest push --all {name} docker://{uri}:all")
    listed = json.loads(logged_in(f"skopeo inspect --raw docker://{uri}:all").stdout)
    assert sorted(m["platform"]["architecture"] for m in listed["manifests"]) == ["amd64", "arm64"]
    for architecture in ("amd64", "arm64"):
        found = json.loads(logged_in(f"skopeo inspect --override-arch {architecture} docker://{uri}:all").stdout)
        assert found["Architecture"] == architecture and found["Labels"]["is"] == architecture
    # The list and its two images.
    details = ecr.describe_images(repositoryName=uri.split("/")[1])["imageDetails"]
    assert len(details) == 3 and [d.get("imageTags") for d in details if d.get("imageTags")] == [["all"]]
    # skopeo copies all of it elsewhere, too.
    logged_in(f"skopeo copy --quiet --all docker://{uri}:all dir:{tmp_path}/copied")
    logged_in(f"buildah manifest rm {name}")


def test_skopeo_lists_and_deletes(logged_in, uri):
    for tag in ("one", "two"):
        logged_in(f"skopeo copy --quiet oci:{image('busybox')}:latest docker://{uri}:{tag}")
    assert json.loads(logged_in(f"skopeo list-tags docker://{uri}").stdout)["Tags"] == ["one", "two"]
    logged_in(f"skopeo delete docker://{uri}:one")
    # skopeo deletes the image that the tag names, with all its tags.
    assert json.loads(logged_in(f"skopeo list-tags docker://{uri}").stdout)["Tags"] == []


def test_a_second_push_sends_nothing_again(logged_in, uri):
    logged_in(f"skopeo copy oci:{image('busybox')}:latest docker://{uri}:one")
    again = logged_in(f"skopeo --debug copy oci:{image('busybox')}:latest docker://{uri}:two")
    assert "PUT" in again.stderr and "/blobs/uploads" not in again.stderr, again.stderr


def test_a_missing_repository_is_named(logged_in, host):
    for command in (f"skopeo copy oci:{image('busybox')}:latest docker://{host}/not-made:latest",
                    f"podman pull {host}/not-made:latest"):
        done = logged_in(command, check=False)
        assert done.returncode != 0 and "'not-made' does not exist" in done.stderr, done.stderr


def test_immutable_tags_are_explained(logged_in, uri, ecr, tmp_path):
    ecr.put_image_tag_mutability(repositoryName=uri.split("/")[1], imageTagMutability="IMMUTABLE")
    logged_in(f"skopeo copy --quiet oci:{image('busybox')}:latest docker://{uri}:v1")
    random_image(logged_in, tmp_path / "build", 1, f"{uri}:v1")
    done = logged_in(f"podman push {uri}:v1", check=False)
    assert done.returncode != 0 and "immutable" in done.stderr, done.stderr


def test_rights_are_those_of_the_login(podman, user, uri, host, repository, token_of, clients):
    """A reader pulls and does not push; the refusal names the action."""
    arn = repository["repositoryArn"]
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Effect": "Allow", "Action": pull, "Resource": arn}]})
    podman(f"podman login --username AWS --password-stdin {host}", input=token_of(clients("ecr")))
    podman(f"skopeo copy --quiet oci:{image('busybox')}:latest docker://{uri}:latest")
    podman(f"podman login --username AWS --password-stdin {host}", input=token_of(user.client("ecr")))
    podman(f"podman pull --quiet {uri}:latest")
    done = podman(f"skopeo copy --format v2s2 oci:{image('busybox')}:latest docker://{uri}:mine", check=False)
    assert done.returncode != 0
    assert "denied" in done.stderr and "ecr:" in done.stderr and user.arn in done.stderr, done.stderr


def big_push(client, uri: str) -> subprocess.Popen:
    return subprocess.Popen(["podman", "push", f"{uri}:big"], env=client.environment, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def test_a_killed_push_can_be_done_again(logged_in, uri, tmp_path):
    random_image(logged_in, tmp_path / "build", 48, f"{uri}:big")
    for delay_s in (0.15, 0.4, 0.8):
        push = big_push(logged_in, uri)
        time.sleep(delay_s)
        push.send_signal(signal.SIGKILL)
        push.communicate()
    logged_in(f"podman push {uri}:big")
    logged_in(f"podman rmi --force {uri}:big")
    logged_in(f"podman pull --quiet {uri}:big")

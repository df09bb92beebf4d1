"""`landfall why` for repositories and images. Ours."""
import pytest

from harness.registry import INDEX


@pytest.fixture
def why(server):
    if not hasattr(server, "why"):
        pytest.skip("needs a server of its own")
    return server.why


def test_an_empty_repository(why, repository):
    said = why(repository["repositoryArn"])
    assert "Nothing has been pushed to" in said and f"podman push {repository['repositoryUri']}:latest" in said


def test_a_tag_that_is_not_there(why, registry, repository):
    registry.push("v1")
    said = why(f"{repository['repositoryUri']}:v2")
    assert "has no image with tag v2; the newest tags are v1" in said
    assert "ImageNotFound" not in why(f"{repository['repositoryUri']}:v1")


def test_an_image_for_another_machine(why, registry, repository):
    """Row A9: one line with both architectures, and what repairs it."""
    registry.put_manifest("arm", registry.image("arm", "arm64"))
    said = why(f"{repository['repositoryName']}:arm")
    assert "The image is built for linux/arm64, but this machine needs linux/amd64." in said
    assert "docker buildx build --platform linux/amd64" in said


def test_an_index_without_this_machine(why, registry, repository):
    digest = registry.put_manifest("arm", registry.image("arm", "arm64")).headers["Docker-Content-Digest"]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1,
         "platform": {"os": "linux", "architecture": "arm64"}}]}
    assert registry.put_manifest("all", index, INDEX).status_code == 201
    assert "built for linux/arm64, but this machine needs linux/amd64" in why(f"{repository['repositoryUri']}:all")


def test_blobs_that_somebody_deleted(why, server, registry, repository):
    digest = registry.push("v1")
    layer = registry("GET", "manifests/v1").json()["layers"][0]["digest"].removeprefix("sha256:")
    (server.data / "blobs/blobs/sha256" / layer[:2] / layer).unlink()
    said = why(f"{repository['repositoryUri']}@{digest}")
    assert "1 of its 2 blobs are not in the data folder any more" in said and "Push the image again" in said


def test_what_nobody_knows(server, why):
    done = server.command("why", "no-such-repository:latest", check=False)
    assert done.returncode != 0

"""The registry's protocol without a client's cleverness, and images made by hand."""
import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field

import requests

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def error_code(answer: requests.Response) -> str:
    """The code of an error in the registry's words."""
    return answer.json()["errors"][0]["code"]


def layer_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    # The same files are the same layer, whatever the time.
    return gzip.compress(packed.getvalue(), mtime=0)


@dataclass
class Registry:
    """`registry("PUT", "manifests/latest", data=...)`: requests to one repository, with a token."""

    endpoint: str
    repository: str
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.auth = ("AWS", self.token)

    def __call__(self, method: str, path: str, **options: object) -> requests.Response:
        url = self.at(path) if path.startswith(("/", "http")) else f"{self.endpoint}/v2/{self.repository}/{path}"
        return self.session.request(method, url, timeout=60, **options)

    def at(self, location: str) -> str:
        return location if location.startswith("http") else self.endpoint + location

    def begin(self) -> str:
        """Where an upload goes on."""
        begun = self("POST", "blobs/uploads/")
        assert begun.status_code == 202, begun.text
        return self.at(begun.headers["Location"])

    def put_blob(self, data: bytes) -> str:
        digest = digest_of(data)
        done = self("PUT", self.begin(), params={"digest": digest}, data=data)
        assert done.status_code == 201, done.text
        return digest

    def put_manifest(self, reference: str, manifest: dict | bytes, media_type: str = MANIFEST) -> requests.Response:
        data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        return self("PUT", f"manifests/{reference}", data=data, headers={"Content-Type": media_type})

    def image(self, seed: str, architecture: str = "amd64") -> dict:
        """The manifest of a small image whose blobs are in the repository."""
        layer = layer_of({"hello": seed.encode()})
        config = json.dumps({"architecture": architecture, "os": "linux", "config": {"Cmd": ["/hello"]},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(seed.encode())]}}).encode()
        return {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": self.put_blob(config), "size": len(config)},
                "layers": [{"mediaType": LAYER, "digest": self.put_blob(layer), "size": len(layer)}]}

    def push(self, tag: str, seed: str = "hello") -> str:
        """A small image under this tag; its digest."""
        done = self.put_manifest(tag, self.image(seed))
        assert done.status_code == 201, done.text
        return done.headers["Docker-Content-Digest"]

"""Writes an OCI image layout from root filesystem tars: one layer for a base, a second with the difference for what builds on it."""
import gzip
import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass
class Image:
    root: Path            # tar of the whole root filesystem
    base: Path | None     # OCI layout of the image below, with its own root.tar
    config: dict          # Cmd, Env, ... of the image configuration
    created: int          # seconds since 1970


def entries(tar: tarfile.TarFile):
    for member in tar:
        name = member.name.removeprefix("./").strip("/")
        # Device nodes are the runtime's business, and cannot be unpacked by an unprivileged client.
        if name in ("", ".") or name.startswith("dev/"):
            continue
        content = tar.extractfile(member).read() if member.isfile() else b""
        yield name, member, content


def identity(member: tarfile.TarInfo, content: bytes) -> tuple:
    return (member.type, member.mode, member.uid, member.gid, member.linkname, hashlib.sha256(content).digest())


def difference(root: Path, below: Path | None) -> bytes:
    """The layer that turns `below` into `root`: what is new or changed, and a whiteout for what is gone."""
    known = {}
    if below:
        with tarfile.open(below) as tar:
            known = {name: identity(member, content) for name, member, content in entries(tar)}
    seen = set()
    out = io.BytesIO()
    with tarfile.open(root) as tar, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as layer:
        for name, member, content in entries(tar):
            seen.add(name)
            if known.get(name) == identity(member, content):
                continue
            member.name = name
            member.mtime = int(member.mtime)
            member.pax_headers = {k: v for k, v in member.pax_headers.items() if k.startswith("SCHILY.xattr.")}
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            member.uname = member.gname = ""
            layer.addfile(member, io.BytesIO(content) if member.isfile() else None)
        for name in sorted(known.keys() - seen):
            folder, _, last = name.rpartition("/")
            if folder and folder not in seen:
                continue  # the folder's own whiteout covers it
            gone = tarfile.TarInfo(f"{folder}/.wh.{last}".lstrip("/"))
            layer.addfile(gone)
    return out.getvalue()


def put_blob(layout: Path, data: bytes) -> dict:
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def read_json(layout: Path, digest: str) -> dict:
    return json.loads((layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_text())


def to_json(value: dict) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def write_layout(image: Image, layout: Path) -> int:
    """Writes the layout with the one tag `latest`; returns the size of its layers in bytes."""
    (layout / "blobs/sha256").mkdir(parents=True)
    layers, diff_ids = [], []
    if image.base:
        below = read_json(image.base, json.loads((image.base / "index.json").read_text())["manifests"][0]["digest"])
        layers = below["layers"]
        diff_ids = read_json(image.base, below["config"]["digest"])["rootfs"]["diff_ids"]
        for layer in layers:
            blob = "blobs/sha256/" + layer["digest"].removeprefix("sha256:")
            (layout / blob).hardlink_to(image.base / blob)

    layer = difference(image.root, image.base / "root.tar" if image.base else None)
    diff_ids = diff_ids + ["sha256:" + hashlib.sha256(layer).hexdigest()]
    packed = put_blob(layout, gzip.compress(layer, 5, mtime=0))
    layers = layers + [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **packed}]

    machine = platform.machine()
    created = datetime.fromtimestamp(image.created, UTC)
    config = put_blob(layout, to_json({
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "config": {**image.config, "Env": [PATH, *image.config.get("Env", [])]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        # One entry a layer: clients that build on the image count them.
        "history": [{"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "created_by": "images/build"} for _ in diff_ids],
    }))
    manifest = put_blob(layout, to_json({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
        "layers": layers,
    }))
    (layout / "index.json").write_bytes(to_json({
        "schemaVersion": 2,
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest,
                       "annotations": {"org.opencontainers.image.ref.name": "latest"}}],
    }))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return sum(layer["size"] for layer in layers)

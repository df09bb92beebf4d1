"""Podman, buildah and skopeo with configuration and storage of their own."""
import os
import shlex
import subprocess
from pathlib import Path

from harness.server import ROOT, clean_environment


class ContainerClient:
    """`client("podman build -t x .")`; one folder per client, so tests do not share images or logins."""

    def __init__(self, folder: Path, registry: str):
        done = subprocess.run([ROOT / "tools/container-client", str(folder), registry], capture_output=True, text=True,
                              check=True)
        exports = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
        self.environment = {**clean_environment(), **exports}
        self.folder = folder

    def __call__(self, line: str, *more: str, input: str | None = None, check: bool = True,  # noqa: A002
                 cwd: Path | None = None, timeout_s: float = 300) -> subprocess.CompletedProcess:
        words = [*shlex.split(line), *more]
        done = subprocess.run(words, input=input, capture_output=True, text=True, env=self.environment, cwd=cwd,
                              timeout=timeout_s)
        if check and done.returncode:
            raise AssertionError(f"{shlex.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def remove_storage(self) -> None:
        """Overlay folders hold what only podman itself may unmount."""
        self("podman system reset --force", check=False)


def image(name: str) -> Path:
    """The OCI layout of a base image, built by images/build when it is not in the cache."""
    subprocess.run([ROOT / "images/build", name], check=True, stdout=subprocess.DEVNULL)
    return Path(os.environ.get("LANDFALL_CACHE", "/var/cache/landfall")) / "images" / name

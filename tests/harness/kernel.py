"""What an instance has in the kernel while it runs, to be compared with what the API says it should have."""
import os
from dataclasses import dataclass
from pathlib import Path

from harness.leaks import lines_of, names_in, tag_of


@dataclass(frozen=True)
class Made:
    interfaces: int   # network namespaces of network interfaces
    containers: int   # running containers, by their monitors
    overlays: int     # mounted root filesystems
    volumes: int      # mounted volumes


def made_by(data: Path) -> Made:
    tag = tag_of(data)
    monitors = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        monitors += words[0].endswith(b"conmon") and any(f"/run/landfall-{tag}/".encode() in word for word in words)
    mounts = [line.split(" - ") for line in lines_of("/proc/self/mountinfo") if str(data) + "/" in line]
    return Made(
        interfaces=sum(name.startswith(f"lf-{tag}-eni") for name in names_in("/run/netns")),
        containers=monitors,
        overlays=sum(kind.startswith("overlay ") for _, kind in mounts),
        volumes=sum("/volumes/mounts/" in place for place, _ in mounts))

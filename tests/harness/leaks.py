"""What an instance left behind in the kernel after `landfall down`."""
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.server import Server


def tag_of(data: Path) -> str:
    """The instance tag, as src/host/instance.cpp derives it."""
    return hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:6]


def leaks(data: Path) -> list[str]:
    """One line for each object that carries the instance's tag or lies in its data folder."""
    tag = tag_of(data)
    found = [f"network namespace {name}" for name in names_in("/run/netns") if tag in name]
    found += [f"link {line.split()[1]}" for line in output("ip", "-o", "link") if f"-{tag}" in line or f"{tag}-" in line]
    found += [f"mount {line.split()[4]}" for line in lines_of("/proc/self/mountinfo")
              if str(data) + "/" in line or f"-{tag}-" in line]
    found += [f"cgroup {path}" for path in control_groups(tag)]
    found += [f"claim {name}" for name in names_in("/run/landfall-claims") if name == tag]
    found += [f"folder /run/{name}" for name in names_in("/run") if tag in name]
    found += [f"hosts entry {line}" for line in lines_of("/etc/hosts") if tag in line]
    found += [f"nftables table {line}" for line in output("nft", "list", "tables") if tag in line]
    found += [f"loop device {line.split()[0]}" for line in output("losetup", "-a") if str(data) in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if (str(data) in words or f"{tag}-" in words) and int(pid) != os.getpid():
            found.append(f"process {pid}: {words[:200]}")
    return found


def control_groups(tag: str) -> list[str]:
    """Every hierarchy of version 1 is a folder below /sys/fs/cgroup, version 2 is the folder itself."""
    places = [Path("/sys/fs/cgroup"), *(path for path in Path("/sys/fs/cgroup").glob("*") if path.is_dir())]
    return sorted({str(path) for place in places for path in place.glob(f"landfall-{tag}*")})


def names_in(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def lines_of(path: str) -> list[str]:
    return Path(path).read_text(errors="replace").splitlines()


def output(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.splitlines()


def stop_and_check(server: Server) -> None:
    """Ends a server; what it leaves behind fails the test (or the session) that started it."""
    server.down()
    left = leaks(server.data)
    # A test may have refused to share its addresses with another server, whose routes these are.
    if not any(server.public_pool in line for name in names_in("/run/landfall-claims") for line in lines_of(f"/run/landfall-claims/{name}")):
        left += [f"route {line}" for line in output("ip", "-4", "route") if server.public_pool in line]
    if not os.environ.get("LANDFALL_TEST_KEEP"):
        server.remove_folder()
    assert not left, "landfall down left behind:\n" + "\n".join(left)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """A server that runs for as long as the block does and leaves nothing behind."""
    try:
        server.start()
        yield server
    finally:
        stop_and_check(server)

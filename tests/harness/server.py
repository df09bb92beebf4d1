"""A Landfall of the tests' own: its own data folder, port and pool of public addresses."""
import contextlib
import ipaddress
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
REGION = "us-west-1"


def binary() -> str:
    given = os.environ.get("LANDFALL_BINARY")
    for path in [given] if given else [ROOT / "build/dev/landfall", ROOT / "build/release/landfall"]:
        if Path(path).exists():
            return str(path)
    raise FileNotFoundError("no landfall binary: build it (cmake --preset dev && cmake --build --preset dev)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_pool() -> str:
    """A block of public addresses that no other server on this machine uses; ./run takes the lower half of 198.18.0.0/16."""
    said = subprocess.run(["ip", "-4", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout
    # A server says which block it has before it makes its first route.
    for claim in Path("/run/landfall-claims").glob("[0-9a-f]*"):
        with contextlib.suppress(OSError):
            said += claim.read_text()
    used = [ipaddress.ip_network(word, strict=False) for word in re.findall(r"198\.18\.[0-9.]+(?:/[0-9]+)?", said)]
    # pytest's workers choose at the same moment: each has blocks of its own.
    worker, workers = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    free = [block for block in list(ipaddress.ip_network("198.18.128.0/17").subnets(new_prefix=22))[worker::workers]
            if not any(block.overlaps(other) for other in used)]
    assert free, f"no free block in 198.18.128.0/17: {said}"
    # Another session may be choosing too.
    return str(random.choice(free))


class Server:
    """`landfall serve`, started, killed and started again over the same data folder."""

    def __init__(self, public_pool: str = "", options: tuple[str, ...] = ()):
        self.folder = Path(tempfile.mkdtemp(prefix="landfall-test-", dir=os.environ.get("LANDFALL_TEST_TMP", "/var/tmp")))
        self.data = self.folder / "data"
        self.log_path = self.folder / "serve.log"
        self.port = free_port()
        self.public_pool = public_pool or free_pool()
        self.options = options
        self.process: subprocess.Popen | None = None
        self._environment: dict[str, str] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, within_s: float = 30) -> None:
        assert self.process is None or self.process.poll() is not None, "already running"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), "serve", "--data-dir", str(self.data), "--listen", f"127.0.0.1:{self.port}",
                 "--public-pool", self.public_pool, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment(), start_new_session=True)
        deadline = time.monotonic() + within_s
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"landfall serve ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"landfall serve does not listen:\n{self.log()[-4000:]}") from None
                time.sleep(0.02)

    def kill(self) -> None:
        """kill -9, as a crash or a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, within_s: float = 20) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def restart(self) -> None:
        self.kill()
        self.start()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def command(self, *words: str, check: bool = True, timeout_s: float = 60) -> subprocess.CompletedProcess:
        """`landfall WORDS... --data-dir ...`"""
        done = subprocess.run([binary(), *words, "--data-dir", str(self.data)], capture_output=True, text=True,
                              timeout=timeout_s, env=clean_environment())
        if check and done.returncode:
            raise AssertionError(f"landfall {shlex.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def why(self, resource: str) -> str:
        return self.command("why", resource).stdout

    def environment(self) -> dict[str, str]:
        """What `eval "$(landfall env)"` exports."""
        if self._environment is None:
            exports = {}
            for line in self.command("env").stdout.splitlines():
                if line.startswith("export "):
                    name, _, value = line.removeprefix("export ").partition("=")
                    exports[name] = "".join(shlex.split(value))
            assert exports.get("AWS_ACCESS_KEY_ID"), exports
            self._environment = exports
        return self._environment

    def down(self) -> None:
        """Stops the server and removes everything that it made."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        if self.data.exists():
            self.command("down", timeout_s=120)

    def remove_folder(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class OutsideServer:
    """An endpoint somebody else runs (LANDFALL_TEST_ENDPOINT): tests that restart it are skipped."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint

    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.endpoint,
                **{name: value for name, value in os.environ.items() if name.startswith("AWS_")}}


def clean_environment() -> dict[str, str]:
    """Ours without any account of the person who runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}

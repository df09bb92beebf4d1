"""AWS clients: the CLI of today (2), its version 1, the one of Debian 12 (2.9), and boto3."""
import fcntl
import json
import os
import pty
import select
import shlex
import signal
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.server import ROOT, clean_environment

CLIS = {
    "today": str(ROOT / ".venv/bin/aws"),
    "one": str(ROOT / ".venv/bin/aws1"),
    "debian": "/usr/bin/aws",
}
DEFAULT_CLI = os.environ.get("LANDFALL_TEST_CLI", "today")


class Said(subprocess.CompletedProcess):
    """What a command printed, and the same as JSON."""

    @property
    def json(self) -> Any:
        return json.loads(self.stdout) if self.stdout.strip() else {}

    @property
    def text(self) -> str:
        return self.stdout.strip()


class Aws:
    """Runs `aws ...` as somebody with the exports of `landfall env` would type it."""

    def __init__(self, exports: dict[str, str], home: Path, region: str, cli: str = DEFAULT_CLI):
        self.program = CLIS[cli]
        self.cli = cli
        self.region = region
        self.environment = {**clean_environment(), **exports, "HOME": str(home), "AWS_PAGER": "", "AWS_REGION": region,
                            "AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true"}

    def arguments(self, line: str, *more: str) -> list[str]:
        words = [*shlex.split(line), *more]
        assert words[0] == "aws", "write the command as a person types it"
        # Before 2.13 the CLI did not read AWS_ENDPOINT_URL.
        at = ["--endpoint-url", self.environment["AWS_ENDPOINT_URL"]] if self.cli == "debian" else []
        return [self.program, *at, *words[1:]]

    def __call__(self, line: str, *more: str, check: bool = True, timeout_s: float = 120) -> Said:
        """`line` is split as a shell does; `more` are words passed as they are."""
        done = subprocess.run(self.arguments(line, *more), capture_output=True, text=True, timeout=timeout_s,
                              env=self.environment)
        if check and done.returncode:
            raise AssertionError(f"{line} {shlex.join(more)} ended with {done.returncode}: {done.stderr.strip()}")
        return Said(done.args, done.returncode, done.stdout, done.stderr)

    def start(self, line: str, *more: str, keyboard: bool = False) -> "Typed":
        """A command that goes on, such as `aws logs tail --follow`, in a terminal: into a pipe it writes only now and then.
        keyboard: it is its terminal in full, with Ctrl-C."""
        ours, its = pty.openpty()

        def before() -> None:
            # A shell that runs the tests in the background has Ctrl-C ignored.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if keyboard:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(self.arguments(line, *more), stdin=its if keyboard else subprocess.DEVNULL, stdout=its, stderr=its,
                                   env={**self.environment, "TERM": "dumb"}, start_new_session=True, preexec_fn=before)
        os.close(its)
        return Typed(process, ours)


class Typed:
    """A program in a terminal of its own."""

    def __init__(self, process: subprocess.Popen, terminal: int):
        self.process = process
        self.terminal = terminal
        self.text = ""

    def read(self, within_s: float) -> str:
        """All that it has written so far, after waiting for more."""
        if select.select([self.terminal], [], [], within_s)[0]:
            try:
                self.text += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                pass  # it has ended
        return self.text

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def ended(self) -> bool:
        """Whether it has ended by itself and everything that it wrote is read."""
        if self.process.poll() is None:
            self.read(0.2)
            return False
        size = -1
        while size != len(self.text):
            size = len(self.text)
            self.read(0)
        return True

    def end(self) -> None:
        """Ctrl-C"""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        os.close(self.terminal)


def session(exports: dict[str, str], region: str) -> boto3.Session:
    return boto3.Session(aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
                         aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
                         aws_session_token=exports.get("AWS_SESSION_TOKEN"), region_name=region)


class Clients:
    """`clients("ecs")`, `clients("ec2", region="eu-west-1")`: boto3 clients, without retries that hide errors."""

    def __init__(self, exports: dict[str, str], region: str):
        self.exports = exports
        self.region = region
        self.known: dict[tuple, Any] = {}

    def __call__(self, service: str, region: str | None = None, keys: dict[str, str] | None = None, **options: Any) -> Any:
        """keys: the Credentials of an STS answer, or an access key, instead of the root's."""
        key = (service, region, tuple(sorted((keys or {}).items(), key=str)), tuple(sorted(options.items(), key=str)))
        if key not in self.known:
            exports = self.exports if keys is None else {
                "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                **({"AWS_SESSION_TOKEN": keys["SessionToken"]} if keys.get("SessionToken") else {})}
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, **options)
            self.known[key] = session(exports, region or self.region).client(
                service, endpoint_url=self.exports["AWS_ENDPOINT_URL"], config=config)
        return self.known[key]


def refused(call: Callable, *arguments: object, **parameters: object) -> tuple[str, str]:
    """Code and message of the error that a client's call must answer."""
    with pytest.raises(ClientError) as raised:
        call(*arguments, **parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]

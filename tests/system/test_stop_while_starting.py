"""A stop is clean whenever it comes: also while the server still starts."""
import os
import signal
import subprocess
import time

import pytest

from harness.clients import Clients
from harness.leaks import stop_and_check
from harness.server import Server, binary, clean_environment

# What a first start makes, in this order: each is a moment to be stopped at.
MOMENTS = ["pid", "key", "store.db", "credentials", "ca", "metrics", "endpoint"]


def start_and_stop_at(server: Server, moment: str, by: int) -> int:
    """Starts the server and signals it as soon as `moment` is in its data folder. Returns the exit code."""
    with server.log_path.open("ab") as log:
        server.process = subprocess.Popen(
            [binary(), "serve", "--data-dir", str(server.data), "--listen", f"127.0.0.1:{server.port}",
             "--public-pool", server.public_pool], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=clean_environment(), start_new_session=True)
    deadline = time.monotonic() + 60
    while not os.path.exists(server.data / moment):
        assert server.process.poll() is None, server.log()
        assert time.monotonic() < deadline, f"no {moment}: {server.log()}"
    server.process.send_signal(by)
    return server.process.wait(60)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.skipif("LANDFALL_TEST_ENDPOINT" in os.environ, reason="needs servers of its own")
def test_a_stop_while_starting_is_clean(by):
    server = Server()
    try:
        for moment in MOMENTS if by == signal.SIGTERM else MOMENTS[:1]:
            # A later start makes it anew, where it can go without taking something else with it.
            if moment in ("pid", "endpoint"):
                (server.data / moment).unlink(missing_ok=True)
            elif (server.data / moment).exists():
                continue
            assert start_and_stop_at(server, moment, by) == 0, (moment, server.log())
            assert "stop" in server.log().splitlines()[-1], (moment, server.log())
        # Whatever was there by then, the next start goes on from it.
        server.start()
        assert Clients(server.environment(), "us-west-1")("sts").get_caller_identity()["Arn"].endswith(":root")
        assert server.stop() == 0
        # Its state is there: the start that is stopped is not the first.
        (server.data / "endpoint").unlink()
        assert start_and_stop_at(server, "endpoint", by) == 0, server.log()
    finally:
        stop_and_check(server)

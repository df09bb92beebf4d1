#!/usr/bin/env python3
"""One service of many small tasks behind no load balancer: how long until all run, and what they cost at rest.

    .venv/bin/python bench/many_tasks.py [--tasks 500] [--steps 100]

Grows the service in steps, so that what is not linear shows: seconds per task, processor seconds of `landfall serve` per
task, processor share of `serve` at rest (over 20 s), memory of `serve` and of the monitors (proportional set size), and the
time of `update-service` until stable for the last step's size.
"""
import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from run_task import REGION, monitors_of, pss_kib  # noqa: E402

from harness.clients import Clients  # noqa: E402
from harness.server import Server  # noqa: E402
from harness.small_tasks import SmallTasks  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Of the process and the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICKS


def own_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12)) / TICKS


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tasks", type=int, default=500)
    options.add_argument("--steps", type=int, default=100, help="tasks added at once")
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-many-", dir="/var/tmp"))
    server = Server()
    server.start()
    try:
        small = SmallTasks(Clients(server.environment(), REGION), folder)
        definition = small.define("sleep", "86400")
        small.create_service("many", definition, 0)
        pid = server.process.pid

        def stable(count: int) -> float:
            begun = time.monotonic()
            while True:
                service = small.service("many")
                if (service["runningCount"] == count and len(service["deployments"]) == 1
                        and service["deployments"][0]["rolloutState"] == "COMPLETED"):
                    return time.monotonic() - begun
                time.sleep(0.5)

        running = 0
        while running < given.tasks:
            added = min(given.steps, given.tasks - running)
            before, own = cpu_seconds(pid), own_seconds(pid)
            small.ecs.update_service(cluster=small.name, service="many", desiredCount=running + added)
            running += added
            seconds = stable(running)
            spent, own = cpu_seconds(pid) - before, own_seconds(pid) - own
            time.sleep(10)
            before = own_seconds(pid)
            time.sleep(20)
            rest = (own_seconds(pid) - before) / 20
            monitors = [pss_kib(monitor) for monitor in monitors_of(server.data)]
            print(f"{running} tasks: {seconds / added * 1000:.0f} ms each, serve {own / added * 1000:.1f} ms CPU each"
                  f" ({spent / added * 1000:.1f} with its children); at rest {rest * 100:.2f}% of a core,"
                  f" serve {pss_kib(pid) / 1024:.0f} MiB, monitors {sum(monitors) / max(len(monitors), 1):.0f} KiB each",
                  flush=True)
        begun = time.monotonic()
        small.ecs.update_service(cluster=small.name, service="many", desiredCount=0)
        stable(0)
        print(f"all stopped in {time.monotonic() - begun:.0f} s")
    finally:
        server.down()
        server.remove_folder()


if __name__ == "__main__":
    main()

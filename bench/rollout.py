#!/usr/bin/env python3
"""From `update-service --force-new-deployment` to stable, beside the sum of its parts.

    .venv/bin/python bench/rollout.py [--rounds 5]

Two tasks behind a load balancer whose checks come every 5 s (2 in a row make healthy), deregistration delay 3 s. The parts are
read from the API: a new task's start (createdAt to startedAt), its checks (until the target is healthy), the drain (the
delay), the end of the old task (its stop signal to stoppedAt). Old and new are never both away, so the parts follow each
other; what is more than their sum is ours.
"""
import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from harness.steady_load import Balanced  # noqa: E402
from harness.server import Server  # noqa: E402

DRAIN_S = 3


def rollout(balanced: Balanced) -> tuple[float, float, float, float]:
    """Seconds: in all; of the slowest start, check and end."""
    small = balanced.small
    before = {task["taskArn"] for task in balanced.running()}
    begun = time.time()
    balanced.update(forceNewDeployment=True)
    healthy: dict[str, float] = {}
    while True:
        states = {item["Target"]["Id"]: item["TargetHealth"]["State"] for item in
                  balanced.elbv2.describe_target_health(TargetGroupArn=balanced.group)["TargetHealthDescriptions"]}
        for address, state in states.items():
            if state == "healthy":
                healthy.setdefault(address, time.time())
        service = small.service("web")
        if (len(service["deployments"]) == 1 and service["deployments"][0]["rolloutState"] == "COMPLETED"
                and service["deployments"][0]["createdAt"].timestamp() > begun - 1):
            break
        time.sleep(0.1)
    whole = time.time() - begun
    new = balanced.running()
    start = max((task["startedAt"] - task["createdAt"]).total_seconds() for task in new)
    check = max(healthy[task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]] - task["startedAt"].timestamp()
                for task in new)
    old = small.ecs.describe_tasks(cluster=small.name, tasks=list(before))["tasks"]
    end = max((task["stoppedAt"] - task["stoppingAt"]).total_seconds() for task in old) - DRAIN_S
    return whole, start, check, end


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    server = Server()
    server.start()
    try:
        balanced = Balanced(server, Path(tempfile.mkdtemp(prefix="bench-rollout-", dir="/var/tmp")))
        found = [rollout(balanced) for _ in range(given.rounds)]
        whole, start, check, end = (statistics.median(values) for values in zip(*found))
        parts = start + check + DRAIN_S + end
        print(f"update-service to stable: {whole:.1f} s; parts: start {start:.1f}, checks {check:.1f}, drain {DRAIN_S}, end"
              f" {end:.1f}: {parts:.1f} s; beyond them {whole - parts:.1f} s")
    finally:
        server.down()
        server.remove_folder()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How soon a service grows: from the first datapoint above a threshold to the changed desired count, and to the running task.

    .venv/bin/python bench/scale_out.py [--rounds 5]

A step scaling policy behind an alarm with a period of 10 s and one evaluation period, which is the shortest that AWS
offers; the metric is put every second at high resolution, and each round begins at another moment of the period. The
alarm alone needs up to two periods: the datapoint's must end, and it must be looked at. AWS's own target tracking
needs three minutes, by its documentation.
"""
import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from harness.clients import Clients  # noqa: E402
from harness.leaks import stop_and_check  # noqa: E402
from harness.server import REGION, Server  # noqa: E402
from harness.small_tasks import SmallTasks  # noqa: E402
from harness.waiting import eventually  # noqa: E402


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    server = Server()
    server.start()
    try:
        clients = Clients(server.environment(), REGION)
        small = SmallTasks(clients, Path(tempfile.mkdtemp(prefix="bench-scale-", dir="/var/tmp")))
        scaling, cloudwatch = clients("application-autoscaling"), clients("cloudwatch")
        small.create_service("web", small.define("sleep", "3600"), 1)
        eventually(lambda: small.service("web")["runningCount"] == 1, 60)
        place = {"ServiceNamespace": "ecs", "ResourceId": f"service/{small.name}/web", "ScalableDimension": "ecs:service:DesiredCount"}
        scaling.register_scalable_target(**place, MinCapacity=1, MaxCapacity=4)
        policy = scaling.put_scaling_policy(**place, PolicyName="out", PolicyType="StepScaling", StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity", "Cooldown": 0, "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]})["PolicyARN"]
        cloudwatch.put_metric_alarm(AlarmName="bench", Namespace="bench", MetricName="load", Statistic="Maximum", Period=10,
                                    EvaluationPeriods=1, Threshold=10.0, ComparisonOperator="GreaterThanThreshold",
                                    AlarmActions=[policy])

        def put(value: float) -> None:
            cloudwatch.put_metric_data(Namespace="bench", MetricData=[
                {"MetricName": "load", "Value": value, "StorageResolution": 1}])

        def state() -> str:
            put(1.0)
            return cloudwatch.describe_alarms(AlarmNames=["bench"])["MetricAlarms"][0]["StateValue"]
        wanted, running = [], []
        for _ in range(given.rounds):
            eventually(lambda: state() == "OK", 120, every_s=1)
            small.ecs.update_service(cluster=small.name, service="web", desiredCount=1)
            eventually(lambda: small.service("web")["runningCount"] == 1, 60)
            time.sleep(10 * random.random())
            begun, told = time.monotonic(), 0.0
            while (service := small.service("web"))["desiredCount"] == 1:
                if time.monotonic() - told > 1:
                    put(100.0)
                    told = time.monotonic()
                time.sleep(0.02)
            wanted.append(time.monotonic() - begun)
            while (service := small.service("web"))["runningCount"] < 2:
                time.sleep(0.02)
            assert service["desiredCount"] == 2
            running.append(time.monotonic() - begun)
        print(f"first datapoint to desired count: median {statistics.median(wanted):.1f} s, worst {max(wanted):.1f} s;"
              f" to the running task: median {statistics.median(running):.1f} s, worst {max(running):.1f} s")
        small.remove()
    finally:
        stop_and_check(server)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""RunTask to RUNNING with the image present, beside `podman run` in the same run; and memory per running task.

    .venv/bin/python bench/run_task.py [--tasks 10] [--rounds 20]

A task gets a network interface with an address and firewall rules of its own, limits, and its output in a log group;
`podman run --network none` gets limits. Times are medians. Memory is what Landfall uses for one more running task beyond
the task's own process: its monitor, and its share of `landfall serve` (proportional set size).
"""
import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from harness.clients import Clients  # noqa: E402
from harness.containers import ContainerClient, image  # noqa: E402
from harness.server import Server  # noqa: E402

REGION = "us-west-1"


def pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def monitors_of(data: Path) -> list[int]:
    """conmon's of the instance's containers."""
    from harness.leaks import tag_of
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"conmon") and f"landfall-{tag_of(data)}/".encode() in b" ".join(words):
                found.append(int(folder.name))
    return found


class Ours:
    def __init__(self, server: Server, folder: Path):
        clients = Clients(server.environment(), REGION)
        self.ecs = clients("ecs")
        ecr, ec2, iam = clients("ecr"), clients("ec2"), clients("iam")
        uri = ecr.create_repository(repositoryName="bench/busybox")["repository"]["repositoryUri"]
        docker = ContainerClient(folder, uri.split("/")[0])
        import base64
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        docker(f"skopeo copy --quiet --dest-creds {base64.b64decode(token).decode()} oci:{image('busybox')}:latest"
               f" docker://{uri}:latest")
        import json
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                         "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}
        role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        iam.attach_role_policy(RoleName="bench",
                               PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
        clients("logs").create_log_group(logGroupName="/bench")
        self.ecs.create_cluster(clusterName="bench")
        self.ecs.register_task_definition(
            family="bench", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
            executionRoleArn=role, containerDefinitions=[{
                "name": "app", "image": f"{uri}:latest", "command": ["busybox", "sleep", "3600"], "essential": True,
                "logConfiguration": {"logDriver": "awslogs", "options": {
                    "awslogs-group": "/bench", "awslogs-region": REGION, "awslogs-stream-prefix": "app"}}}])
        vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        self.subnet = subnets[0]["SubnetId"]

    def run(self) -> tuple[str, float]:
        """The task and the seconds from the call until DescribeTasks says RUNNING."""
        begun = time.monotonic()
        answer = self.ecs.run_task(cluster="bench", taskDefinition="bench", launchType="FARGATE", networkConfiguration={
            "awsvpcConfiguration": {"subnets": [self.subnet], "assignPublicIp": "ENABLED"}})
        arn = answer["tasks"][0]["taskArn"]
        while True:
            task = self.ecs.describe_tasks(cluster="bench", tasks=[arn])["tasks"][0]
            if task["lastStatus"] == "RUNNING":
                return arn, time.monotonic() - begun
            if task["lastStatus"] in ("DEPROVISIONING", "STOPPED"):
                raise RuntimeError(task.get("stoppedReason"))
            time.sleep(0.002)

    def stop(self, arn: str) -> None:
        self.ecs.stop_task(cluster="bench", task=arn)

    def wait_stopped(self, arns: list[str]) -> None:
        while any(task["lastStatus"] != "STOPPED"
                  for task in self.ecs.describe_tasks(cluster="bench", tasks=arns)["tasks"]):
            time.sleep(0.1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tasks", type=int, default=10, help="running at once for the memory figure")
    options.add_argument("--rounds", type=int, default=20)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-task-", dir="/var/tmp"))
    server = Server("198.18.113.0/24")
    server.start()
    podman = ContainerClient(folder / "podman", "127.0.0.1:1")
    try:
        ours = Ours(server, folder / "ours")
        podman(f"podman pull --quiet oci:{image('busybox')}")
        local = podman("podman images --quiet").stdout.split()[0]
        arn, first = ours.run()
        ours.stop(arn)
        mine, theirs, containers = [], [], []
        for _ in range(given.rounds):
            arn, seconds = ours.run()
            mine.append(seconds)
            ours.stop(arn)
            begun = time.monotonic()
            done = subprocess.run(["podman", "run", "--detach", "--network", "none", "--memory", "512m", "--cpus", "0.25",
                                   local, "busybox", "sleep", "3600"], env=podman.environment, capture_output=True,
                                  text=True, check=True)
            theirs.append(time.monotonic() - begun)
            containers.append(done.stdout.strip())
            podman(f"podman rm --force --time 0 {containers[-1]}")
        print(f"RunTask to RUNNING: {statistics.median(mine) * 1000:.0f} ms (the first, which unpacks the image,"
              f" {first * 1000:.0f} ms); podman run: {statistics.median(theirs) * 1000:.0f} ms;"
              f" ratio {statistics.median(mine) / statistics.median(theirs):.2f}")

        arns = [ours.run()[0]]
        time.sleep(1)
        before = pss_kib(server.process.pid)
        arns += [ours.run()[0] for _ in range(given.tasks)]
        time.sleep(1)
        serve = (pss_kib(server.process.pid) - before) / given.tasks
        monitors = [pss_kib(pid) for pid in monitors_of(server.data)]
        monitor = sum(monitors) / max(len(monitors), 1)
        print(f"memory per running task: {(serve + monitor) / 1024:.2f} MiB (monitor {monitor / 1024:.2f}, serve"
              f" {serve / 1024:.2f}); serve in all {pss_kib(server.process.pid) / 1024:.1f} MiB, {len(monitors)} tasks")
        for arn in arns:
            ours.stop(arn)
        ours.wait_stopped(arns)
    finally:
        podman.remove_storage()
        server.down()
        server.remove_folder()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

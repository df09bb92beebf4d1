#!/usr/bin/env python3
"""What evaluating a user's policies costs: signed DescribeTasks by a user with 1 policy and by one with 100.

  bench/policies.py [--calls 4000] [--binary build/release/landfall]

The 100 are 10 groups with 10 managed policies each; 99 are about other actions, conditions and resources, the last one allows. Every call
evaluates all of them. CPU time is the server's own; the difference per call is the evaluation.
"""
import argparse
import asyncio
import json

import boto3
from api import REGION, ROOT, Landfall, cpu_seconds, load, signed


class As:
    """The server, seen by another user."""

    def __init__(self, server: Landfall, key: dict):
        from botocore.credentials import Credentials
        self.port, self.keys = server.port, Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def credentials(self):
        return self.keys


def document(number: int, of: int) -> str:
    statement = {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"} if number == of - 1 else {
        "Effect": "Allow", "Action": [f"s3:Get{number}*", "dynamodb:*", f"logs:Put{number}?vents"],
        "Resource": [f"arn:aws:s3:::bucket-{number}/*", "arn:aws:dynamodb:*:*:table/${aws:username}-*"],
        "Condition": {"StringLike": {"aws:PrincipalTag/team": f"team-{number}*"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def user(iam, policies: int) -> dict:
    name = f"with-{policies}"
    iam.create_user(UserName=name)
    for first in range(0, policies, 10):
        group = f"{name}-{first}"
        iam.create_group(GroupName=group)
        for number in range(first, min(first + 10, policies)):
            arn = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=document(number, policies))["Policy"]["Arn"]
            iam.attach_group_policy(GroupName=group, PolicyArn=arn)
        iam.add_user_to_group(GroupName=group, UserName=name)
    return iam.create_access_key(UserName=name)["AccessKey"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=4000)
    options.add_argument("--binary", default=str(ROOT / "build/release/landfall"))
    given = options.parse_args()
    server = Landfall(given.binary)
    server.start()
    try:
        root = server.credentials()
        client = {"endpoint_url": f"http://127.0.0.1:{server.port}", "region_name": REGION,
                  "aws_access_key_id": root.access_key, "aws_secret_access_key": root.secret_key}
        boto3.client("ecs", **client).create_cluster(clusterName="bench")
        iam, cost = boto3.client("iam", **client), {}
        requests = {count: signed(As(server, user(iam, count)), "ecs", {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.DescribeTasks"},
            json.dumps({"cluster": "bench", "tasks": ["0123456789abcdef0123456789abcdef"]})) for count in (1, 100)}
        for _ in range(3):
            for count, request in requests.items():
                asyncio.run(load(server.port, request, 16, given.calls // 20))
                before = cpu_seconds(server.process.pid)
                asyncio.run(load(server.port, request, 16, given.calls))
                cost.setdefault(count, []).append((cpu_seconds(server.process.pid) - before) / given.calls * 1e6)
        one, hundred = (sorted(cost[count])[1] for count in (1, 100))
        print(f"CPU per call: {one:.0f} us with 1 policy, {hundred:.0f} us with 100")
        if hundred > one:
            print(f"{1e6 / hundred:.0f} calls and {99e6 / (hundred - one):.0f} policy evaluations per CPU second")
    finally:
        server.stop()
        server.remove()


if __name__ == "__main__":
    main()

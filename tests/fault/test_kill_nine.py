"""kill -9 of the server at random moments of deployments. It starts again and converges to what was asked: nothing that was
acknowledged is lost, no line of a container's log is lost or doubled, and nothing is left over.

LANDFALL_TEST_KILLS   how many times the server is killed, default 20
LANDFALL_TEST_SEED    the seed that a failure printed
"""
import os
import random
import re
import threading
import time
from collections.abc import Callable

import requests
from botocore.exceptions import BotoCoreError, ClientError

from harness.clients import Clients
from harness.containers import ContainerClient, image
from harness.kernel import Made, made_by
from harness.server import REGION, Server
from harness.small_tasks import execution_role
from harness.waiting import eventually

KILLS = int(os.environ.get("LANDFALL_TEST_KILLS", "20"))
SEED = int(os.environ.get("LANDFALL_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
LINES = 30
# Serves its release over HTTP, counts up on its standard output, and ends when asked to.
PROGRAM = """
trap 'exit 0' TERM
mkdir -p /tmp/www; echo release $RELEASE > /tmp/www/index.html; httpd -p 8000 -h /tmp/www
i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; sleep 0.1; done
while :; do sleep 1 & wait $!; done
""" % LINES


class Killer:
    """Kills the server while it is let loose, and starts it again at once."""

    def __init__(self, server: Server, chance: random.Random):
        self.server = server
        self.chance = chance
        self.kills = 0
        self.error: Exception | None = None

    def __enter__(self) -> "Killer":
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()
        if self.error:
            raise self.error

    def _run(self) -> None:
        # Short pauses hit the start itself, long ones let work get somewhere.
        while not self.stopping.wait(self.chance.choice((0.05, 0.5, 2.0)) * self.chance.random()):
            try:
                self.server.restart()
            except Exception as error:  # noqa: BLE001 - told in __exit__
                self.error = error
                return
            self.kills += 1


class Persistent:
    """An API client that asks again until it is answered, as SDKs do."""

    def __init__(self, clients: Clients):
        self.clients = clients

    def __call__(self, service: str, operation: str, done_already: tuple[str, ...] = (), /, **parameters: object) -> dict:
        """done_already: errors that mean that an attempt whose answer was lost had its effect."""
        deadline = time.monotonic() + 60
        tried = 0
        while True:
            tried += 1
            try:
                return getattr(self.clients(service), operation)(**parameters)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if tried > 1 and code in done_already:
                    return {}
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 or time.monotonic() > deadline:
                    raise
            except BotoCoreError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05)


class Story:
    """What was acknowledged, and the deployment that it adds up to."""

    def __init__(self, server: Server, folder, chance: random.Random):
        self.server = server
        self.chance = chance
        self.ask = Persistent(Clients(server.environment(), REGION))
        self.release = 0
        self.desired = 1
        self.definition = ""
        self.definitions: list[str] = []
        self.ports: list[int] = []
        self.lines: list[str] = []
        self.users: list[str] = []
        self.one_shots: dict[str, int] = {}
        self.database = False
        self.uri = self.ask("ecr", "create_repository", ("RepositoryAlreadyExistsException",),
                            repositoryName="app")["repository"]["repositoryUri"]
        self.podman = ContainerClient(folder / "containers", self.uri.split("/")[0])
        token = self.ask("ecr", "get_authorization_token")["authorizationData"][0]["authorizationToken"]
        (folder / "containers/auth.json").write_text(
            '{"auths": {"%s": {"auth": "%s"}}}' % (self.uri.split("/")[0], token))
        self.layout = image("busybox")
        vpc = self.ask("ec2", "describe_vpcs")["Vpcs"][0]["VpcId"]
        self.group = self.ask("ec2", "describe_security_groups")["SecurityGroups"][0]["GroupId"]
        self.subnets = [s["SubnetId"] for s in self.ask("ec2", "describe_subnets")["Subnets"] if s["VpcId"] == vpc]
        self.role = execution_role(Clients(server.environment(), REGION)("iam"))
        self.open(8000)
        self.ask("ecs", "create_cluster", clusterName="c")
        for name in ("/app", "/own"):
            self.ask("logs", "create_log_group", ("ResourceAlreadyExistsException",), logGroupName=name)
        self.ask("logs", "create_log_stream", ("ResourceAlreadyExistsException",), logGroupName="/own", logStreamName="s")

    # What a person does

    def push(self) -> None:
        for _ in range(100):
            done = self.podman(f"skopeo copy --quiet oci:{self.layout}:latest docker://{self.uri}:r{self.release}", check=False)
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"the push never went through: {done.stderr}")

    def deploy(self) -> None:
        self.release += 1
        self.push()
        arn = self.ask("ecs", "register_task_definition", family="app", networkMode="awsvpc", cpu="256", memory="512",
                       requiresCompatibilities=["FARGATE"], executionRoleArn=self.role, containerDefinitions=[{
                           "name": "app", "image": f"{self.uri}:r{self.release}", "stopTimeout": 5,
                           "command": ["sh", "-c", PROGRAM], "portMappings": [{"containerPort": 8000}],
                           "environment": [{"name": "RELEASE", "value": str(self.release)}],
                           "logConfiguration": {"logDriver": "awslogs", "options": {
                               "awslogs-group": "/app", "awslogs-region": REGION, "awslogs-stream-prefix": "s"}},
                       }])["taskDefinition"]["taskDefinitionArn"]
        self.definitions.append(arn)
        self.definition = arn
        network = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group], "assignPublicIp": "ENABLED"}}
        if self.release == 1:
            self.ask("ecs", "create_service", ("InvalidParameterException",), cluster="c", serviceName="app",
                     taskDefinition=arn, desiredCount=self.desired, launchType="FARGATE", networkConfiguration=network)
        else:
            self.ask("ecs", "update_service", cluster="c", service="app", taskDefinition=arn)

    def scale(self) -> None:
        wanted = self.chance.randint(1, 3)
        self.ask("ecs", "update_service", cluster="c", service="app", desiredCount=wanted)
        self.desired = wanted

    def run_once(self) -> None:
        code = self.chance.randint(0, 9)
        network = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group]}}
        answer = self.ask("ecs", "run_task", cluster="c", taskDefinition=self.definition, launchType="FARGATE",
                          networkConfiguration=network, clientToken=f"token-{len(self.one_shots)}",
                          overrides={"containerOverrides": [{"name": "app", "command": ["sh", "-c", f"exit {code}"]}]})
        self.one_shots[answer["tasks"][0]["taskArn"]] = code

    def stop_one(self) -> None:
        tasks = self.ask("ecs", "list_tasks", cluster="c", serviceName="app")["taskArns"]
        if tasks:
            self.ask("ecs", "stop_task", ("InvalidParameterException",), cluster="c", task=self.chance.choice(tasks))

    def open(self, port: int = 0) -> None:
        port = port or 20000 + len(self.ports)
        self.ask("ec2", "authorize_security_group_ingress", ("InvalidPermission.Duplicate",), GroupId=self.group,
                 IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        self.ports.append(port)

    def write_line(self) -> None:
        line = f"own {len(self.lines)}"
        self.ask("logs", "put_log_events", logGroupName="/own", logStreamName="s",
                 logEvents=[{"timestamp": int(time.time() * 1000), "message": line}])
        self.lines.append(line)

    def add_user(self) -> None:
        name = f"u{len(self.users)}"
        self.ask("iam", "create_user", ("EntityAlreadyExists",), UserName=name)
        self.users.append(name)

    def toggle_database(self) -> None:
        if self.database:
            self.ask("rds", "delete_db_instance", ("DBInstanceNotFound", "InvalidDBInstanceState"),
                     DBInstanceIdentifier="db", SkipFinalSnapshot=True)
            self.database = False
        elif not self.databases():  # gone, not only going
            self.ask("rds", "create_db_instance", ("DBInstanceAlreadyExists",), DBInstanceIdentifier="db",
                     DBInstanceClass="db.t4g.micro", Engine="postgres", EngineVersion="16.6", MasterUsername="u",
                     MasterUserPassword="12345678", AllocatedStorage=20, BackupRetentionPeriod=0)
            self.database = True

    def act(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (4, self.deploy), (2, self.scale), (2, self.run_once), (2, self.stop_one), (1, self.open), (3, self.write_line),
            (1, self.add_user), (1, self.toggle_database)]
        self.chance.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()

    # What is there

    def databases(self) -> list[dict]:
        return self.ask("rds", "describe_db_instances")["DBInstances"]

    def running(self) -> list[dict]:
        arns = self.ask("ecs", "list_tasks", cluster="c")["taskArns"]
        return self.ask("ecs", "describe_tasks", cluster="c", tasks=arns)["tasks"] if arns else []

    def address(self, task: dict) -> str:
        details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
        found = self.ask("ec2", "describe_network_interfaces", NetworkInterfaceIds=[details["networkInterfaceId"]])
        return found["NetworkInterfaces"][0]["Association"]["PublicIp"]

    def check_converged(self) -> bool:
        service = self.ask("ecs", "describe_services", cluster="c", services=["app"])["services"][0]
        assert service["desiredCount"] == self.desired
        assert service["taskDefinition"] == self.definition
        assert (service["runningCount"], service["pendingCount"]) == (self.desired, 0), service["events"][:5]
        assert [d["rolloutState"] for d in service["deployments"]] == ["COMPLETED"], service["deployments"]
        tasks = self.running()
        assert [t["taskDefinitionArn"] for t in tasks] == [self.definition] * self.desired
        for task in tasks:
            said = requests.get(f"http://{self.address(task)}:8000/", timeout=2).text
            assert said == f"release {self.release}\n"
        databases = [d["DBInstanceStatus"] for d in self.databases()]
        assert databases == (["available"] if self.database else [])
        for arn, code in list(self.one_shots.items()):
            task = self.ask("ecs", "describe_tasks", cluster="c", tasks=[arn])["tasks"][0]
            assert task["lastStatus"] == "STOPPED" and task["containers"][0]["exitCode"] == code, task
        self.check_kernel(self.desired, len(databases))
        return True

    def check_kernel(self, tasks: int, databases: int) -> bool:
        made = made_by(self.server.data)
        wanted = Made(interfaces=tasks + databases, containers=tasks + databases, overlays=tasks + databases, volumes=databases)
        assert made == wanted, f"{made}, and {wanted} was asked for"
        return True

    def check_acknowledged(self) -> None:
        for arn in self.definitions:
            assert self.ask("ecs", "describe_task_definition", taskDefinition=arn)["taskDefinition"]["taskDefinitionArn"] == arn
        group = self.ask("ec2", "describe_security_groups", GroupIds=[self.group])["SecurityGroups"][0]
        opened = {rule["FromPort"] for rule in group["IpPermissions"] if "FromPort" in rule}
        assert opened == set(self.ports)
        assert set(self.lines) <= set(self.log("/own"))
        assert {user["UserName"] for user in self.ask("iam", "list_users", MaxItems=1000)["Users"]} == set(self.users)
        tags = {one["imageTag"] for one in self.ask("ecr", "list_images", repositoryName="app", maxResults=1000)["imageIds"]}
        assert {f"r{number}" for number in range(1, self.release + 1)} <= tags

    def log(self, group: str, **of: object) -> list[str]:
        found, token = [], {}
        while True:
            answer = self.ask("logs", "filter_log_events", logGroupName=group, **of, **token)
            found += [event["message"] for event in answer["events"]]
            if not answer.get("nextToken"):
                return found
            token = {"nextToken": answer["nextToken"]}

    def check_container_logs(self) -> bool:
        """Each task counted from 1 without a gap, and the running ones to the end."""
        streams, more = [], {}
        while True:  # 50 a page, and each kill may leave some
            page = self.ask("logs", "describe_log_streams", logGroupName="/app", **more)
            streams += [stream["logStreamName"] for stream in page["logStreams"]]
            if "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}
        running = {task["taskArn"].rsplit("/", 1)[1] for task in self.running()}
        for stream in streams:
            counted = [int(number) for line in self.log("/app", logStreamNames=[stream])
                       for number in re.findall(r"^line (\d+)$", line)]
            assert counted == list(range(1, len(counted) + 1)), f"{stream}: {counted}"
            if stream.rsplit("/", 1)[1] in running:
                assert len(counted) == LINES, f"{stream}: {counted}"
        assert running <= {stream.rsplit("/", 1)[1] for stream in streams}
        return True

    def end(self) -> None:
        self.ask("ecs", "delete_service", ("ServiceNotFoundException",), cluster="c", service="app", force=True)
        if self.database:
            self.toggle_database()


def test_it_converges_whenever_it_is_killed(own_server, tmp_path):
    print(f"LANDFALL_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    story = Story(own_server, tmp_path, chance)
    killer = Killer(own_server, random.Random(SEED + 1))
    try:
        story.deploy()
        while killer.kills < KILLS:
            with killer:
                until = killer.kills + chance.randint(2, 8)
                while killer.kills < min(until, KILLS) and not killer.error:
                    story.act()
            eventually(story.check_converged, 60, 0.2, f"converged after {killer.kills} kills (seed {SEED})")
            story.check_acknowledged()
            eventually(story.check_container_logs, 60, 0.5, f"logs after {killer.kills} kills (seed {SEED})")
        with killer:
            story.end()
            time.sleep(1)
        eventually(lambda: story.check_kernel(0, 0), 60, 0.2, f"nothing left (seed {SEED})")
        story.check_acknowledged()
    finally:
        story.podman.remove_storage()


def test_acknowledged_log_events_survive(own_server):
    """Writers beside each other; a batch whose answer was lost is sent again, so it may be there twice, but never torn."""
    chance = random.Random(SEED)
    ask = Persistent(Clients(own_server.environment(), REGION))
    ask("logs", "create_log_group", ("ResourceAlreadyExistsException",), logGroupName="g")
    acknowledged: list[set[tuple[str, ...]]] = [set() for _ in range(3)]
    done = threading.Event()
    errors: list[Exception] = []

    def write(number: int) -> None:
        try:
            own = Persistent(Clients(own_server.environment(), REGION))
            own("logs", "create_log_stream", ("ResourceAlreadyExistsException",), logGroupName="g", logStreamName=f"s{number}")
            for batch in range(10_000):
                if done.is_set():
                    return
                messages = tuple(f"{number} {batch} {i} " + "x" * (batch * 37 % 3000) for i in range(5))
                now = int(time.time() * 1000)
                own("logs", "put_log_events", logGroupName="g", logStreamName=f"s{number}",
                    logEvents=[{"timestamp": now, "message": one} for one in messages])
                acknowledged[number].add(messages)
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    with Killer(own_server, chance) as killer:
        eventually(lambda: killer.error or errors or killer.kills >= min(KILLS, 12), 120, what="enough kills")
    done.set()
    for writer in writers:
        writer.join()
    assert not errors, (SEED, errors)
    for number, batches in enumerate(acknowledged):
        pages = Clients(own_server.environment(), REGION)("logs").get_paginator("filter_log_events").paginate(
            logGroupName="g", logStreamNames=[f"s{number}"])
        kept: dict[str, int] = {}
        for page in pages:
            for event in page["events"]:
                kept[event["message"]] = kept.get(event["message"], 0) + 1
        for batch in batches:
            counts = {kept.get(message, 0) for message in batch}
            assert len(counts) == 1 and max(counts) >= 1, (SEED, number, batch[0][:40], counts)
    assert sum(len(batches) for batches in acknowledged) > 10

"""Issue 4, what tasks keep files in: their own disk, shared folders of EFS, environment files."""
import subprocess
from pathlib import Path

import pytest

from harness.server import binary
from harness.small_tasks import SmallTasks, reason_of
from harness.waiting import eventually


@pytest.fixture(scope="module")
def tasks(clients, tmp_path_factory):
    made = SmallTasks(clients, tmp_path_factory.mktemp("small"))
    yield made
    made.remove()


def ends_well(tasks, script: str, task: dict | None = None, **words) -> dict:
    """A script that exits with 0 when what it looks at is so."""
    stopped = tasks.run_to_end(tasks.define("sh", "-c", script, task=task, **words))
    assert stopped["containers"][0].get("exitCode") == 0, (script, stopped["containers"], reason_of(stopped))
    return stopped


def test_a_task_cannot_write_more_than_its_disk_has(server, tasks):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html"""
    # fallocate takes room without writing it, in the container's own files and in its volume alike.
    script = ("set -e; fallocate -l 12G /first; fallocate -l 6G /scratch/second;"
              " if said=$(fallocate -l 6G /third 2>&1); then exit 3; fi; echo $said | grep -q 'No space left on device';"
              " rm /first; fallocate -l 6G /third")
    stopped = ends_well(tasks, script, task={"volumes": [{"name": "scratch"}]},
                        mountPoints=[{"sourceVolume": "scratch", "containerPath": "/scratch"}])
    assert stopped["ephemeralStorage"]["sizeInGiB"] == 20
    larger = ends_well(tasks, "fallocate -l 24G /large && wget -qO- $ECS_CONTAINER_METADATA_URI_V4/task"
                       " | grep -Eq '\"EphemeralStorageMetrics\": *.\"Utilized\": *24[0-9]{3}, *\"Reserved\": *25[0-9]{3}'", task={"ephemeralStorage": {"sizeInGiB": 25}})
    assert larger["ephemeralStorage"]["sizeInGiB"] == larger["fargateEphemeralStorage"]["sizeInGiB"] == 25
    if hasattr(server, "data"):
        # They go with their tasks.
        def left() -> list[str]:
            ids = [task["taskArn"].split("/")[-1] for task in (stopped, larger)]
            return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if any(id in line for id in ids)]
        eventually(lambda: not left(), 60, what="the tasks' disks unmounted")


def test_a_disk_survives_the_server(server, tasks):
    if not hasattr(server, "data"):
        pytest.skip("needs a server of its own")
    arn = tasks.run(tasks.define("sleep", "600"))["tasks"][0]["taskArn"]
    running = eventually(lambda: task if (task := tasks.task(arn))["lastStatus"] == "RUNNING" else None, 60)
    container = running["containers"][0]["runtimeId"]

    def inside(*words: str) -> str:
        return subprocess.run([binary(), "exec", "--data-dir", str(server.data), container, "--", *words], check=True,
                              capture_output=True, text=True).stdout

    inside("sh", "-c", "echo kept > /word")
    server.kill()
    server.start()
    assert inside("cat", "/word").strip() == "kept"
    size_kib = int(inside("df", "-k", "/").splitlines()[-1].split()[-5])
    assert 19 << 20 < size_kib <= 20 << 20
    tasks.ecs.stop_task(cluster=tasks.name, task=arn)
    tasks.stopped(arn)
    assert not (server.data / "disks" / f"{arn.split('/')[-1]}.img").exists()


@pytest.fixture(scope="module")
def shared(clients, tasks):
    """A file system with mount targets in every zone, whose group lets NFS in."""
    efs = clients("efs")
    tasks.ec2.authorize_security_group_ingress(GroupId=tasks.group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "UserIdGroupPairs": [{"GroupId": tasks.group}]}])
    id = efs.create_file_system(CreationToken=tasks.name)["FileSystemId"]
    for subnet in tasks.subnets:
        efs.create_mount_target(FileSystemId=id, SubnetId=subnet, SecurityGroups=[tasks.group])
    yield id
    for target in efs.describe_mount_targets(FileSystemId=id)["MountTargets"]:
        efs.delete_mount_target(MountTargetId=target["MountTargetId"])
    efs.delete_file_system(FileSystemId=id)


def volume(file_system: str, **more: object) -> dict:
    return {"volumes": [{"name": "shared", "efsVolumeConfiguration": {"fileSystemId": file_system, **more}}]}


MOUNT = [{"sourceVolume": "shared", "containerPath": "/shared"}]


def test_tasks_share_the_files_of_a_file_system(tasks, shared, clients):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html"""
    ends_well(tasks, "mkdir -p /shared/a && echo hello > /shared/a/word && chown 1000 /shared/a/word", volume(shared),
              mountPoints=MOUNT)
    ends_well(tasks, "test $(cat /shared/word) = hello && test $(stat -c %u /shared/word) = 1000",
              volume(shared, rootDirectory="/a"), mountPoints=MOUNT)
    ends_well(tasks, "! touch /shared/other && test -e /shared/a", volume(shared), mountPoints=[{**MOUNT[0], "readOnly": True}])
    point = clients("efs").create_access_point(ClientToken="t", FileSystemId=shared, RootDirectory={
        "Path": "/made", "CreationInfo": {"OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "700"}})["AccessPointId"]
    ends_well(tasks, "touch /shared/mine && test $(stat -c %u:%a /shared) = 1000:700",
              volume(shared, transitEncryption="ENABLED", authorizationConfig={"accessPointId": point}),
              mountPoints=MOUNT, user="1000")


def test_what_cannot_be_mounted_stops_the_task(tasks, shared):
    def said(definition: dict) -> str:
        stopped = tasks.run_to_end(tasks.define("true", task=definition, mountPoints=MOUNT))
        assert stopped["stopCode"] == "TaskFailedToStart", stopped
        return stopped["stoppedReason"]

    assert "No such file or directory" in said(volume(shared, rootDirectory="/nowhere"))
    assert "Failed to resolve" in said(volume("fs-0123456789abcdef0"))
    rule = {"GroupId": tasks.group, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "UserIdGroupPairs": [{"GroupId": tasks.group}]}]}
    tasks.ec2.revoke_security_group_ingress(**rule)
    try:
        reason = said(volume(shared))
    finally:
        tasks.ec2.authorize_security_group_ingress(**rule)
    assert reason.startswith("ResourceInitializationError: failed to invoke EFS utils commands") and "timed out" in reason


def test_environment_files(server, tasks):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html"""
    if not hasattr(server, "data"):
        pytest.skip("needs a server of its own")
    folder = server.data / "buckets" / tasks.name
    folder.mkdir(parents=True)
    (folder / "app.env").write_text("# settings\nONE=from the file\nTWO=from the file\n")
    files = [{"value": f"arn:aws:s3:::{tasks.name}/app.env", "type": "s3"}]
    words = {"environmentFiles": files, "environment": [{"name": "TWO", "value": "from the definition"}]}
    script = 'test "$ONE" = "from the file" && test "$TWO" = "from the definition"'
    denied = tasks.run_to_end(tasks.define("sh", "-c", script, **words))
    assert "ResourceInitializationError: failed to download env files" in denied["stoppedReason"]
    assert "s3:GetObject" in denied["stoppedReason"]
    iam = tasks.clients("iam")
    role = tasks.role.split("/")[-1]
    policy = ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject",'
              f' "Resource": "arn:aws:s3:::{tasks.name}/*"}}]}}')
    iam.put_role_policy(RoleName=role, PolicyName=tasks.name, PolicyDocument=policy)
    try:
        ends_well(tasks, script, **words)
        (folder / "app.env").unlink()
        assert "NoSuchKey" in tasks.run_to_end(tasks.define("true", **words))["stoppedReason"]
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=tasks.name)

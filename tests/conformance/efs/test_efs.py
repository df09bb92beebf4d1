"""EFS. Documented: docs.aws.amazon.com/efs/latest/ug/api-reference.html. What is refused because it is not there is ours."""
import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="session")
def efs(clients):
    return clients("efs")


@pytest.fixture
def subnets(clients):
    found = clients("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    return sorted(found, key=lambda subnet: subnet["AvailabilityZone"])


@pytest.fixture
def file_system(efs, name):
    made = efs.create_file_system(CreationToken=name, Tags=[{"Key": "Name", "Value": name}])
    yield made
    for target in efs.describe_mount_targets(FileSystemId=made["FileSystemId"])["MountTargets"]:
        efs.delete_mount_target(MountTargetId=target["MountTargetId"])
    efs.delete_file_system(FileSystemId=made["FileSystemId"])


def refused(code, method, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        method(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def test_a_file_system_is_described(efs, file_system, name):
    id = file_system["FileSystemId"]
    assert id.startswith("fs-") and file_system["FileSystemArn"].endswith(f":file-system/{id}")
    [shown] = efs.describe_file_systems(CreationToken=name)["FileSystems"]
    assert shown["LifeCycleState"] == "available" and shown["Name"] == name and shown["NumberOfMountTargets"] == 0
    assert shown["SizeInBytes"]["Value"] == 0 and shown["Encrypted"] is False and shown["PerformanceMode"] == "generalPurpose"
    assert efs.describe_file_systems(FileSystemId=file_system["FileSystemArn"])["FileSystems"][0]["FileSystemId"] == id
    assert efs.describe_lifecycle_configuration(FileSystemId=id)["LifecyclePolicies"] == []
    refused("FileSystemAlreadyExists", efs.create_file_system, CreationToken=name)
    refused("FileSystemNotFound", efs.describe_file_systems, FileSystemId="fs-0123456789abcdef0")


def test_file_systems_come_in_pages(efs, file_system, name):
    other = efs.create_file_system(CreationToken=f"{name}-2")["FileSystemId"]
    try:
        seen, marker = [], {}
        while True:
            page = efs.describe_file_systems(MaxItems=1, **marker)
            seen += [item["FileSystemId"] for item in page["FileSystems"]]
            if "NextMarker" not in page:
                break
            marker = {"Marker": page["NextMarker"]}
        assert {other, file_system["FileSystemId"]} <= set(seen) and len(seen) == len(set(seen))
        refused("BadRequest", efs.describe_file_systems, Marker="nonsense")
    finally:
        efs.delete_file_system(FileSystemId=other)


def test_what_there_is_not_is_refused(efs, name):
    assert "Encrypted" in refused("BadRequest", efs.create_file_system, CreationToken=name, Encrypted=True)
    refused("BadRequest", efs.create_file_system, CreationToken=name, PerformanceMode="maxIO")
    refused("BadRequest", efs.create_file_system, CreationToken=name, ThroughputMode="provisioned",
            ProvisionedThroughputInMibps=10)
    refused("BadRequest", efs.create_file_system, CreationToken=name, Backup=True)


def test_mount_targets_one_in_each_zone(efs, clients, file_system, subnets, name):
    id, ec2 = file_system["FileSystemId"], clients("ec2")
    group = ec2.create_security_group(GroupName=name, Description="nfs", VpcId=subnets[0]["VpcId"])["GroupId"]
    made = efs.create_mount_target(FileSystemId=id, SubnetId=subnets[0]["SubnetId"], SecurityGroups=[group])
    assert made["LifeCycleState"] == "available" and made["AvailabilityZoneName"] == subnets[0]["AvailabilityZone"]
    interface = ec2.describe_network_interfaces(NetworkInterfaceIds=[made["NetworkInterfaceId"]])["NetworkInterfaces"][0]
    assert interface["PrivateIpAddress"] == made["IpAddress"] and [g["GroupId"] for g in interface["Groups"]] == [group]
    refused("MountTargetConflict", efs.create_mount_target, FileSystemId=id, SubnetId=subnets[0]["SubnetId"])
    efs.create_mount_target(FileSystemId=id, SubnetId=subnets[1]["SubnetId"])
    assert efs.describe_file_systems(FileSystemId=id)["FileSystems"][0]["NumberOfMountTargets"] == 2
    refused("FileSystemInUse", efs.delete_file_system, FileSystemId=id)
    target = {"MountTargetId": made["MountTargetId"]}
    assert efs.describe_mount_target_security_groups(**target)["SecurityGroups"] == [group]
    refused("SecurityGroupNotFound", efs.modify_mount_target_security_groups, SecurityGroups=["sg-0123456789abcdef0"], **target)
    efs.modify_mount_target_security_groups(SecurityGroups=[], **target)
    assert efs.describe_mount_target_security_groups(**target)["SecurityGroups"] != [group]
    efs.delete_mount_target(**target)
    refused("MountTargetNotFound", efs.describe_mount_targets, **target)
    refused("SubnetNotFound", efs.create_mount_target, FileSystemId=id, SubnetId="subnet-0123456789abcdef0")
    ec2.delete_security_group(GroupId=group)


def test_access_points(efs, file_system, name):
    id = file_system["FileSystemId"]
    wanted = {"Path": "/web", "CreationInfo": {"OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "755"}}
    made = efs.create_access_point(ClientToken=name, FileSystemId=id, RootDirectory=wanted)
    assert made["RootDirectory"] == wanted and made["LifeCycleState"] == "available"
    assert efs.create_access_point(ClientToken=name, FileSystemId=id, RootDirectory=wanted)["AccessPointId"] == made["AccessPointId"]
    refused("AccessPointAlreadyExists", efs.create_access_point, ClientToken=name, FileSystemId=id, RootDirectory={"Path": "/b"})
    assert "PosixUser" in refused("BadRequest", efs.create_access_point, ClientToken="u", FileSystemId=id,
                                  PosixUser={"Uid": 0, "Gid": 0})
    [shown] = efs.describe_access_points(FileSystemId=id)["AccessPoints"]
    assert shown["AccessPointArn"] == made["AccessPointArn"]
    efs.delete_access_point(AccessPointId=made["AccessPointId"])
    refused("AccessPointNotFound", efs.describe_access_points, AccessPointId=made["AccessPointId"])


def test_tags(efs, file_system):
    id = file_system["FileSystemId"]
    efs.tag_resource(ResourceId=id, Tags=[{"Key": "team", "Value": "a"}, {"Key": "Name", "Value": "other"}])
    assert efs.describe_file_systems(FileSystemId=id)["FileSystems"][0]["Name"] == "other"
    efs.untag_resource(ResourceId=id, TagKeys=["Name"])
    assert efs.list_tags_for_resource(ResourceId=id)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_rights(efs, file_system, user):
    id = file_system["FileSystemId"]
    own = user.client("efs")
    with pytest.raises(ClientError) as caught:
        own.delete_file_system(FileSystemId=id)
    assert "elasticfilesystem:DeleteFileSystem" in str(caught.value)
    user.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "elasticfilesystem:TagResource", "Resource": "*"}]})
    own.tag_resource(ResourceId=id, Tags=[{"Key": "by", "Value": "user"}])

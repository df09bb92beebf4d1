"""Target groups and targets. Documented: docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
and target-group-health-checks.html."""


def health(elbv2, group, *targets):
    answer = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"], **({"Targets": list(targets)} if targets else {}))
    return {(item["Target"]["Id"], item["Target"]["Port"]): item for item in answer["TargetHealthDescriptions"]}


def test_defaults(make, place):
    group = make.target_group()
    expected = {"Protocol": "HTTP", "Port": 3000, "VpcId": place.vpc_id, "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port",
                "HealthCheckEnabled": True, "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 5,
                "UnhealthyThresholdCount": 2, "HealthCheckPath": "/", "Matcher": {"HttpCode": "200"}, "LoadBalancerArns": [],
                "TargetType": "ip", "ProtocolVersion": "HTTP1", "IpAddressType": "ipv4"}
    assert {key: group[key] for key in expected} == expected


def test_an_empty_protocol_version_is_none_given(make):
    """As Terraform's provider asks for a group when its file says nothing of the version."""
    assert make.target_group(ProtocolVersion="")["ProtocolVersion"] == "HTTP1"
    assert "ProtocolVersion" not in make.target_group(Protocol="TCP", ProtocolVersion="")


def test_health_checks(elbv2, make, refused):
    group = make.target_group(HealthCheckPath="/health", HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=3,
                              HealthyThresholdCount=2, UnhealthyThresholdCount=3, Matcher={"HttpCode": "200-299,404"})
    assert group["HealthCheckPath"] == "/health" and group["Matcher"] == {"HttpCode": "200-299,404"}
    arn = group["TargetGroupArn"]
    assert elbv2.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/x")["TargetGroups"][0]["HealthCheckPath"] == "/x"
    for wrong in ({"HealthCheckPath": "x"}, {"HealthCheckPort": "70000"}, {"Matcher": {"HttpCode": "199"}},
                  {"HealthCheckTimeoutSeconds": 10}, {"Matcher": {"GrpcCode": "0"}}):
        refused("ValidationError", elbv2.modify_target_group, TargetGroupArn=arn, **wrong)


def test_creating_twice(elbv2, make, place, refused):
    group = make.target_group()
    again = {"Name": group["TargetGroupName"], "Protocol": "HTTP", "Port": 3000, "VpcId": place.vpc_id, "TargetType": "ip"}
    assert elbv2.create_target_group(**again)["TargetGroups"][0]["TargetGroupArn"] == group["TargetGroupArn"]
    refused("DuplicateTargetGroupName", elbv2.create_target_group, **{**again, "Port": 3001})


def test_attributes(elbv2, make, refused):
    arn = make.target_group()["TargetGroupArn"]
    change = elbv2.modify_target_group_attributes
    changed = change(TargetGroupArn=arn, Attributes=[{"Key": "stickiness.enabled", "Value": "true"},
                                                     {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}])["Attributes"]
    values = {item["Key"]: item["Value"] for item in changed}
    assert values["stickiness.enabled"] == "true" and values["deregistration_delay.timeout_seconds"] == "30"
    assert values["load_balancing.algorithm.type"] == "round_robin"
    refused("ValidationError", change, TargetGroupArn=arn, Attributes=[{"Key": "slow_start.duration_seconds", "Value": "5"}])


def test_targets_that_no_load_balancer_uses(elbv2, make, place, refused):
    group = make.target_group()
    arn = group["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": place.address}, {"Id": place.address, "Port": 9000}])
    found = health(elbv2, group)
    assert set(found) == {(place.address, 3000), (place.address, 9000)}
    one = found[place.address, 3000]
    assert one["TargetHealth"] == {"State": "unused", "Reason": "Target.NotInUse",
                                   "Description": "Target group is not configured to receive traffic from the load balancer"}
    assert one["Target"]["AvailabilityZone"] == place.zones_[0] and one["HealthCheckPort"] == "3000"
    elbv2.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": place.address}])
    assert set(health(elbv2, group)) == {(place.address, 9000)}
    gone = health(elbv2, group, {"Id": place.address, "Port": 3000})[place.address, 3000]["TargetHealth"]
    assert gone["State"] == "unused" and gone["Reason"] == "Target.NotRegistered"
    refused("InvalidTarget", elbv2.deregister_targets, TargetGroupArn=arn, Targets=[{"Id": place.address}])


def test_addresses(elbv2, make, refused):
    arn = make.target_group()["TargetGroupArn"]
    register = elbv2.register_targets
    refused("InvalidTarget", register, TargetGroupArn=arn, Targets=[{"Id": "nonsense"}])
    refused("ValidationError", register, TargetGroupArn=arn, Targets=[{"Id": "8.8.8.8"}])
    refused("ValidationError", register, TargetGroupArn=arn, Targets=[{"Id": "10.1.2.3"}])
    register(TargetGroupArn=arn, Targets=[{"Id": "10.1.2.3", "AvailabilityZone": "all"}])
    instances = make.target_group(TargetType="instance")["TargetGroupArn"]
    refused("InvalidTarget", register, TargetGroupArn=instances, Targets=[{"Id": "i-0123456789abcdef0"}])


def test_unknown_ones(elbv2, refused, place):
    refused("TargetGroupNotFound", elbv2.describe_target_groups, Names=["nobody"])
    refused("ValidationError", elbv2.describe_target_health, TargetGroupArn="nonsense")
    refused("ValidationError", elbv2.create_target_group, Name="x", Protocol="HTTP", Port=80, VpcId="vpc-0123")
    refused("UnsupportedProtocol", elbv2.create_target_group, Name="x", Protocol="UDP", Port=80, VpcId=place.vpc_id)

"""Load balancers. Documented: docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html and the
calls beside it; the wording of messages is as AWS gives it where it is quoted in public."""


def test_created_described_and_active(elbv2, make, place):
    made = make.load_balancer()
    assert made["State"]["Code"] == "provisioning"
    assert made["Type"] == "application" and made["Scheme"] == "internet-facing" and made["IpAddressType"] == "ipv4"
    assert made["VpcId"] == place.vpc_id and made["SecurityGroups"] == [place.group]
    assert {zone["SubnetId"] for zone in made["AvailabilityZones"]} == set(place.subnets)
    assert made["DNSName"].startswith(made["LoadBalancerName"]) and made["DNSName"].endswith(".elb.landfall.test")
    assert f":loadbalancer/app/{made['LoadBalancerName']}/" in made["LoadBalancerArn"]
    elbv2.get_waiter("load_balancer_available").wait(Names=[made["LoadBalancerName"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    found = elbv2.describe_load_balancers(LoadBalancerArns=[made["LoadBalancerArn"]])["LoadBalancers"][0]
    assert found["State"]["Code"] == "active" and found["CanonicalHostedZoneId"].startswith("Z")


def test_an_internal_one_has_no_public_address(elbv2, clients, make):
    made = make.load_balancer(Scheme="internal")
    assert made["DNSName"].startswith("internal-")
    elbv2.get_waiter("load_balancer_available").wait(LoadBalancerArns=[made["LoadBalancerArn"]],
                                                     WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    description = "ELB " + made["LoadBalancerArn"].split("loadbalancer/")[1]
    interfaces = clients("ec2").describe_network_interfaces(
        Filters=[{"Name": "description", "Values": [description]}])["NetworkInterfaces"]
    assert len(interfaces) == 2 and all("Association" not in interface for interface in interfaces)


def test_creating_twice(elbv2, make, place, refused):
    made = make.load_balancer()
    name = made["LoadBalancerName"]
    again = elbv2.create_load_balancer(Name=name, Subnets=place.subnets)["LoadBalancers"][0]
    assert again["LoadBalancerArn"] == made["LoadBalancerArn"]
    message = refused("DuplicateLoadBalancerName", elbv2.create_load_balancer, Name=name, Subnets=place.subnets, Scheme="internal")
    assert message == f"A load balancer with the same name '{name}' exists, but with different settings"


def test_bad_places(elbv2, make, place, refused):
    create = elbv2.create_load_balancer
    assert "two different Availability Zones" in refused("ValidationError", create, Name="x", Subnets=place.subnets[:1])
    assert "subnet-0123" in refused("SubnetNotFound", create, Name="x", Subnets=[place.subnets[0], "subnet-0123"])
    refused("InvalidSecurityGroup", create, Name="x", Subnets=place.subnets, SecurityGroups=["sg-0123"])
    refused("ValidationError", create, Name="x")
    for name in ("-x", "x-", "a_b", "internal-x", "x" * 33):
        refused("ValidationError", create, Name=name, Subnets=place.subnets)


def test_unknown_ones(elbv2, refused, region):
    message = refused("LoadBalancerNotFound", elbv2.describe_load_balancers, Names=["nobody"])
    assert message == "Load balancers '[nobody]' not found"
    arn = f"arn:aws:elasticloadbalancing:{region}:123456789012:loadbalancer/app/nobody/0123456789abcdef"
    refused("LoadBalancerNotFound", elbv2.describe_load_balancers, LoadBalancerArns=[arn])
    refused("ValidationError", elbv2.describe_load_balancers, LoadBalancerArns=["nonsense"])
    assert elbv2.delete_load_balancer(LoadBalancerArn=arn)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_attributes(elbv2, make, refused):
    arn = make.load_balancer()["LoadBalancerArn"]

    def attributes():
        return {item["Key"]: item["Value"] for item in elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]}

    assert attributes()["idle_timeout.timeout_seconds"] == "60"
    assert attributes()["routing.http.desync_mitigation_mode"] == "defensive"
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[
        {"Key": "idle_timeout.timeout_seconds", "Value": "7"}, {"Key": "deletion_protection.enabled", "Value": "true"}])
    assert attributes()["idle_timeout.timeout_seconds"] == "7"
    assert "deletion protection is enabled" in refused("OperationNotPermitted", elbv2.delete_load_balancer, LoadBalancerArn=arn)
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}])
    modify = elbv2.modify_load_balancer_attributes
    refused("ValidationError", modify, LoadBalancerArn=arn, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "4001"}])
    assert "is not recognized" in refused("ValidationError", modify, LoadBalancerArn=arn, Attributes=[{"Key": "x", "Value": "1"}])


def test_tags(elbv2, make, refused):
    made = make.load_balancer(Tags=[{"Key": "a", "Value": "1"}])
    group = make.target_group()
    arns = [made["LoadBalancerArn"], group["TargetGroupArn"]]
    elbv2.add_tags(ResourceArns=arns, Tags=[{"Key": "b", "Value": "2"}])

    def tags():
        found = elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]
        return {item["ResourceArn"]: {tag["Key"]: tag["Value"] for tag in item["Tags"]} for item in found}

    assert tags() == {arns[0]: {"a": "1", "b": "2"}, arns[1]: {"b": "2"}}
    elbv2.remove_tags(ResourceArns=arns, TagKeys=["b"])
    assert tags() == {arns[0]: {"a": "1"}, arns[1]: {}}
    refused("DuplicateTagKeys", elbv2.add_tags, ResourceArns=arns, Tags=[{"Key": "x", "Value": "1"}, {"Key": "x", "Value": "2"}])


def test_security_groups_are_changed(elbv2, clients, make, place, refused):
    ec2 = clients("ec2")
    arn = make.load_balancer()["LoadBalancerArn"]
    group = ec2.create_security_group(GroupName=make.name("group"), Description="x", VpcId=place.vpc_id)["GroupId"]
    assert elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group])["SecurityGroupIds"] == [group]
    assert elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["SecurityGroups"] == [group]
    refused("InvalidSecurityGroup", elbv2.set_security_groups, LoadBalancerArn=arn, SecurityGroups=["sg-0123"])


def test_pages(elbv2, make):
    made = {make.load_balancer()["LoadBalancerArn"] for _ in range(3)}
    pages = list(elbv2.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) >= 2 and all(len(page["LoadBalancers"]) <= 2 for page in pages)
    assert made <= {balancer["LoadBalancerArn"] for page in pages for balancer in page["LoadBalancers"]}


def test_limits_and_policies(elbv2, refused):
    limits = {limit["Name"]: limit["Max"] for limit in elbv2.describe_account_limits()["Limits"]}
    assert limits["targets-per-target-group"] == "1000"
    policies = elbv2.describe_ssl_policies(Names=["ELBSecurityPolicy-TLS13-1-2-2021-06"])["SslPolicies"]
    assert policies[0]["SslProtocols"] == ["TLSv1.2", "TLSv1.3"]
    assert policies[0]["Ciphers"][0] == {"Name": "TLS_AES_128_GCM_SHA256", "Priority": 1}
    refused("SSLPolicyNotFound", elbv2.describe_ssl_policies, Names=["nothing"])


def test_listener_attributes(elbv2, make, refused):
    """Documented: elasticloadbalancing/latest/application/header-modification.html"""
    listener = make.listener(make.load_balancer(), make.target_group())["ListenerArn"]

    def attributes():
        return {item["Key"]: item["Value"] for item in elbv2.describe_listener_attributes(ListenerArn=listener)["Attributes"]}

    before = attributes()
    assert before["routing.http.response.server.enabled"] == "true" and len(before) == 11
    key = "routing.http.response.x_frame_options.header_value"
    changed = elbv2.modify_listener_attributes(ListenerArn=listener, Attributes=[
        {"Key": key, "Value": "DENY"}, {"Key": "routing.http.response.server.enabled", "Value": "false"}])["Attributes"]
    assert attributes() == {item["Key"]: item["Value"] for item in changed} == {
        **before, key: "DENY", "routing.http.response.server.enabled": "false"}
    for bad in ("a\tb", "a" * 1025, 'say "no"'):
        refused("ValidationError", elbv2.modify_listener_attributes, ListenerArn=listener, Attributes=[{"Key": key, "Value": bad}])
    refused("ValidationError", elbv2.modify_listener_attributes, ListenerArn=listener, Attributes=[
        {"Key": "tcp.idle_timeout.seconds", "Value": "60"}])
    elbv2.modify_listener_attributes(ListenerArn=listener, Attributes=[{"Key": key, "Value": ""}])
    assert attributes()[key] == ""

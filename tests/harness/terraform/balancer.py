"""aws_lb, its target groups and listeners."""
from typing import Any

from harness.terraform.resource import gone, pairs, plain, Resource, TAGS, until


class LoadBalancer(Resource):
    service = "elbv2"
    ATTRIBUTES = {
        "access_logs.s3.enabled": "false", "connection_logs.s3.enabled": "false", "client_keep_alive.seconds": "3600",
        "deletion_protection.enabled": "false", "idle_timeout.timeout_seconds": "60", "load_balancing.cross_zone.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive", "routing.http.drop_invalid_header_fields.enabled": "false",
        "routing.http.preserve_host_header.enabled": "false", "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
        "routing.http.xff_client_port.enabled": "false", "routing.http.xff_header_processing.mode": "append", "routing.http2.enabled": "true",
        "waf.fail_open.enabled": "false", "zonal_shift.config.enabled": "false"}

    def create(self) -> None:
        assert gone(lambda: self.call.describe_load_balancers(Names=[self.arguments["name"]]), "LoadBalancerNotFound")
        made, = self.call.create_load_balancer(
            Name=self.arguments["name"], Type="application", SecurityGroups=sorted(self.arguments["security_groups"]),
            Subnets=sorted(self.arguments["subnets"]), Tags=pairs(TAGS))["LoadBalancers"]
        self.id = made["LoadBalancerArn"]
        until(lambda: self.found()["State"]["Code"] == "active")
        self.call.modify_load_balancer_attributes(LoadBalancerArn=self.id, Attributes=pairs(self.ATTRIBUTES))

    def found(self) -> dict:
        found, = self.call.describe_load_balancers(LoadBalancerArns=[self.id])["LoadBalancers"]
        return found

    def read(self) -> dict[str, Any]:
        balancer = self.found()
        attributes = plain(self.call.describe_load_balancer_attributes(LoadBalancerArn=self.id)["Attributes"])
        self.call.describe_capacity_reservation(LoadBalancerArn=self.id)
        tags, = self.call.describe_tags(ResourceArns=[self.id])["TagDescriptions"]
        assert balancer["CanonicalHostedZoneId"] and balancer["DNSName"]
        return {"name": balancer["LoadBalancerName"], "load_balancer_type": balancer["Type"], "internal": balancer["Scheme"] == "internal",
                "security_groups": set(balancer["SecurityGroups"]), "subnets": {one["SubnetId"] for one in balancer["AvailabilityZones"]},
                "ip_address_type": balancer["IpAddressType"], "tags": plain(tags["Tags"]),
                "attributes": {key: attributes.get(key) for key in self.ATTRIBUTES},
                "logs": [attributes.get(f"{kind}_logs.s3.{key}") for kind in ("access", "connection") for key in ("bucket", "prefix")]}

    def destroy(self) -> None:
        self.call.modify_load_balancer_attributes(LoadBalancerArn=self.id, Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}])
        self.call.delete_load_balancer(LoadBalancerArn=self.id)
        # The provider helps AWS to take the interfaces away, and waits for it.
        ec2, description = self.clients("ec2"), "ELB " + self.id.split(":loadbalancer/")[1]
        for owner in ("amazon-elb", "amazon-aws"):
            filters = [{"Name": "attachment.instance-owner-id", "Values": [owner]}, {"Name": "description", "Values": [description]}]
            until(lambda at=filters: not ec2.describe_network_interfaces(Filters=at)["NetworkInterfaces"])


class TargetGroup(Resource):
    service = "elbv2"
    ATTRIBUTES = {
        "deregistration_delay.timeout_seconds": "30", "load_balancing.algorithm.type": "round_robin",
        "load_balancing.algorithm.anomaly_mitigation": "off", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "slow_start.duration_seconds": "0", "stickiness.enabled": "false", "stickiness.type": "lb_cookie",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off"}

    def create(self) -> None:
        given = self.arguments
        assert gone(lambda: self.call.describe_target_groups(Names=[given["name"]]), "TargetGroupNotFound")
        made, = self.call.create_target_group(
            Name=given["name"], Protocol="HTTP", ProtocolVersion="", Port=given["port"], VpcId=given["vpc_id"], TargetType="ip",
            IpAddressType="ipv4", HealthCheckEnabled=True, HealthCheckPath=given["health_check.path"], HealthCheckPort="traffic-port",
            HealthCheckProtocol="HTTP", HealthCheckIntervalSeconds=30, HealthCheckTimeoutSeconds=5, HealthyThresholdCount=2,
            UnhealthyThresholdCount=3, Matcher={"HttpCode": "200"}, Tags=pairs(TAGS))["TargetGroups"]
        self.id = made["TargetGroupArn"]
        attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}, {"Key": "stickiness.enabled", "Value": "false"},
                      {"Key": "load_balancing.cross_zone.enabled", "Value": "use_load_balancer_configuration"}]
        self.call.modify_target_group_attributes(TargetGroupArn=self.id, Attributes=attributes)

    def read(self) -> dict[str, Any]:
        group, = self.call.describe_target_groups(TargetGroupArns=[self.id])["TargetGroups"]
        attributes = plain(self.call.describe_target_group_attributes(TargetGroupArn=self.id)["Attributes"])
        tags, = self.call.describe_tags(ResourceArns=[self.id])["TagDescriptions"]
        return {"name": group["TargetGroupName"], "port": group["Port"], "protocol": group["Protocol"], "vpc_id": group["VpcId"],
                "protocol_version": group["ProtocolVersion"], "target_type": group["TargetType"], "ip_address_type": group["IpAddressType"],
                "health_check.path": group["HealthCheckPath"], "health_check.interval": group["HealthCheckIntervalSeconds"],
                "health_check.timeout": group["HealthCheckTimeoutSeconds"], "health_check.healthy_threshold": group["HealthyThresholdCount"],
                "health_check.unhealthy_threshold": group["UnhealthyThresholdCount"], "health_check.matcher": group["Matcher"]["HttpCode"],
                "health_check.port": group["HealthCheckPort"], "health_check.enabled": group["HealthCheckEnabled"],
                "attributes": {key: attributes.get(key) for key in self.ATTRIBUTES}, "tags": plain(tags["Tags"])}

    def destroy(self) -> None:
        until(self.delete, what="the target group is not in use")
        until(lambda: gone(lambda: self.call.describe_target_groups(TargetGroupArns=[self.id]), "TargetGroupNotFound"))

    def delete(self) -> bool:
        self.call.delete_target_group(TargetGroupArn=self.id)
        return True


class Listener(Resource):
    service = "elbv2"

    def create(self) -> None:
        made, = self.call.create_listener(
            LoadBalancerArn=self.arguments["load_balancer_arn"], Port=80, Protocol="HTTP", Tags=pairs(TAGS),
            DefaultActions=[{"Type": "forward", "Order": 1, "TargetGroupArn": self.arguments["target_group_arn"]}])["Listeners"]
        self.id = made["ListenerArn"]

    def read(self) -> dict[str, Any]:
        listener, = self.call.describe_listeners(ListenerArns=[self.id])["Listeners"]
        self.call.describe_listener_attributes(ListenerArn=self.id)
        tags, = self.call.describe_tags(ResourceArns=[self.id])["TagDescriptions"]
        action, = listener["DefaultActions"]
        assert not listener.get("Certificates") and not listener.get("SslPolicy")
        return {"load_balancer_arn": listener["LoadBalancerArn"], "port": listener["Port"], "protocol": listener["Protocol"],
                "target_group_arn": action["TargetGroupArn"], "type": action["Type"], "tags": plain(tags["Tags"])}

    def destroy(self) -> None:
        self.call.delete_listener(ListenerArn=self.id)
        until(lambda: gone(lambda: self.call.describe_listeners(ListenerArns=[self.id]), "ListenerNotFound"))

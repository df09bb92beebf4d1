"""What an account holds in a region, so that a test can say that nothing was left behind."""
from harness.clients import Clients

# (service, call, what the answer lists, what names an entry, parameters)
LISTINGS = [
    ("acm", "list_certificates", "CertificateSummaryList", "CertificateArn", {}),
    ("application-autoscaling", "describe_scalable_targets", "ScalableTargets", "ResourceId", {"ServiceNamespace": "ecs"}),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", {}),
    ("ec2", "describe_addresses", "Addresses", "AllocationId", {}),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId", {}),
    ("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", {"Filters": [{"Name": "state", "Values": ["pending", "available"]}]}),
    ("ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId", {}),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", {}),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId", {}),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId", {}),
    ("ec2", "describe_subnets", "Subnets", "SubnetId", {}),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId", {}),
    ("ecr", "describe_repositories", "repositories", "repositoryName", {}),
    ("ecs", "list_clusters", "clusterArns", None, {}),
    ("ecs", "list_task_definitions", "taskDefinitionArns", None, {}),
    ("ecs", "list_task_definitions", "taskDefinitionArns", None, {"status": "INACTIVE"}),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName", {}),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName", {}),
    ("iam", "list_policies", "Policies", "Arn", {"Scope": "Local"}),
    ("iam", "list_roles", "Roles", "RoleName", {}),
    ("logs", "describe_log_groups", "logGroups", "logGroupName", {}),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier", {}),
    ("rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups", "DBInstanceIdentifier", {}),
    ("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier", {}),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName", {}),
    ("secretsmanager", "list_secrets", "SecretList", "Name", {"IncludePlannedDeletion": True}),
]


def inventory(clients: Clients) -> set[str]:
    """One line for each thing. Roles that AWS itself makes for its services stay, as on AWS."""
    found = set()
    for service, call, listed, name, parameters in LISTINGS:
        client = clients(service)
        pages = client.get_paginator(call).paginate(**parameters) if client.can_paginate(call) else [getattr(client, call)(**parameters)]
        for page in pages:
            found |= {f"{service} {call.split('_', 1)[1]}: {entry[name] if name else entry}" for entry in page[listed]}
    return {line for line in found if "AWSServiceRoleFor" not in line}

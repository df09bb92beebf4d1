"""What Terraform's AWS provider (5.x) calls for the resources of examples/frameratr/terraform, in its order and with its parameters.

The provider itself comes from a registry that a test machine need not reach. Its calls are known from its source: each class below does what
one resource of it does to create, to read back (`plan` compares that with what was asked for) and to destroy.
"""
from harness.terraform.access import Policy, Role, RolePolicy, RolePolicyAttachment
from harness.terraform.balancer import Listener, LoadBalancer, TargetGroup
from harness.terraform.containers import Cluster, LogGroup, ScalableTarget, ScalingPolicy, Service, TaskDefinition
from harness.terraform.data import DbInstance, DbSubnetGroup, LifecyclePolicy, Repository, Secret, SecretVersion
from harness.terraform.network import Eip, InternetGateway, NatGateway, RouteTable, RouteTableAssociation, SecurityGroup, Subnet, Vpc
from harness.terraform.resource import TAGS, Resource

__all__ = ["RESOURCES", "TAGS", "Resource"]

# By the names that a configuration gives them.
RESOURCES = {
    "aws_appautoscaling_policy": ScalingPolicy, "aws_appautoscaling_target": ScalableTarget, "aws_cloudwatch_log_group": LogGroup,
    "aws_db_instance": DbInstance, "aws_db_subnet_group": DbSubnetGroup, "aws_ecr_lifecycle_policy": LifecyclePolicy,
    "aws_ecr_repository": Repository, "aws_ecs_cluster": Cluster, "aws_ecs_service": Service, "aws_ecs_task_definition": TaskDefinition,
    "aws_eip": Eip, "aws_iam_policy": Policy, "aws_iam_role": Role, "aws_iam_role_policy": RolePolicy,
    "aws_iam_role_policy_attachment": RolePolicyAttachment, "aws_internet_gateway": InternetGateway, "aws_lb": LoadBalancer,
    "aws_lb_listener": Listener, "aws_lb_target_group": TargetGroup, "aws_nat_gateway": NatGateway, "aws_route_table": RouteTable,
    "aws_route_table_association": RouteTableAssociation, "aws_secretsmanager_secret": Secret,
    "aws_secretsmanager_secret_version": SecretVersion, "aws_security_group": SecurityGroup, "aws_subnet": Subnet, "aws_vpc": Vpc}

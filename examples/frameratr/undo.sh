#!/bin/bash
# Removes everything that deploy.sh made, also after a deployment that ended half-way. Data are not kept: no final snapshot, no recovery window.
#
#   eval "$(landfall env)"      endpoint, credentials and region
#   ./undo.sh
#
#   AWS_REGION, STATE_DIR       as for deploy.sh
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=settings.sh
. ./settings.sh

# `absent COMMAND...`: it does not matter if the thing is gone already.
absent() { unless '[A-Za-z.]*NotFound[A-Za-z]*|NoSuchEntity|DBInstanceAutomatedBackupNotFoundFault' "$@" >/dev/null; }
# `each COMMAND... -- LISTING...`: the command with each word of the listing.
each() {
  local command=() word
  while [ "$1" != -- ]; do command+=("$1"); shift; done
  shift
  for word in $("$@" 2>/dev/null); do [ "$word" = None ] || absent "${command[@]}" "$word"; done
}
# `until_empty WHAT COMMAND...`
until_empty() {
  local what=$1 try left
  shift
  for try in $(seq 300); do
    left=$("$@" 2>/dev/null) || left=
    if [ -z "$left" ] || [ "$left" = None ]; then return; fi
    [ "$try" != 300 ] || stop "$what: still there: $left"
    sleep 1
  done
}

step "Application Auto Scaling: scalable target, with its policy and alarms"
absent aws application-autoscaling deregister-scalable-target --service-namespace ecs \
  --resource-id service/$name-cluster/$name-backend-service --scalable-dimension ecs:service:DesiredCount

step "ECS: services, tasks, definitions, cluster"
for service in backend movies; do
  unless 'ServiceNotFoundException|ClusterNotFoundException|ServiceNotActiveException' aws ecs delete-service \
    --cluster $name-cluster --service $name-$service-service --force >/dev/null
done
for family in backend movies; do
  each aws ecs deregister-task-definition --task-definition -- \
    aws ecs list-task-definitions --family-prefix $name-$family --query 'taskDefinitionArns[]'
  each aws ecs delete-task-definitions --task-definitions -- \
    aws ecs list-task-definitions --family-prefix $name-$family --status INACTIVE --query 'taskDefinitionArns[]'
done
# Tasks that are still stopping keep the cluster; deleted, it stays for a while as INACTIVE.
for try in $(seq 120); do
  said=$(unless ClusterNotFoundException aws ecs delete-cluster --cluster $name-cluster 2>&1) && break
  [ "$try" != 120 ] && grep -q ClusterContainsTasks <<<"$said" || stop "$said"
  sleep 1
done

step "RDS: database and its backups"
unless 'DBInstanceNotFound|DBInstanceNotFoundFault' aws rds delete-db-instance --db-instance-identifier $name-db --skip-final-snapshot \
  --delete-automated-backups >/dev/null

step "ELB, ACM: load balancers, target groups, certificate"
each aws elbv2 delete-load-balancer --load-balancer-arn -- aws elbv2 describe-load-balancers \
  --query "LoadBalancers[?starts_with(LoadBalancerName, '$name-')].LoadBalancerArn"
until_empty "load balancers" aws elbv2 describe-load-balancers \
  --query "LoadBalancers[?starts_with(LoadBalancerName, '$name-')].LoadBalancerArn"
each aws elbv2 delete-target-group --target-group-arn -- aws elbv2 describe-target-groups \
  --query "TargetGroups[?starts_with(TargetGroupName, '$name-')].TargetGroupArn"
for certificate in $(aws acm list-certificates --query 'CertificateSummaryList[].CertificateArn'); do
  tag=$(aws acm list-tags-for-certificate --certificate-arn "$certificate" --query "Tags[?Key=='Project'].Value | [0]")
  [ "$tag" != "$name" ] || absent aws acm delete-certificate --certificate-arn "$certificate"
done

step "Secrets Manager, IAM, logs, ECR"
absent aws secretsmanager delete-secret --secret-id $name-backend --force-delete-without-recovery
absent aws iam delete-role-policy --role-name $name-execution --policy-name pull-log-and-read
absent aws iam delete-role-policy --role-name $name-task --policy-name read-settings
for role in execution task; do absent aws iam delete-role --role-name $name-$role; done
for group in backend movies; do absent aws logs delete-log-group --log-group-name /ecs/$name-$group; done
absent aws ecr delete-repository --repository-name $name-backend --force

step "RDS: deleted"
until_empty "the database" aws rds describe-db-instances --db-instance-identifier $name-db --query 'DBInstances[].DBInstanceStatus'
absent aws rds delete-db-subnet-group --db-subnet-group-name $name-db

step "EC2: security groups, NAT gateway, routes, subnets, VPC"
tagged
absent_id() { [ -z "${ids[$1]:-}" ] || absent "${@:2}" "${ids[$1]}"; }
if [ -n "${ids[vpc]:-}" ]; then
  if [ -n "${ids[nat]:-}" ]; then
    absent aws ec2 delete-nat-gateway --nat-gateway-id "${ids[nat]}"
    until_empty "the NAT gateway" aws ec2 describe-nat-gateways --nat-gateway-ids "${ids[nat]}" \
      --query "NatGateways[?State!='deleted'].State"
  fi
  until_empty "network interfaces in ${ids[vpc]}" aws ec2 describe-network-interfaces --filters "Name=vpc-id,Values=${ids[vpc]}" \
    --query 'NetworkInterfaces[].NetworkInterfaceId'
fi
absent_id nat-address aws ec2 release-address --allocation-id
# From the last to the first: each is named in a rule of the next.
for group in rds-sg ecs-sg alb-sg movies-sg movies-alb-sg; do absent_id $group aws ec2 delete-security-group --group-id; done
for label in public-1 public-2 private-1 private-2; do absent_id $label aws ec2 delete-subnet --subnet-id; done
for label in public private; do absent_id $label aws ec2 delete-route-table --route-table-id; done
if [ -n "${ids[igw]:-}" ]; then
  [ -z "${ids[vpc]:-}" ] || unless 'Gateway.NotAttached|InvalidInternetGatewayID.NotFound' \
    aws ec2 detach-internet-gateway --internet-gateway-id "${ids[igw]}" --vpc-id "${ids[vpc]}"
  absent_id igw aws ec2 delete-internet-gateway --internet-gateway-id
fi
absent_id vpc aws ec2 delete-vpc --vpc-id
rm -f "$state"/*.deployed "$state"/{settings.json,frameratr-dev-*.json,url,build.log}
step "done; keys and passwords stay in $state"

#!/bin/bash
# Deploys this folder the way it is done on AWS: image to ECR, PostgreSQL on RDS, a Fargate service, logs in CloudWatch.
# Run it again after a change: it pushes the new image and rolls the service over to it.
#
#   eval "$(landfall env)"      endpoint, credentials and region
#   ./deploy.sh
#
#   AWS_REGION    us-west-1 unless set
#   BASE_IMAGE    the Python base image; default python:latest in the account's own registry
#   STATE_DIR     keeps the database password (0600) between runs; default ~/.zapier-triggers
#   BUILD_OPTIONS more options for `docker build`
set -euo pipefail
cd "$(dirname "$0")"

name=zapier-triggers
export AWS_REGION=${AWS_REGION:-us-west-1}
export AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER=
state=${STATE_DIR:-$HOME/.zapier-triggers}
mkdir -p "$state"
chmod 700 "$state"

step() { printf '%(%H:%M:%S)T  %s\n' -1 "$*"; }
# `unless CODE COMMAND...`: an error CODE means that an earlier run has done it.
unless() {
  local code=$1 said
  shift
  said=$("$@" --output text 2>&1) || grep -qF "($code)" <<<"$said" || { echo "$said" >&2; return 1; }
}
# Podman takes the same commands where no Docker daemon runs.
if ! docker info >/dev/null 2>&1; then docker() { podman "$@"; }; fi

# First, because it takes longest: it starts while the image is built.
step "RDS: PostgreSQL 16.6"
[ -s "$state/password" ] || (umask 077; head -c 64 /dev/urandom | base64 | tr -dc A-Za-z0-9 | head -c 24 >"$state/password")
password=$(cat "$state/password")
unless DBInstanceAlreadyExists aws rds create-db-instance --db-instance-identifier $name-db \
  --db-instance-class db.t4g.micro --engine postgres --engine-version 16.6 --master-username zapier_user \
  --master-user-password "$password" --allocated-storage 20 --db-name zapier_triggers --publicly-accessible \
  --backup-retention-period 0

step "ECR: repository, image"
unless RepositoryAlreadyExistsException aws ecr create-repository --repository-name $name-backend --region "$AWS_REGION"
uri=$(aws ecr describe-repositories --repository-names $name-backend --query 'repositories[0].repositoryUri' --output text)
registry=${uri%%/*}
image() {
  aws ecr get-login-password --region "$AWS_REGION" | docker login --username AWS --password-stdin "$registry" >/dev/null
  # shellcheck disable=SC2086
  docker build --platform linux/amd64 --build-arg BASE="${BASE_IMAGE:-$registry/python:latest}" ${BUILD_OPTIONS:-} \
    -t $name-backend . >"$state/build.log" 2>&1 || { cat "$state/build.log" >&2; exit 1; }
  docker tag $name-backend:latest "$uri:latest"
  docker push --quiet "$uri:latest" >/dev/null
}
# Beside the steps that do not need it.
image &
image=$!
trap 'kill $image 2>/dev/null || true' EXIT

step "ECS: cluster, log group, execution role"
aws ecs create-cluster --cluster-name $name-cluster >/dev/null
unless ResourceAlreadyExistsException aws logs create-log-group --log-group-name /ecs/$name-backend
unless EntityAlreadyExists aws iam create-role --role-name ecsTaskExecutionRole --assume-role-policy-document '{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}'
aws iam attach-role-policy --role-name ecsTaskExecutionRole \
  --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy
role=$(aws iam get-role --role-name ecsTaskExecutionRole --query Role.Arn --output text)

step "EC2: security group rules for 8000 and 5432"
vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)
group=$(aws ec2 describe-security-groups --filters Name=vpc-id,Values="$vpc" Name=group-name,Values=default \
  --query 'SecurityGroups[0].GroupId' --output text)
subnets=$(aws ec2 describe-subnets --filters Name=vpc-id,Values="$vpc" --query 'Subnets[].SubnetId' --output text | tr '\t' ,)
for port in 8000 5432; do
  unless InvalidPermission.Duplicate aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp \
    --port $port --cidr 0.0.0.0/0
done

step "RDS: available"
# `aws rds wait db-instance-available` looks every 30 seconds; this one more often.
until read -r status endpoint < <(aws rds describe-db-instances --db-instance-identifier $name-db --output text \
  --query 'DBInstances[0].[DBInstanceStatus, Endpoint.Address]') && [ "$status" = available ]; do
  case $status in
    creating | backing-up | modifying | starting | rebooting) sleep 1 ;;
    *) echo "the database is '$status'" >&2; exit 1 ;;
  esac
done

step "ECR: image pushed"
wait $image
trap - EXIT
pushed=$(docker image inspect --format '{{.Id}}' $name-backend:latest)

step "ECS: task definition, service"
database=postgresql://zapier_user:$password@$endpoint:5432/zapier_triggers
(umask 077; sed -e "s|@IMAGE@|$uri:latest|; s|@DATABASE_URL@|$database|; s|@EXECUTION_ROLE_ARN@|$role|" \
  -e "s|@REGION@|$AWS_REGION|" ecs-task-definition.json >"$state/task-definition.json")
service() {
  aws ecs describe-services --cluster $name-cluster --services $name-service --output text --query "services[0].$1"
}
# What runs is compared with what is wanted: the definition's text and the image.
wanted=$( (cat "$state/task-definition.json"; echo "$pushed") | sha256sum)
if [ "$(service status)" != ACTIVE ]; then
  aws ecs register-task-definition --cli-input-json "file://$state/task-definition.json" >/dev/null
  aws ecs create-service --cluster $name-cluster --service-name $name-service --task-definition $name-backend \
    --desired-count 1 --launch-type FARGATE --network-configuration \
    "awsvpcConfiguration={subnets=[$subnets],securityGroups=[$group],assignPublicIp=ENABLED}" >/dev/null
elif [ "$(cat "$state/deployed" 2>/dev/null)" != "$wanted" ]; then
  aws ecs register-task-definition --cli-input-json "file://$state/task-definition.json" >/dev/null
  aws ecs update-service --cluster $name-cluster --service $name-service --task-definition $name-backend \
    --force-new-deployment >/dev/null
fi
echo "$wanted" >"$state/deployed"
# As `aws ecs wait services-stable`, which looks every 15 seconds.
for try in $(seq 300); do
  read -r deployments running desired < <(service '[length(deployments), runningCount, desiredCount]')
  if [ "$deployments" = 1 ] && [ "$running" = "$desired" ]; then break; fi
  [ "$try" != 300 ] || { service 'events[:5].message' >&2; echo "the service does not become stable" >&2; exit 1; }
  sleep 1
done

task=$(aws ecs list-tasks --cluster $name-cluster --service-name $name-service --query 'taskArns[0]' --output text)
eni=$(aws ecs describe-tasks --cluster $name-cluster --tasks "$task" \
  --query "tasks[0].attachments[0].details[?name=='networkInterfaceId'].value | [0]" --output text)
ip=$(aws ec2 describe-network-interfaces --network-interface-ids "$eni" \
  --query 'NetworkInterfaces[0].Association.PublicIp' --output text)

step "asking http://$ip:8000/health"
curl --fail --silent --show-error --max-time 5 "http://$ip:8000/health"
echo
echo "http://$ip:8000" >"$state/url"

#!/bin/bash
# Deploys FrameRatr the way it is done on AWS, from an empty account: a VPC with public and private subnets in two zones, image in ECR,
# PostgreSQL on RDS, secrets in Secrets Manager, a Fargate service behind a load balancer, logs in CloudWatch.
# Run it again after a change: what exists is kept, and the service rolls over to the new image or definition. ./undo.sh removes it all.
#
#   eval "$(landfall env)"      endpoint, credentials and region
#   ./deploy.sh
#
#   AWS_REGION    us-east-2 unless set
#   BASE_IMAGE    the Python base image; default python:latest in the account's own registry
#   STATE_DIR     keeps passwords and keys (0600) between runs; default ~/.frameratr
#   BUILD_OPTIONS more options for `docker build`
#   DOMAIN        the name on the HTTPS certificate; default frameratr.example.com
#   TMDB_URL      the outside movie API, with its TMDB_TOKEN; unless set, a stand-in for it is deployed as well
#   JWT_PUBLIC_KEY_FILE  whose tokens are believed; unless set, a key pair of our own, and ./token makes tokens with it
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=settings.sh
. ./settings.sh
domain=${DOMAIN:-frameratr.example.com}
trap '[ -z "$(jobs -p)" ] || kill $(jobs -p) 2>/dev/null || true' EXIT

# Podman takes the same commands where no Docker daemon runs.
if ! docker info >/dev/null 2>&1; then docker() { podman "$@"; }; fi

# `made NAME TYPE QUERY COMMAND...`: ids[NAME], made by `aws ec2 COMMAND...` with this Name tag when there is none yet.
made() {
  local label=$1 type=$2 query=$3
  shift 3
  [ -n "${ids[$label]:-}" ] || ids[$label]=$(aws ec2 "$@" --query "$query" \
    --tag-specifications "ResourceType=$type,Tags=[{Key=Name,Value=$name-$label},{Key=Project,Value=$name}]")
}
# `secret NAME COMMAND...`: the content of a file of ours, made by the command at the first run.
secret() {
  local file=$state/$1
  shift
  [ -s "$file" ] || (umask 077; "$@" >"$file")
  cat "$file"
}
password() { head -c 64 /dev/urandom | base64 | tr -dc A-Za-z0-9 | head -c 24; }
# `trust` for roles that containers take, `policy STATEMENTS`
trust='{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
policy() { printf '{"Version": "2012-10-17", "Statement": [%s]}' "$1"; }
account=$(aws sts get-caller-identity --query Account)

step "ECR: repository; the image is built meanwhile"
unless RepositoryAlreadyExistsException aws ecr create-repository --repository-name $name-backend >/dev/null
uri=$(aws ecr describe-repositories --repository-names $name-backend --query 'repositories[0].repositoryUri')
registry=${uri%%/*}
aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >/dev/null
build() {
  # shellcheck disable=SC2086
  docker build --platform linux/amd64 --build-arg BASE="${BASE_IMAGE:-$registry/python:latest}" ${BUILD_OPTIONS:-} \
    -t $name-backend .
  docker tag $name-backend:latest "$uri:latest"
  docker push "$uri:latest"
}
build >"$state/build.log" 2>&1 &
building=$!
# An image that cannot be built is told at the next step.
built() {
  wait "$building" || { cat "$state/build.log" >&2; stop "the image was not built"; }
  building=
}
step() {
  printf '%(%H:%M:%S)T  %s\n' -1 "$*"
  [ -z "$building" ] || kill -0 "$building" 2>/dev/null || built
}

step "VPC: subnets in two zones, internet gateway, NAT gateway, routes"
tagged
made vpc vpc Vpc.VpcId create-vpc --cidr-block 10.0.0.0/16
vpc=${ids[vpc]}
aws ec2 modify-vpc-attribute --vpc-id "$vpc" --enable-dns-hostnames Value=true
read -r zone1 zone2 < <(aws ec2 describe-availability-zones --query 'AvailabilityZones[:2].ZoneName')
while read -r label block zone; do
  made "$label" subnet Subnet.SubnetId create-subnet --vpc-id "$vpc" --cidr-block "$block" --availability-zone "$zone"
done <<END
public-1 10.0.1.0/24 $zone1
public-2 10.0.2.0/24 $zone2
private-1 10.0.10.0/24 $zone1
private-2 10.0.11.0/24 $zone2
END
made igw internet-gateway InternetGateway.InternetGatewayId create-internet-gateway
unless Resource.AlreadyAssociated aws ec2 attach-internet-gateway --internet-gateway-id "${ids[igw]}" --vpc-id "$vpc"
made nat-address elastic-ip AllocationId allocate-address --domain vpc
made nat natgateway NatGateway.NatGatewayId create-nat-gateway --subnet-id "${ids[public-1]}" --allocation-id "${ids[nat-address]}"
for kind in public private; do
  made $kind route-table RouteTable.RouteTableId create-route-table --vpc-id "$vpc"
  for number in 1 2; do
    aws ec2 associate-route-table --route-table-id "${ids[$kind]}" --subnet-id "${ids[$kind-$number]}" >/dev/null
  done
done
unless RouteAlreadyExists aws ec2 create-route --route-table-id "${ids[public]}" --destination-cidr-block 0.0.0.0/0 \
  --gateway-id "${ids[igw]}" >/dev/null
until [ "$(aws ec2 describe-nat-gateways --nat-gateway-ids "${ids[nat]}" --query 'NatGateways[0].State')" = available ]; do sleep 1; done
unless RouteAlreadyExists aws ec2 create-route --route-table-id "${ids[private]}" --destination-cidr-block 0.0.0.0/0 \
  --nat-gateway-id "${ids[nat]}" >/dev/null

step "EC2: security groups, each open to the one before it"
# `opens GROUP PORT PEER...`
opens() {
  unless InvalidPermission.Duplicate aws ec2 authorize-security-group-ingress --group-id "$1" --protocol tcp --port "$2" "${@:3}" >/dev/null
}
group() { made "$1" security-group GroupId create-security-group --group-name "$name-$1" --description "$2" --vpc-id "$3"; }
group alb-sg "the load balancer" "$vpc"
group ecs-sg "the service" "$vpc"
group rds-sg "the database" "$vpc"
opens "${ids[alb-sg]}" 80 --cidr 0.0.0.0/0
opens "${ids[alb-sg]}" 443 --cidr 0.0.0.0/0
opens "${ids[ecs-sg]}" 3000 --source-group "${ids[alb-sg]}"
opens "${ids[rds-sg]}" 5432 --source-group "${ids[ecs-sg]}"

step "RDS: PostgreSQL 16.10 in the private subnets"
db_password=$(secret db-password password)
unless DBSubnetGroupAlreadyExists aws rds create-db-subnet-group --db-subnet-group-name $name-db \
  --db-subnet-group-description "private subnets" --subnet-ids "${ids[private-1]}" "${ids[private-2]}" >/dev/null
unless DBInstanceAlreadyExists aws rds create-db-instance --db-instance-identifier $name-db --db-instance-class db.t3.micro \
  --engine postgres --engine-version 16.10 --allocated-storage 20 --db-name frameratr --master-username fr_user \
  --master-user-password "$db_password" --db-subnet-group-name $name-db --vpc-security-group-ids "${ids[rds-sg]}" \
  --storage-encrypted --no-publicly-accessible --backup-retention-period 7 --copy-tags-to-snapshot >/dev/null

step "IAM: execution role and task role; log group; cluster"
# The value of a secret decides its ARN's last characters: it is made empty first, and filled when the database has an address.
unless ResourceExistsException aws secretsmanager create-secret --name $name-backend --description "FrameRatr's settings" >/dev/null
secret_arn=$(aws secretsmanager describe-secret --secret-id $name-backend --query ARN)
for role in execution task; do
  unless EntityAlreadyExists aws iam create-role --role-name $name-$role --assume-role-policy-document "$trust" >/dev/null
done
aws iam put-role-policy --role-name $name-execution --policy-name pull-log-and-read --policy-document "$(policy "
  {\"Effect\": \"Allow\", \"Action\": \"ecr:GetAuthorizationToken\", \"Resource\": \"*\"},
  {\"Effect\": \"Allow\", \"Action\": [\"ecr:BatchCheckLayerAvailability\", \"ecr:GetDownloadUrlForLayer\", \"ecr:BatchGetImage\"],
   \"Resource\": \"arn:aws:ecr:$AWS_REGION:$account:repository/$name-backend\"},
  {\"Effect\": \"Allow\", \"Action\": [\"logs:CreateLogStream\", \"logs:PutLogEvents\"],
   \"Resource\": \"arn:aws:logs:$AWS_REGION:$account:log-group:/ecs/$name-*:*\"},
  {\"Effect\": \"Allow\", \"Action\": \"secretsmanager:GetSecretValue\", \"Resource\": \"$secret_arn\"}")"
aws iam put-role-policy --role-name $name-task --policy-name read-settings --policy-document "$(policy "
  {\"Effect\": \"Allow\", \"Action\": \"secretsmanager:GetSecretValue\", \"Resource\": \"$secret_arn\"}")"
for group in backend movies; do
  unless ResourceAlreadyExistsException aws logs create-log-group --log-group-name /ecs/$name-$group
  aws logs put-retention-policy --log-group-name /ecs/$name-$group --retention-in-days 7
done
aws ecs create-cluster --cluster-name $name-cluster >/dev/null

# `balancer NAME VPC PORT HEALTH-PATH GROUP SUBNETS...` sets balancer, dns, targets: an internet-facing load balancer and where it forwards to.
balancer() {
  local label=$1 vpc=$2 port=$3 path=$4 group=$5
  shift 5
  read -r balancer dns < <(aws elbv2 create-load-balancer --name "$label-alb" --security-groups "$group" --subnets "$@" \
    --query 'LoadBalancers[0].[LoadBalancerArn, DNSName]')
  targets=$(aws elbv2 create-target-group --name "$label-tg" --protocol HTTP --port "$port" --vpc-id "$vpc" --target-type ip \
    --health-check-path "$path" --health-check-interval-seconds 30 --healthy-threshold-count 2 --query 'TargetGroups[0].TargetGroupArn')
  aws elbv2 modify-target-group-attributes --target-group-arn "$targets" --attributes Key=deregistration_delay.timeout_seconds,Value=10 >/dev/null
  listener "$balancer" "$targets" HTTP 80
}
# `listener BALANCER TARGETS PROTOCOL PORT OPTIONS...`
listener() {
  aws elbv2 create-listener --load-balancer-arn "$1" --default-actions "Type=forward,TargetGroupArn=$2" --protocol "$3" --port "$4" \
    "${@:5}" >/dev/null
}

step "ELB: load balancer on 80 and 443"
certificate=$(aws acm list-certificates --query "CertificateSummaryList[?DomainName=='$domain'].CertificateArn | [0]")
[ "$certificate" != None ] || certificate=$(aws acm request-certificate --domain-name "$domain" --validation-method DNS \
  --tags "Key=Project,Value=$name" --query CertificateArn)
balancer $name "$vpc" 3000 /health "${ids[alb-sg]}" "${ids[public-1]}" "${ids[public-2]}"
backend_dns=$dns backend_balancer=$balancer backend_targets=$targets
for try in $(seq 30); do
  status=$(aws acm describe-certificate --certificate-arn "$certificate" --query Certificate.Status)
  case $status in
    ISSUED) listener "$balancer" "$targets" HTTPS 443 --certificates "CertificateArn=$certificate"; break ;;
    PENDING_VALIDATION) [ "$try" != 30 ] || echo "          no HTTPS: the certificate of $domain waits for its record in DNS" ; sleep 1 ;;
    *) stop "the certificate of $domain is $status" ;;
  esac
done

# The outside: in another VPC (the default one), reached as any address on the internet is.
if [ -z "${TMDB_URL:-}" ]; then
  step "the stand-in of the movie API: load balancer in the default VPC"
  outside=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId')
  [ "$outside" != None ] || stop "there is no default VPC for the stand-in: make one (aws ec2 create-default-vpc) or set TMDB_URL"
  read -ra outside_subnets < <(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$outside" Name=default-for-az,Values=true \
    --query 'Subnets[:2].SubnetId')
  group movies-alb-sg "load balancer of the stand-in" "$outside"
  group movies-sg "the stand-in of the movie API" "$outside"
  opens "${ids[movies-alb-sg]}" 80 --cidr 0.0.0.0/0
  opens "${ids[movies-sg]}" 4000 --source-group "${ids[movies-alb-sg]}"
  balancer $name-movies "$outside" 4000 /health "${ids[movies-alb-sg]}" "${outside_subnets[@]}"
  movies_targets=$targets
  TMDB_URL=http://$dns/3
  TMDB_TOKEN=$(secret tmdb-token password)
fi

step "RDS: available"
# `aws rds wait db-instance-available` looks every 30 seconds; this one more often.
until read -r status endpoint < <(aws rds describe-db-instances --db-instance-identifier $name-db \
  --query 'DBInstances[0].[DBInstanceStatus, Endpoint.Address]') && [ "$status" = available ]; do
  case $status in
    creating | backing-up | modifying | starting | rebooting | configuring-*) sleep 1 ;;
    *) stop "the database is '$status'" ;;
  esac
done

step "Secrets Manager: the settings"
held=$(aws secretsmanager get-secret-value --secret-id "$secret_arn" --query SecretString 2>/dev/null) || held=
# Rotated meanwhile, the password is what the secret says.
rotated=$(sed -n 's/.*"DB_PASS": "\([^"]*\)".*/\1/p' <<<"$held")
db_password=${rotated:-$db_password}
(umask 077; cat >"$state/settings.json") <<END
{"DB_HOST": "$endpoint", "DB_PORT": "5432", "DB_NAME": "frameratr", "DB_USER": "fr_user", "DB_PASS": "$db_password",
 "TMDB_TOKEN": "${TMDB_TOKEN:?}", "TMDB_SLEEP_SEC": "0.25", "FLASK_PORT": "3000"}
END
[ "$held" = "$(cat "$state/settings.json")" ] ||
  aws secretsmanager put-secret-value --secret-id "$secret_arn" --secret-string "file://$state/settings.json" >/dev/null

step "ECR: the image is pushed"
[ -z "$building" ] || built
pushed=$(aws ecr describe-images --repository-name $name-backend --image-ids imageTag=latest --query 'imageDetails[0].imageDigest')

step "ECS: task definitions"
if [ -z "${JWT_PUBLIC_KEY_FILE:-}" ]; then
  secret jwt-private.pem openssl genrsa 2048 >/dev/null 2>&1
  JWT_PUBLIC_KEY_FILE=$state/jwt-public.pem
  openssl rsa -in "$state/jwt-private.pem" -pubout -out "$JWT_PUBLIC_KEY_FILE" 2>/dev/null
fi
jwt_key=$(awk '{printf "%s\\\\n", $0}' "$JWT_PUBLIC_KEY_FILE")
declare -A wanted
# `definition FAMILY`: fills the file in and registers it, if it or the image has changed since.
definition() {
  local file=$state/$1.json
  sed -e "s|@IMAGE@|$uri:latest|; s|@SECRET_ARN@|$secret_arn|; s|@REGION@|$AWS_REGION|; s|@TMDB_URL@|$TMDB_URL|" \
    -e "s|@EXECUTION_ROLE_ARN@|arn:aws:iam::$account:role/$name-execution|; s|@TASK_ROLE_ARN@|arn:aws:iam::$account:role/$name-task|" \
    -e "s|@JWT_PUBLIC_KEY@|${jwt_key//\\/\\\\}|" "$2" >"$file"
  wanted[$1]=$( (echo "$pushed"; cat "$file") | sha256sum)
  [ "$(cat "$file.deployed" 2>/dev/null)" = "${wanted[$1]}" ] || aws ecs register-task-definition --cli-input-json "file://$file" >/dev/null
}
# `service NAME FAMILY CONTAINER PORT TARGETS NETWORK`: makes the service, or rolls it over to what is new.
service() {
  local file=$state/$2.json
  if [ "$(described "$1" status)" != ACTIVE ]; then
    aws ecs create-service --cluster $name-cluster --service-name "$1" --task-definition "$2" --desired-count 1 --launch-type FARGATE \
      --health-check-grace-period-seconds 60 --deployment-configuration 'deploymentCircuitBreaker={enable=true,rollback=true}' \
      --load-balancers "targetGroupArn=$5,containerName=$3,containerPort=$4" --network-configuration "awsvpcConfiguration={$6}" >/dev/null
  elif [ "$(cat "$file.deployed" 2>/dev/null)" != "${wanted[$2]}" ]; then
    aws ecs update-service --cluster $name-cluster --service "$1" --task-definition "$2" --force-new-deployment >/dev/null
  fi
  echo "${wanted[$2]}" >"$file.deployed"
}
described() { aws ecs describe-services --cluster $name-cluster --services "$1" --query "services[0].$2"; }
private="subnets=[${ids[private-1]},${ids[private-2]}],securityGroups=[${ids[ecs-sg]}],assignPublicIp=DISABLED"
if [ -n "${movies_targets:-}" ]; then
  definition $name-movies standin/ecs-task-definition.json
  service $name-movies-service $name-movies movies 4000 "$movies_targets" \
    "subnets=[$(IFS=,; echo "${outside_subnets[*]}")],securityGroups=[${ids[movies-sg]}],assignPublicIp=ENABLED"
fi
definition $name-backend ecs-task-definition.json

step "ECS: schema.sql by a task of its own"
task=$(aws ecs run-task --cluster $name-cluster --task-definition $name-backend --launch-type FARGATE \
  --network-configuration "awsvpcConfiguration={$private}" --started-by schema \
  --overrides '{"containerOverrides": [{"name": "backend", "command": ["python", "-m", "frameratr.schema"]}]}' --query 'tasks[0].taskArn')
until read -r status code reason < <(aws ecs describe-tasks --cluster $name-cluster --tasks "$task" \
  --query 'tasks[0].[lastStatus, containers[0].exitCode, stoppedReason]') && [ "$status" = STOPPED ]; do sleep 1; done
if [ "$code" != 0 ]; then
  aws logs get-log-events --log-group-name /ecs/$name-backend --log-stream-name "ecs/backend/${task##*/}" --query 'events[].[message]' >&2 || true
  stop "schema.sql: exit code $code, $reason"
fi
echo "          exit code 0"

step "ECS: the service"
service $name-backend-service $name-backend backend 3000 "$backend_targets" "$private"
# As `aws ecs wait services-stable`, which looks every 15 seconds.
for one in $name-backend-service ${movies_targets:+$name-movies-service}; do
  for try in $(seq 300); do
    read -r deployments running desired rollout < <(described "$one" '[length(deployments), runningCount, desiredCount, deployments[0].rolloutState]')
    if [ "$deployments" = 1 ] && [ "$running" = "$desired" ] && [ "$rollout" = COMPLETED ]; then break; fi
    [ "$try" != 300 ] || { described "$one" 'events[:5].[message]' >&2; stop "$one does not become stable"; }
    sleep 1
  done
done

step "Application Auto Scaling: 1 to 4 tasks, by their CPU"
scaled=(--service-namespace ecs --resource-id service/$name-cluster/$name-backend-service --scalable-dimension ecs:service:DesiredCount)
aws application-autoscaling register-scalable-target "${scaled[@]}" --min-capacity 1 --max-capacity 4 >/dev/null
aws application-autoscaling put-scaling-policy "${scaled[@]}" --policy-name $name-cpu --policy-type TargetTrackingScaling \
  --target-tracking-scaling-policy-configuration '{"TargetValue": 70, "ScaleOutCooldown": 60, "ScaleInCooldown": 300,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}' >/dev/null

step "asking http://$backend_dns/health"
curl --fail --silent --show-error --max-time 5 --noproxy '*' --retry 5 --retry-all-errors "http://$backend_dns/health"
echo "http://$backend_dns" >"$state/url"

#!/bin/bash
# Puts the service that deploy.sh has deployed behind a load balancer: HTTPS with a certificate of ACM, HTTP redirected to it, a name
# of its own in Route 53. Run it again at any time: what is there stays.
#
#   ./deploy.sh && ./https.sh
#
#   DOMAIN        the hosted zone; default zapier-triggers.test. The service is api.$DOMAIN
#   CA_FILE       the authority that clients have to trust, on Landfall <data folder>/ca/ca.crt; on AWS leave it unset
#   AWS_REGION, STATE_DIR   as for deploy.sh
set -euo pipefail

name=zapier-triggers
domain=${DOMAIN:-$name.test}
host=api.$domain
export AWS_REGION=${AWS_REGION:-us-west-1}
export AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER=
state=${STATE_DIR:-$HOME/.zapier-triggers}

step() { printf '%(%H:%M:%S)T  %s\n' -1 "$*"; }
# `unless CODE COMMAND...`: an error CODE means that an earlier run has done it.
unless() {
  local code=$1 said
  shift
  said=$("$@" --output text 2>&1) || grep -qF "($code)" <<<"$said" || { echo "$said" >&2; return 1; }
}
# `first COMMAND...`: its text output, or nothing for None.
first() { "$@" --output text 2>/dev/null | sed 's/^None$//'; }
# `until_it WHAT EXPECTED COMMAND...`: the AWS waiters look every 15 to 60 seconds; this one more often.
until_it() {
  local what=$1 expected=$2 said
  shift 2
  for _ in $(seq 180); do
    said=$("$@" --output text)
    [ "$said" != "$expected" ] || return 0
    sleep 1
  done
  echo "$what: '$said', not '$expected'" >&2
  return 1
}

step "Route 53: $domain"
zone=$(first aws route53 list-hosted-zones-by-name --dns-name "$domain" --query "HostedZones[?Name=='$domain.'].Id | [0]")
[ -n "$zone" ] ||
  zone=$(aws route53 create-hosted-zone --name "$domain" --caller-reference "$(date +%s)" --query HostedZone.Id --output text)
# upsert RECORD-SET
upsert() {
  aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch \
    "{\"Changes\": [{\"Action\": \"UPSERT\", \"ResourceRecordSet\": $1}]}" >/dev/null
}

step "ACM: certificate of $host"
certificate=$(first aws acm list-certificates --includes keyTypes=EC_prime256v1 --query "CertificateSummaryList[?DomainName=='$host'].CertificateArn | [0]")
[ -n "$certificate" ] || certificate=$(aws acm request-certificate --domain-name "$host" --validation-method DNS \
  --key-algorithm EC_prime256v1 --query CertificateArn --output text)
# The record with which the zone's owner says yes; AWS makes it up a moment after the request.
for _ in $(seq 30); do
  validation=$(aws acm describe-certificate --certificate-arn "$certificate" \
    --query 'Certificate.DomainValidationOptions[0].ResourceRecord.{Name: Name, Type: Type, Value: Value}' --output text)
  read -r record type value <<<"$validation"
  [ -z "${value:-}" ] || break
  sleep 1
done
upsert "{\"Name\": \"$record\", \"Type\": \"$type\", \"TTL\": 300, \"ResourceRecords\": [{\"Value\": \"$value\"}]}"
until_it "the certificate" ISSUED aws acm describe-certificate --certificate-arn "$certificate" --query Certificate.Status

step "EC2: security groups of balancer and service"
vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)
subnets=$(aws ec2 describe-subnets --filters Name=vpc-id,Values="$vpc" Name=default-for-az,Values=true \
  --query 'sort_by(Subnets, &AvailabilityZone)[:2].SubnetId' --output text)
group_named() {
  first aws ec2 describe-security-groups --filters Name=vpc-id,Values="$vpc" Name=group-name,Values="$1" \
    --query 'SecurityGroups[0].GroupId'
}
front=$(group_named $name-alb)
[ -n "$front" ] || front=$(aws ec2 create-security-group --group-name $name-alb --description "the balancer of $name" \
  --vpc-id "$vpc" --query GroupId --output text)
for port in 80 443; do
  unless InvalidPermission.Duplicate aws ec2 authorize-security-group-ingress --group-id "$front" --protocol tcp \
    --port $port --cidr 0.0.0.0/0
done
unless InvalidPermission.Duplicate aws ec2 authorize-security-group-ingress --group-id "$(group_named default)" --protocol tcp \
  --port 8000 --source-group "$front"

step "ELB: balancer, target group, listeners"
# shellcheck disable=SC2086
balancer=$(aws elbv2 create-load-balancer --name $name --subnets $subnets --security-groups "$front" \
  --query 'LoadBalancers[0].LoadBalancerArn' --output text)
targets=$(aws elbv2 create-target-group --name $name --protocol HTTP --port 8000 --vpc-id "$vpc" --target-type ip \
  --health-check-path /health --health-check-interval-seconds 5 --health-check-timeout-seconds 2 --healthy-threshold-count 2 \
  --query 'TargetGroups[0].TargetGroupArn' --output text)
listeners=$(aws elbv2 describe-listeners --load-balancer-arn "$balancer" --query 'Listeners[].Port' --output text)
grep -qw 443 <<<"$listeners" || aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTPS --port 443 \
  --ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06 --certificates CertificateArn="$certificate" \
  --default-actions Type=forward,TargetGroupArn="$targets" >/dev/null
grep -qw 80 <<<"$listeners" || aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTP --port 80 \
  --default-actions 'Type=redirect,RedirectConfig={Protocol=HTTPS,Port=443,StatusCode=HTTP_301}' >/dev/null
until_it "the balancer" active aws elbv2 describe-load-balancers --load-balancer-arns "$balancer" \
  --query 'LoadBalancers[0].State.Code'

step "ECS: the service registers its tasks"
attached=$(aws ecs describe-services --cluster $name-cluster --services $name-service \
  --query 'services[0].loadBalancers[0].targetGroupArn' --output text)
[ "$attached" = "$targets" ] || aws ecs update-service --cluster $name-cluster --service $name-service \
  --load-balancers "targetGroupArn=$targets,containerName=backend,containerPort=8000" >/dev/null
until_it "the deployment" 1 aws ecs describe-services --cluster $name-cluster --services $name-service \
  --query 'length(services[0].deployments)'
until_it "the targets" healthy aws elbv2 describe-target-health --target-group-arn "$targets" \
  --query "TargetHealthDescriptions[?TargetHealth.State=='healthy'] | [0].TargetHealth.State"

step "Route 53: $host"
read -r dns canonical < <(aws elbv2 describe-load-balancers --load-balancer-arns "$balancer" --output text \
  --query 'LoadBalancers[0].[DNSName, CanonicalHostedZoneId]')
upsert "{\"Name\": \"$host\", \"Type\": \"A\", \"AliasTarget\": {\"HostedZoneId\": \"$canonical\", \"DNSName\": \"dualstack.$dns\", \"EvaluateTargetHealth\": true}}"

step "asking https://$host/health"
for try in $(seq 30); do
  if answer=$(curl --fail --silent --show-error --max-time 5 ${CA_FILE:+--cacert "$CA_FILE"} "https://$host/health" 2>&1); then break; fi
  [ "$try" != 30 ] || { echo "$answer" >&2; exit 1; }
  sleep 1
done
echo "$answer"
echo "https://$host" >"$state/https-url"

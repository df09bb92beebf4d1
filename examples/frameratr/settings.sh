# What deploy.sh, undo.sh and token share: names, region, and a few words for the AWS CLI. Sourced, not run.
# shellcheck shell=bash
name=frameratr-dev
export AWS_REGION=${AWS_REGION:-us-east-2}
export AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER='' AWS_DEFAULT_OUTPUT=text
state=${STATE_DIR:-$HOME/.frameratr}
mkdir -p "$state"
chmod 700 "$state"

step() { printf '%(%H:%M:%S)T  %s\n' -1 "$*"; }
stop() { echo "$*" >&2; exit 1; }

# `unless CODE COMMAND...`: an error whose code matches means that it is so already. Prints what the command says.
unless() {
  local codes=$1 said
  shift
  if said=$("$@" 2>&1); then
    [ -z "$said" ] || echo "$said"
  elif ! grep -qE "\((${codes})\)" <<<"$said"; then
    echo "$said" >&2
    return 1
  fi
}

# `tagged`: which of our resources exist, as ids[NAME WITHOUT PREFIX], from their Name tags.
declare -A ids
tagged() {
  local label id
  ids=()
  while read -r label id; do [ -z "$label" ] || ids[${label#"$name"-}]=$id; done < <(aws ec2 describe-tags \
    --filters Name=key,Values=Name "Name=value,Values=$name-*" --query 'Tags[].[Value, ResourceId]')
  # A deleted NAT gateway keeps its tags for an hour.
  id=$(aws ec2 describe-nat-gateways --filter "Name=tag:Name,Values=$name-nat" Name=state,Values=pending,available \
    --query 'NatGateways[0].NatGatewayId')
  if [ "$id" = None ]; then unset 'ids[nat]'; else ids[nat]=$id; fi
}

# Sourced by run and test: one line per step with the time it took.
#
#   begin "title"; ...; done_step
#   quiet LOG COMMAND...     output into LOG; shown from its end when the command fails

step_number=0
all_began=$SECONDS

begin() {
  step_number=$((step_number + 1))
  step_began=$SECONDS
  step_title=$1
  printf '[%d/%d] %s\n' "$step_number" "${steps:?how many steps there are}" "$1"
}

done_step() { printf '      %s: %d s%s\n' "$step_title" $((SECONDS - step_began)) "${1:+, $1}"; }

elapsed() { printf '%d min %02d s' $(((SECONDS - all_began) / 60)) $(((SECONDS - all_began) % 60)); }

quiet() {
  local log=$1
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -60 "$log" >&2
    echo "failed: $* (the whole log is in $log)" >&2
    return 1
  fi
}

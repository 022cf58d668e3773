#!/bin/bash
# Ends the processes that up.sh started, and no others. Keeps the data, so that the next up is quick.
# `down.sh --wipe` removes the test bed's whole folder as well; `down.sh octavia` ends Octavia alone.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$here/settings.sh"
. "$here/lib.sh"

case ${1:-} in '' | --wipe | octavia) ;; *)
  echo 'usage: down.sh [--wipe | octavia]' >&2
  exit 2
  ;;
esac
if [ ! -d "$run" ]; then
  echo "testbed: nothing to end, there is no bed in $state"
  exit 0
fi
take_lock

if [ "${1:-}" = octavia ]; then
  for record in "$run"/octavia-*.process; do
    if [ -e "$record" ]; then stop "$(basename "$record" .process)"; fi
  done
  say 'Octavia is down'
  exit 0
fi

# The database goes last, the broker before it: whoever is writing can finish.
backing=(rabbitmq epmd memcached mariadb)
for record in "$run"/*.process; do
  name=$(basename "$record" .process)
  [[ -e $record && " ${backing[*]} " != *" $name "* ]] || continue
  stop "$name" &
done
wait
for name in "${backing[@]}"; do stop "$name" 60; done
if [ -s "$run/bridge" ]; then ip link delete "$(<"$run/bridge")" 2>/dev/null || true; fi
rm -rf "$run"
say 'the test bed is down'

if [ "${1:-}" = --wipe ]; then
  rm -rf "$etc" "$data" "$logs" "$keys" "$state"/{clouds.yaml,octavia.conf,testbed.json,octavia_ssh_key}
  say "$state is empty"
fi

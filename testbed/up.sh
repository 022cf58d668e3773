#!/bin/bash
# Brings up a real OpenStack on loopback and prints where it is. Re-runnable: what runs is left alone, what is missing
# or half done is made. Each file in services/ is run as a job of its own, all at once; `after` makes them wait for
# each other. Arguments name files in extra/ that are to come up as well: `up.sh octavia`. Exit status 0: all is up; 1:
# something failed (the last lines of its log are shown); 2: packages are missing and this user cannot install them.
set -euo pipefail
umask 077
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$here/settings.sh"
. "$here/lib.sh"
. "$here/openstack.sh"

extras=()
for name in "$@"; do
  if [ ! -e "$here/extra/$name.sh" ]; then
    echo "usage: up.sh [$(basename -a -s .sh "$here"/extra/*.sh | paste -sd ' ')]" >&2
    exit 1
  fi
  extras+=("$here/extra/$name.sh")
done

if [ "$hypervisor" = libvirt ] && [ "$(id -u)" -ne 0 ]; then
  echo 'testbed: KILN_TESTBED_HYPERVISOR=libvirt makes bridges and boots virtual machines: run it as root' >&2
  exit 2
fi
mkdir -p "$etc" "$logs" "$run" "$stamps" "$home"
take_lock

install_packages() {
  local missing install=(bash "$here/install.sh")
  missing=$("${install[@]}" --missing)
  if [ -z "$missing" ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "testbed: these Debian packages are missing: ${missing//$'\n'/ }" >&2
      echo "testbed: install them with: sudo ${install[*]}" >&2
      exit 2
    fi
    install=(sudo -n "${install[@]}")
  fi
  say "installing Debian packages (once, about a minute; log: $logs/install.log)"
  if ! "${install[@]}" >"$logs/install.log" 2>&1; then
    tail -n 20 "$logs/install.log" >&2
    echo "testbed: the packages could not be installed. Try: ${install[*]}" >&2
    exit 1
  fi
  say 'packages installed'
}
install_packages

# The ports are part of the data too (catalog, Nova's cells): refuse a mixture.
if [ -s "$data/port-base" ] && [ "$(<"$data/port-base")" != "$port_base" ]; then
  echo "testbed: $state was made with KILN_TESTBED_PORT_BASE=$(<"$data/port-base"), not $port_base." >&2
  echo "testbed: use that one, or begin anew with: npm run testbed:down -- --wipe" >&2
  exit 1
fi
echo "$port_base" >"$data/port-base"
if [ -s "$data/hypervisor" ] && [ "$(<"$data/hypervisor")" != "$hypervisor" ]; then
  echo "testbed: $state was made with KILN_TESTBED_HYPERVISOR=$(<"$data/hypervisor"), not $hypervisor." >&2
  echo "testbed: use that one, or another folder (KILN_TESTBED_DIR), or begin anew with: npm run testbed:down -- --wipe" >&2
  exit 1
fi
echo "$hypervisor" >"$data/hypervisor"

# seed PART: makes what the test bed is to contain, where it is missing (see seed.py).
seed() {
  log=$logs/seed-$1.log
  clean env TESTBED_STATE="$state" TESTBED_CERTS="$keys" TESTBED_PASSWORD="$password" TESTBED_REGION="$region" \
    TESTBED_IDENTITY="http://$ip:$keystone_port/v3" TESTBED_IMAGE="http://$ip:$glance_port" \
    TESTBED_COMPUTE="http://$ip:$nova_port/v2.1" TESTBED_NETWORK="http://$ip:$neutron_port" \
    TESTBED_HYPERVISOR="$hypervisor" TESTBED_BRIDGE_IP="$management_bridge_ip" TESTBED_PLACEMENT="http://$ip:$placement_port" TESTBED_DATABASE_HOST="$ip" TESTBED_DATABASE_PORT="$mariadb_port" \
    /usr/bin/python3 -B "$here/seed.py" "$1" >"$log" 2>&1
}

# make_management_bridge: os-vif plugs the ports of a network into brq and the first 11 characters of its ID. The bridge is
# made here, with the address at which controllers on this machine are reached.
make_management_bridge() {
  local bridge
  bridge=brq$(sed -n 's/.*"managementBridge": "brq\(.*\)".*/\1/p' "$state/testbed.json")
  if ! ip link show "$bridge" >/dev/null 2>&1; then ip link add "$bridge" type bridge forward_delay 0; fi
  echo "$bridge" >"$run/bridge"
  ip address replace "$management_bridge_ip/24" dev "$bridge"
  ip link set "$bridge" up
}

# One run's notes: up.NAME for what is up, `failed` when something is not. A killed run's are stale.
rm -rf "$run"/round.*
round=$(mktemp -d "$run/round.XXXXXX")
log=  # of the step under way, to be shown if it fails
news= # set by a step that did something: what was up already gets no line
trap 'rm -rf "$round"' EXIT
trap 'touch "$round/failed"; exit 130' INT TERM HUP

bring_up() {
  local service
  service=$(basename "$1" .sh)
  # shellcheck disable=SC2064 # the name now, the status then
  trap "job_ended '$service' \$?" EXIT
  # shellcheck source=/dev/null
  . "$1"
  : >"$round/up.$service"
  if [ -n "$news" ]; then say "$service"; fi
}
job_ended() {
  if [ "$2" -eq 0 ] || [ "$2" -eq 75 ]; then return; fi # 75: gave up because another one failed
  touch "$round/failed" 2>/dev/null || return 0
  {
    say "$1 FAILED"
    if [ -n "$log" ]; then
      echo "--- last lines of $log"
      tail -n 15 "$log"
    fi
  } >&2
}

# What an earlier run left: processes that have ended, of this boot or another. Those that are wanted are started anew.
for record in "$run"/*.process; do
  name=$(basename "$record" .process)
  if [ -e "$record" ] && ! running "$name"; then stop "$name"; fi
done

jobs=()
for file in "$here"/services/*.sh "${extras[@]}"; do
  bring_up "$file" &
  jobs+=($!)
done
wait "${jobs[@]}" || true
for record in "$run"/*.process; do # a service may answer and die a moment later
  name=$(basename "$record" .process)
  if ! running "$name"; then
    log=$logs/$name.log
    job_ended "$name" 1
  fi
done
if [ -e "$round/failed" ]; then exit 1; fi
if ! seed cloud; then
  echo "testbed: the test bed is up but could not be filled. Last lines of $log:" >&2
  tail -n 15 "$log" >&2
  exit 1
fi
if [ "$hypervisor" = libvirt ]; then make_management_bridge; fi
say "the test bed is up: $state/{clouds.yaml,octavia.conf,testbed.json}"

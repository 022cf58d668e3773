#!/bin/bash
# Runs an amphora agent in a network namespace until it gets SIGTERM or its standard input ends, as it does when whoever started it is
# gone; then takes away what it made. Octavia's own agent, or COMMAND. Needs root.
#
#   run.sh FOLDER ADDRESS [COMMAND [ARGUMENT]...]
#
# FOLDER holds etc/ (amphora-agent.conf and its certificates: /etc/octavia in the amphora) and gets what the agent writes.
# ADDRESS is the amphora's, in 169.254.77.0/24; the host has .1 on the same bridge. Prints "ready PID" when all is set up, of a process
# whose child is the first one in the sandbox.
# `attach.sh` gives the amphora one more network interface. With KILN_AGENT_BESIDE (names.sh) it is the second of a pair.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/names.sh"
folder=$(realpath "$1") address=$2
shift 2

(
  cat >/dev/null
  kill -TERM $$
) <&0 &
watcher=$!
trap 'kill $watcher 2>/dev/null' EXIT

# One, or one and what is beside it, at a time on this machine. The amphora itself does not hold the lock.
mkdir -p "$(dirname "$lock")" # a container may not have it
exec 9>"$lock$beside"
flock -w "${KILN_AGENT_TURN_SECONDS:-600}" 9 || { echo "testbed/agent: another run holds $lock$beside" >&2; exit 1; }

sandbox=
# shellcheck disable=SC2329 # called by trap
take_down() {
  trap - EXIT
  kill $watcher 2>/dev/null || true
  # The group is the sandbox's; its PID namespace ends with it.
  if [ -n "$sandbox" ]; then
    kill -KILL -- "-$sandbox" 2>/dev/null || true
    wait "$sandbox" 2>/dev/null || true
  fi
  remove_network
}
# The cables first: the kernel takes its time with those of a namespace that is gone, and their names would be taken.
# shellcheck disable=SC2329 # called by take_down, too
remove_network() {
  local cable
  for cable in /sys/class/net/kiln-"$beside"eth0 /sys/class/net/kiln-"$beside"new*; do
    [ ! -e "$cable" ] || ip link del "${cable##*/}" 2>/dev/null || true
  done
  ip netns del "$namespace" 2>/dev/null || true
  [ -n "$beside" ] || ip link del $bridge 2>/dev/null || true
}
trap take_down EXIT
trap 'exit 0' TERM INT
remove_network

if [ -z "$beside" ]; then
  if ip -o address show | grep -qF " $host_address/"; then
    echo "testbed/agent: another interface of this machine has $host_address" >&2
    exit 1
  fi
  # A fixed address: else it is that of one of its ports, and with each new one all neighbours may be forgotten.
  ip link add $bridge address 02:00:a9:fe:4d:01 type bridge
  ip address add $host_address/24 dev $bridge
  ip link set $bridge up
fi
ip netns add "$namespace"
ip -n "$namespace" link set lo up
"$here/attach.sh" eth0 >/dev/null
ip -n "$namespace" address add "$address/24" dev eth0
ip -n "$namespace" link set eth0 up

# Of the package octavia-agent only one helper is needed; the package itself wants a whole machine.
if [ $# -eq 0 ] && [ ! -x "$package/usr/bin/octavia-agent-lvs-masquerade" ]; then
  mkdir -p "$package"
  (
    cd "$package"
    apt-get -qq -o APT::Sandbox::User=root download octavia-agent
    dpkg-deb -x octavia-agent_*.deb .
    rm octavia-agent_*.deb
  )
fi

# The agent asks /proc/1/comm which init system there is.
mkdir -p "$folder/bin"
ln -sf /bin/bash "$folder/bin/systemd"
# Mount points that the machine may not have; they stay empty.
mkdir -p /var/lib/octavia /etc/octavia /usr/lib/systemd/system
setsid ip netns exec "$namespace" unshare --mount --pid --fork --kill-child --mount-proc \
  "$folder/bin/systemd" "$here/init.sh" "$folder" "$here" "$package" "$@" 9>&- &
sandbox=$!
echo "ready $sandbox"
wait "$sandbox"

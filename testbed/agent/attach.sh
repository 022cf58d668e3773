#!/bin/bash
# attach.sh NAME [MAC]: a new network interface in the amphora, on the bridge, and down. Prints its MAC address.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/names.sh"
name=$1
ip link add "kiln-$beside$name" type veth peer name "$name" ${2:+address "$2"} netns "$namespace"
ip link set "kiln-$beside$name" master $bridge up
# An agent that waits for this MAC address may have taken the interface already.
if [ $# -gt 1 ]; then echo "$2"; else ip netns exec "$namespace" cat "/sys/class/net/$name/address"; fi

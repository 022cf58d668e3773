# shellcheck shell=sh disable=SC2154 # sourced by ../../prepare.sh, which sets root and units
# The agent itself and its Node are put beside these when the tree is unpacked: a new agent needs no new tree.
chmod 0755 "$root/usr/lib/kiln/agent/programs/"* "$root/usr/bin/amphora-health-checker"
# As Octavia's agent has them: HAProxy's user has to get to what is in the first one.
install -d -m 0755 "$root/var/lib/octavia" "$root/etc/octavia"
mkdir -p "$units/multi-user.target.wants"
ln -sf /etc/systemd/system/amphora-agent.service "$units/multi-user.target.wants/amphora-agent.service"

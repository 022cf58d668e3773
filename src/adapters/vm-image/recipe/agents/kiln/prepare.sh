# shellcheck shell=sh disable=SC2154 # sourced by ../../prepare.sh, which sets root, units and programs
install -m 0755 "$programs/node" "$root/usr/lib/kiln/agent/node"
install -m 0644 "$programs/agent.mjs" "$root/usr/lib/kiln/agent/agent.mjs"
chmod 0755 "$root/usr/lib/kiln/agent/programs/"* "$root/usr/bin/amphora-health-checker"
# A Node that is linked with libraries of the building machine would be found out by nobody before the image boots.
chroot "$root" /usr/lib/kiln/agent/node --check /usr/lib/kiln/agent/agent.mjs
# As Octavia's agent has them: HAProxy's user has to get to what is in the first one.
install -d -m 0755 "$root/var/lib/octavia" "$root/etc/octavia"
mkdir -p "$units/multi-user.target.wants"
ln -sf /etc/systemd/system/amphora-agent.service "$units/multi-user.target.wants/amphora-agent.service"

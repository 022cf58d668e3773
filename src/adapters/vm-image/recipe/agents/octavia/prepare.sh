# shellcheck shell=sh disable=SC2154 # sourced by ../../prepare.sh, which sets root and units
# Needed by octavia-agent-netns.service, made by the agent only when it plugs the first interface.
: >"$root/var/lib/octavia/plugged_interfaces"
# HAProxy, which runs as nobody, starts the program of PING monitors in there. As shipped only the user octavia may enter.
chmod 0711 "$root/var/lib/octavia"
# The name by which Octavia's user data restarts the agent.
ln -sf /lib/systemd/system/octavia-agent.service "$units/amphora-agent.service"

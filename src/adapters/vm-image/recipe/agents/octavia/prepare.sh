# shellcheck shell=sh disable=SC2154 # sourced by ../../prepare.sh, which sets root and units
# Needed by octavia-agent-netns.service, made by the agent only when it plugs the first interface.
: >"$root/var/lib/octavia/plugged_interfaces"
# The name by which Octavia's user data restarts the agent.
ln -sf /lib/systemd/system/octavia-agent.service "$units/amphora-agent.service"

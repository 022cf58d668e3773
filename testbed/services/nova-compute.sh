# Nova's one compute host.

after nova
if [ "$hypervisor" = libvirt ]; then after libvirt; fi
start_python nova-compute - nova nova.cmd.compute --config-file "$etc/nova/nova.conf"

await nova-compute grep -q 'Join ServiceGroup' "$logs/nova-compute.log"
host_reported() { [ "$(sql -N -e 'SELECT COUNT(*) FROM nova.compute_nodes')" -ge 1 ]; }
await nova-compute host_reported

discover() { clean nova-manage --config-file "$etc/nova/nova.conf" cell_v2 discover_hosts; }
once nova-compute discover

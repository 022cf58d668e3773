# Nova's two compute hosts, so that amphorae of a pair have somewhere to be apart. With libvirt each has a libvirtd of its own;
# networks and bridges are the same, as on one rack.

after nova
if [ "$hypervisor" = libvirt ]; then after libvirt; fi

host_settings() {
  cat <<X
[DEFAULT]
host = testbed-2
instances_path = $data/nova/instances-2
[oslo_concurrency]
lock_path = $data/nova/lock-2
X
  [ "$hypervisor" = libvirt ] || return 0
  cat <<X
[libvirt]
connection_uri = qemu:///system?socket=$run/libvirt-2/libvirt-sock
X
}
mkdir -p "$data/nova"/{instances,lock}-2
host_settings >"$etc/nova/compute-2.conf"

compute=(- nova nova.cmd.compute --config-file "$etc/nova/nova.conf")
start_python nova-compute "${compute[@]}"
start_python nova-compute-2 "${compute[@]}" --config-file "$etc/nova/compute-2.conf"
for name in nova-compute nova-compute-2; do await "$name" grep -q 'Join ServiceGroup' "$logs/$name.log"; done

hosts_reported() { [ "$(sql -N -e 'SELECT COUNT(*) FROM nova.compute_nodes WHERE deleted = 0')" -ge 2 ]; }
await nova-compute-2 hosts_reported

discover() { clean nova-manage --config-file "$etc/nova/nova.conf" cell_v2 discover_hosts; }
once nova-compute-hosts discover

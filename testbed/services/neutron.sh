# Neutron: the server alone. No agent, no bridge: a mechanism driver of our own (ml2/) binds every port.

mkdir -p "$etc/neutron" "$data/neutron/lock"
cat >"$etc/neutron/neutron.conf" <<X
[DEFAULT]
bind_host = $ip
bind_port = $neutron_port
core_plugin = ml2
service_plugins =
transport_url = $(rabbitmq_url)
auth_strategy = keystone
api_paste_config = /usr/share/neutron-common/api-paste.ini
state_path = $data/neutron
api_workers = 1
rpc_workers = 1
rpc_state_report_workers = 0
dhcp_agent_notification = false
[database]
connection = $(database_url neutron)
[nova]
$(login nova)
[oslo_concurrency]
lock_path = $data/neutron/lock
[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_security_group = -1
quota_security_group_rule = -1
$(token_checks neutron)
X
cat >"$etc/neutron/ml2_conf.ini" <<X
[ml2]
type_drivers = local,flat,vxlan
tenant_network_types = vxlan
mechanism_drivers = kiln_testbed
extension_drivers = port_security
[ml2_type_vxlan]
vni_ranges = 1:4000
[ml2_type_flat]
flat_networks = *
[securitygroup]
enable_security_group = true
X
files=(--config-file "$etc/neutron/neutron.conf" --config-file "$etc/neutron/ml2_conf.ini")

prepare() {
  fresh_database neutron
  clean env PYTHONPATH="$here/ml2" PYTHONDONTWRITEBYTECODE=1 neutron-db-manage "${files[@]}" upgrade head
}
after mariadb memcached
once neutron prepare

after rabbitmq
start_python neutron "$neutron_port" neutron neutron.cmd.eventlet.server "${files[@]}"
await neutron http_answers "$neutron_port" /

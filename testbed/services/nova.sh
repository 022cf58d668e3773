# Nova: API, scheduler, conductor; the compute hosts are in nova-compute.sh. Quotas are off, so that tests can boot
# as many amphorae as they like.

mkdir -p "$etc/nova" "$data/nova"/{instances,lock}

compute_driver() {
  if [ "$hypervisor" = libvirt ]; then
    cat <<X
compute_driver = libvirt.LibvirtDriver
force_raw_images = false
mkisofs_cmd = genisoimage
X
  else
    cat <<X
# A hypervisor that only pretends, with room for 1,000 servers. It plugs no interface.
compute_driver = fake.FakeDriver
X
  fi
}

# Emulated processors (no KVM is asked for); what needs root is done without sudo, as the test bed itself is root's then.
hypervisor_settings() {
  [ "$hypervisor" = libvirt ] || return 0
  cat <<X
[libvirt]
virt_type = qemu
cpu_mode = custom
cpu_models = Nehalem
hw_machine_type = x86_64=pc
connection_uri = qemu:///system?socket=$run/libvirt/libvirt-sock
[nova_sys_admin]
helper_command = privsep-helper --config-file $etc/nova/nova.conf
[vif_plug_linux_bridge_privileged]
helper_command = privsep-helper --config-file $etc/nova/nova.conf
[vif_plug_ovs_privileged]
helper_command = privsep-helper --config-file $etc/nova/nova.conf
X
}
cp /usr/share/nova-common/api-paste.ini "$etc/nova/"
cat >"$etc/nova/nova.conf" <<X
[DEFAULT]
transport_url = $(rabbitmq_url)
my_ip = $ip
host = testbed
state_path = $data/nova
$(compute_driver)
# Neutron's ports are ACTIVE before they are plugged, so nobody waits for them.
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
# A host that was away counts as up from its first moment on, and not only after its first report, 5 s later.
service_down_time = 315360000
# nova.service says when a process is ready to work; oslo.messaging warns of Nova's own code a hundred times.
default_log_levels = nova.service=DEBUG,oslo_messaging=ERROR,amqp=WARNING,sqlalchemy=WARNING,stevedore=WARNING,keystoneauth=WARNING
enabled_apis = osapi_compute
[database]
connection = $(database_url nova)
[api_database]
connection = $(database_url nova_api)
[api]
auth_strategy = keystone
[conductor]
workers = 1
[scheduler]
workers = 1
[vnc]
enabled = false
[glance]
$(login glance)
[neutron]
$(login neutron)
[placement]
$(login placement)
[service_user]
send_service_user_token = true
$(login nova)
[oslo_concurrency]
lock_path = $data/nova/lock
[quota]
instances = -1
cores = -1
ram = -1
key_pairs = -1
server_groups = -1
server_group_members = -1
# The default, 5, is one more than an amphora needs.
injected_files = 10
$(hypervisor_settings)
$(token_checks nova)
X

manage() { clean nova-manage --config-file "$etc/nova/nova.conf" "$@"; }
prepare() {
  fresh_database nova nova_api nova_cell0
  manage api_db sync
  manage cell_v2 map_cell0 --database_connection "$(database_url nova_cell0)"
  manage db sync
  manage cell_v2 create_cell --name=cell1
  rm -f "$stamps/nova-compute-hosts" # hosts found in the old database are not in the new one
}
after mariadb memcached
once nova prepare

# ready NAME: a process that works through the message queue says so in its log when it takes work.
ready() { await "$1" grep -q 'Join ServiceGroup' "$logs/$1.log"; }

# The scheduler ends by itself when it finds no Keystone.
after rabbitmq keystone placement
start_python nova-conductor - nova nova.cmd.conductor --config-file "$etc/nova/nova.conf"
start_python nova-scheduler - nova nova.cmd.scheduler --config-file "$etc/nova/nova.conf"
start_uwsgi nova-api "$nova_port" nova 2 /usr/bin/nova-api-wsgi OS_NOVA_CONFIG_DIR="$etc/nova"
ready nova-conductor
ready nova-scheduler
await nova-api http_answers "$nova_port" /

# Octavia: API and worker, for comparison with Kiln. It has its port and no place in the catalog: only those ask it who
# name its endpoint. Its drivers touch no cloud unless KILN_TESTBED_OCTAVIA_DRIVERS=real. Even then no agent answers where
# Nova's hypervisor only pretends; KILN_TESTBED_OCTAVIA_NOVA names the URL of a Nova that runs agents in what it boots
# (test/kit/nova-with-guests.ts). With that, or with virtual machines, Octavia's driver of amphorae is the real one, with a
# database of its own.

octavia_database=octavia
amphora_driver=amphora_noop_driver
heartbeat_ip=$ip
guests=
case ${KILN_TESTBED_OCTAVIA_DRIVERS:-noop} in
  noop)
    drivers='compute_driver = compute_noop_driver
image_driver = image_noop_driver
network_driver = network_noop_driver'
    ;;
  real)
    in_bed() { /usr/bin/python3 -c "import json; print(json.load(open('$state/testbed.json'))['$1']['id'])"; }
    [ -e "$state/testbed.json" ] || { echo 'bring the test bed up first, then Octavia with real drivers' >&2; exit 1; }
    drivers="compute_driver = compute_nova_driver
image_driver = image_glance_driver
network_driver = allowed_address_pairs_driver
amp_flavor_id = 65
amp_boot_network_list = $(in_bed network)
amp_secgroup_list = $(in_bed securityGroup)
amp_active_wait_sec = 1"
    if [ -n "${KILN_TESTBED_OCTAVIA_NOVA:-}" ]; then
      octavia_database=octavia_with_guests
      amphora_driver=amphora_haproxy_rest_driver
      # Agents come up in seconds here, and one that is silent for a minute stays so.
      guests="[nova]
endpoint = $KILN_TESTBED_OCTAVIA_NOVA
[haproxy_amphora]
connection_max_retries = 60
connection_retry_interval = 1
[health_manager]
heartbeat_interval = 1
[compute]
retry_interval = 1
[networking]
retry_interval = 1"
    elif [ "$hypervisor" = libvirt ]; then
      octavia_database=octavia_with_guests
      amphora_driver=amphora_haproxy_rest_driver
      heartbeat_ip=$management_bridge_ip
      # Emulated processors are slow, and this machine may be busy: nobody is replaced for it.
      guests="[controller_worker]
amp_active_retries = 600
amp_ssh_key_name = octavia_ssh_key
[haproxy_amphora]
connection_max_retries = 600
connection_retry_interval = 1
[health_manager]
heartbeat_interval = 3
heartbeat_timeout = 600"
    fi
    ;;
  *)
    echo "KILN_TESTBED_OCTAVIA_DRIVERS is noop or real, not $KILN_TESTBED_OCTAVIA_DRIVERS" >&2
    exit 1
    ;;
esac

mkdir -p "$etc/octavia"
cat >"$etc/octavia/octavia.conf" <<X
[DEFAULT]
transport_url = $(rabbitmq_url)
host = testbed
[database]
connection = $(database_url "$octavia_database")
[api_settings]
bind_host = $ip
bind_port = $octavia_port
api_base_uri = http://$ip:$octavia_port
auth_strategy = keystone
enabled_provider_drivers = amphora:The Octavia Amphora driver.,octavia:Deprecated alias of the Octavia Amphora driver.
default_provider_driver = amphora
healthcheck_enabled = true
[oslo_messaging]
topic = octavia_prov
[certificates]
cert_generator = local_cert_generator
ca_certificate = $keys/server_ca.cert.pem
ca_private_key = $keys/server_ca.key.pem
ca_private_key_passphrase = $password
server_certs_key_passphrase = insecure-key-do-not-use-this-key
[haproxy_amphora]
client_cert = $keys/client.cert-and-key.pem
server_ca = $keys/server_ca.cert.pem
[health_manager]
bind_ip = $heartbeat_ip
bind_port = $octavia_heartbeat_port
controller_ip_port_list = $heartbeat_ip:$octavia_heartbeat_port
heartbeat_key = $password
[driver_agent]
status_socket_path = $run/octavia-status.sock
stats_socket_path = $run/octavia-stats.sock
get_socket_path = $run/octavia-get.sock
[controller_worker]
workers = 1
loadbalancer_topology = SINGLE
amphora_driver = $amphora_driver
volume_driver = volume_noop_driver
$drivers
client_ca = $keys/client_ca.cert.pem
amp_image_tag = ${KILN_TESTBED_OCTAVIA_TAG:-amphora}
[service_auth]
$(login kiln)
$(token_checks kiln)
$guests
X
# Its WSGI program takes the configuration's place from its arguments, and under uWSGI it has none.
cat >"$etc/octavia/wsgi.py" <<X
from octavia.api.app import setup_app

application = setup_app(argv=['octavia-api', '--config-file', '$etc/octavia/octavia.conf'])
X

prepare() {
  fresh_database "$octavia_database"
  clean octavia-db-manage --config-file "$etc/octavia/octavia.conf" upgrade head
}
after mariadb memcached
once "$octavia_database" prepare

after rabbitmq keystone certificates
start octavia-worker - octavia /usr/bin/octavia-worker --config-file "$etc/octavia/octavia.conf"
# http11-socket keeps connections alive, so that what is measured is Octavia and not connecting.
start octavia-api "$octavia_port" octavia uwsgi --plugins python3 --master --http11-socket "$ip:$octavia_port" \
  --wsgi-file "$etc/octavia/wsgi.py" --processes 2 --threads 8 --enable-threads --lazy-apps --thunder-lock --need-app \
  --die-on-term --no-orphans --listen 100 --buffer-size 65535 --procname-prefix-spaced 'testbed octavia-api' \
  --log-format '%(ltime) %(addr) "%(method) %(uri)" %(status) %(size) %(msecs)ms'
await octavia-api http_answers "$octavia_port" /

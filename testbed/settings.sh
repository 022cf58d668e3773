# What the test bed is called, where it lives and where it listens. Two variables change it: KILN_TESTBED_DIR and
# KILN_TESTBED_PORT_BASE. Two beds with different ones run side by side. KILN_TESTBED_HYPERVISOR=libvirt is such another
# bed: its Nova boots virtual machines.
hypervisor=${KILN_TESTBED_HYPERVISOR:-fake}
case $hypervisor in
  fake) default_state=/var/tmp/kiln-testbed default_port_base=15000 ;;
  libvirt) default_state=/var/tmp/kiln-testbed-libvirt default_port_base=17000 ;;
  *)
    echo "testbed: KILN_TESTBED_HYPERVISOR is '$hypervisor'; it may be fake or libvirt" >&2
    exit 1
    ;;
esac
state=$(realpath -m "${KILN_TESTBED_DIR:-$default_state}")
port_base=${KILN_TESTBED_PORT_BASE:-$default_port_base}

etc=$state/etc   # configuration, written anew by every up.sh
data=$state/data # what the services keep
logs=$state/log
run=$state/run       # process records and sockets
stamps=$data/stamps  # one file a one-time step that was finished
keys=$state/certs    # the CAs and certificates that octavia.conf names
home=$data/home      # HOME of every service

ip=127.0.0.1 # the test bed listens here and nowhere else
region=RegionOne
password=testbed # of every user and of the databases

keystone_port=$port_base
memcached_port=$((port_base + 211))
glance_port=$((port_base + 292))
mariadb_port=$((port_base + 306))
epmd_port=$((port_base + 369)) # Erlang's port mapper, RabbitMQ's companion
rabbitmq_port=$((port_base + 672))
rabbitmq_distribution_port=$((port_base + 673))
neutron_port=$((port_base + 696))
nova_port=$((port_base + 774))
placement_port=$((port_base + 778))
octavia_port=$((port_base + 876)) # only after `up.sh octavia`
octavia_heartbeat_port=$((port_base + 555))

# With libvirt: the management network is a bridge on this machine, which has an address of its own on it.
management_bridge_ip=198.18.79.1

# The machine's own Python and tools: another Python earlier in PATH does not have Debian's packages.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8

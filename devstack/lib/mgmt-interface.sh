# shellcheck shell=bash
# This host's interface on the management network: a port of Neutron's, bound to this host, and an interface with its address
# on the integration bridge of Open vSwitch, as OVN and the Open vSwitch agent both wire it. Amphorae may send heartbeats
# through it and answer what they are asked, and nothing else.

kiln_health_port_name() { echo "kiln-health-manager-$(hostname)"; }
kiln_mgmt_bridge() { echo "${OVS_BRIDGE:-br-int}"; }

kiln_plug_management_interface() {
  local network_id port_id address mac mtu
  case $KILN_MGMT_INTERFACE in
    none)
      kiln_receive_heartbeats_at "$KILN_HEALTH_BIND_IP"
      return 0
      ;;
    auto) ;;
    *) die $LINENO "KILN_MGMT_INTERFACE is auto or none, not $KILN_MGMT_INTERFACE" ;;
  esac
  if ! command -v ovs-vsctl >/dev/null || ! sudo ovs-vsctl br-exists "$(kiln_mgmt_bridge)"; then
    die $LINENO "this host has no Open vSwitch bridge $(kiln_mgmt_bridge). If it reaches $KILN_MGMT_CIDR in another way, set" \
      'KILN_MGMT_INTERFACE=none'
  fi
  network_id=$(kiln_ids network "$KILN_MGMT_NETWORK")
  port_id=$(kiln_make_health_port "$network_id")
  mac=$(kiln_openstack port show "$port_id" -f value -c mac_address)
  address=$(kiln_port_address "$port_id")
  mtu=$(kiln_openstack network show "$network_id" -f value -c mtu)

  # skip_cleanup: neutron-ovs-cleanup leaves it alone after a restart of the host.
  sudo ovs-vsctl --may-exist add-port "$(kiln_mgmt_bridge)" "$KILN_MGMT_INTERFACE_NAME" \
    -- set Interface "$KILN_MGMT_INTERFACE_NAME" type=internal external_ids:iface-id="$port_id" \
    external_ids:iface-status=active external_ids:attached-mac="$mac" external_ids:skip_cleanup=true
  sudo ip link set dev "$KILN_MGMT_INTERFACE_NAME" address "$mac" mtu "$mtu"
  kiln_guard_interface
  sudo ip address flush dev "$KILN_MGMT_INTERFACE_NAME"
  sudo ip address replace "$address/${KILN_MGMT_CIDR#*/}" dev "$KILN_MGMT_INTERFACE_NAME"
  sudo ip link set dev "$KILN_MGMT_INTERFACE_NAME" up
  kiln_set haproxy_amphora lb_network_interface "$KILN_MGMT_INTERFACE_NAME"
  kiln_receive_heartbeats_at "$address"
}

# kiln_receive_heartbeats_at ADDRESS
kiln_receive_heartbeats_at() {
  local target=$1
  if [[ $target == *:* ]]; then target="[$target]"; fi
  kiln_set health_manager bind_ip "$1" controller_ip_port_list "$target:$KILN_HEALTH_PORT"
}

# kiln_make_health_port NETWORK-ID: prints the port's ID.
kiln_make_health_port() {
  local id name
  name=$(kiln_health_port_name)
  id=$(kiln_ids port "$name")
  if [[ -z $id ]]; then
    kiln_will_make port "$name"
    id=$(kiln_openstack port create --project "$KILN_PROJECT_ID" --network "$1" --host "$(hostname)" \
      --device-owner Kiln:health-manager --security-group "$(kiln_ids security-group "$KILN_HEALTH_SECGROUP")" \
      "$name" -f value -c id)
  fi
  echo "$id"
}

# kiln_port_address PORT-ID. Clients print it as a list of objects or, older ones, as text.
kiln_port_address() {
  kiln_openstack port show "$1" -f json -c fixed_ips | python3 -c '
import re, sys
print(re.search(r"ip_address\W+([0-9a-f.:]+)", sys.stdin.read()).group(1))'
}

kiln_guard_interface() {
  if ! command -v nft >/dev/null; then
    warn $LINENO "Kiln: without nft, amphorae can reach every port of this host through $KILN_MGMT_INTERFACE_NAME"
    return 0
  fi
  sudo nft -f - <<RULES
table inet kiln
delete table inet kiln
table inet kiln {
  chain from-amphorae {
    type filter hook input priority 0;
    iifname != "$KILN_MGMT_INTERFACE_NAME" accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    udp dport $KILN_HEALTH_PORT accept
    drop
  }
}
RULES
}

# The port in Neutron goes with the rest of the cloud's things.
kiln_unplug_management_interface() {
  [[ $KILN_MGMT_INTERFACE == auto ]] || return 0
  if command -v ovs-vsctl >/dev/null; then
    sudo ovs-vsctl --if-exists del-port "$(kiln_mgmt_bridge)" "$KILN_MGMT_INTERFACE_NAME" || true
  fi
  if command -v nft >/dev/null; then sudo nft delete table inet kiln 2>/dev/null || true; fi
}

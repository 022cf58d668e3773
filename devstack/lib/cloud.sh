# shellcheck shell=bash
# What Kiln needs in the cloud: user, roles, endpoint, network, security groups, flavor, key pair. What is there already, under
# the same name, is taken as it is and left there by unstack (made.sh).

kiln_make_cloud() {
  kiln_know_project || die $LINENO "Keystone has no project $KILN_PROJECT_NAME, or does not answer"
  kiln_make_accounts
  kiln_make_endpoint
  # Images of this project alone are booted, whoever else puts the tag on one of theirs.
  kiln_set controller_worker amp_image_owner_id "$KILN_PROJECT_ID"
  kiln_make_network
  kiln_make_security_groups
  kiln_raise_quota
  kiln_make_flavor
  kiln_make_key_pair
}

# --- Accounts

kiln_load_balancer_roles='load-balancer_observer load-balancer_global_observer load-balancer_member load-balancer_quota_admin
  load-balancer_admin'

kiln_make_accounts() {
  local id listed role
  id=$(kiln_ids user "$KILN_USERNAME")
  if [[ -z $id ]]; then kiln_will_make user "$KILN_USERNAME"; fi
  kiln_untraced get_or_create_user "$KILN_USERNAME" "$KILN_PASSWORD" "$KILN_DOMAIN_NAME"
  # As Octavia's user has them: `service` to be trusted by the other services, `admin` for ports and servers of all projects.
  for role in service admin; do
    get_or_add_user_project_role $role "$KILN_USERNAME" "$KILN_PROJECT_NAME" "$KILN_DOMAIN_NAME" "$KILN_DOMAIN_NAME"
  done
  listed=$(kiln_openstack role list -f value -c Name)
  for role in $kiln_load_balancer_roles; do
    if ! grep -qx "$role" <<<"$listed"; then
      kiln_will_make role "$role"
      get_or_create_role "$role"
    fi
  done
  kiln_let_demo_balance
}

# DevStack's own tenant, if it has one, may make load balancers.
kiln_let_demo_balance() {
  local held
  kiln_openstack user show demo -f value -c id >/dev/null 2>&1 || return 0
  held=$(kiln_openstack role assignment list --role load-balancer_member --user demo --project demo -f value -c Role)
  if [[ -z $held ]]; then
    kiln_will_make demo-role load-balancer_member
    get_or_add_user_project_role load-balancer_member demo demo
  fi
}

kiln_take_role_from_demo() {
  local role
  role=$(kiln_names_made demo-role)
  [[ -n $role ]] || return 0
  # It went with the role itself, if that was ours; and demo may be gone.
  kiln_openstack role remove --user demo --project demo "$role" >/dev/null 2>&1 || true
  kiln_unmade demo-role "$role"
}

# --- Endpoint

kiln_make_endpoint() {
  local id other url
  other=$(kiln_openstack service list -f value -c Name -c Type)
  other=$(awk '$NF == "load-balancer" { print $1 }' <<<"$other")
  if [[ -n $other && $other != "$KILN_SERVICE_NAME" ]]; then
    die $LINENO "the catalog has a service of type load-balancer already, $other, and clients would not know which is meant." \
      "Disable Octavia's plugin, or \`openstack service delete $other\`"
  fi
  kiln_will_make service "$KILN_SERVICE_NAME"
  id=$(get_or_create_service "$KILN_SERVICE_NAME" load-balancer 'Load balancing, as Octavia serves it')
  get_or_create_endpoint "$id" "$REGION_NAME" "$KILN_API_URL" "$KILN_API_URL" "$KILN_API_URL"
  # One of a run with another address or port would stay as it is.
  while read -r id url; do
    if [[ $url != "$KILN_API_URL" ]]; then kiln_openstack endpoint set --url "$KILN_API_URL" "$id" </dev/null; fi
  done < <(kiln_openstack endpoint list --service "$id" --region "$REGION_NAME" -f value -c ID -c URL)
}

# --- Network

kiln_ip_version() { if [[ $KILN_MGMT_CIDR == *:* ]]; then echo 6; else echo 4; fi; }

# Without DHCP and without a gateway: an amphora has its address from the config drive, and nowhere to go but its network.
kiln_make_network() {
  local id subnet_id
  id=$(kiln_ids network "$KILN_MGMT_NETWORK")
  if [[ -z $id ]]; then
    kiln_will_make network "$KILN_MGMT_NETWORK"
    id=$(kiln_openstack network create --project "$KILN_PROJECT_ID" "$KILN_MGMT_NETWORK" -f value -c id)
  fi
  subnet_id=$(kiln_openstack subnet list --network "$id" -f value -c ID)
  if [[ -z $subnet_id ]]; then
    kiln_openstack subnet create --project "$KILN_PROJECT_ID" --network "$id" --ip-version "$(kiln_ip_version)" \
      --no-dhcp --gateway none --subnet-range "$KILN_MGMT_CIDR" "$KILN_MGMT_SUBNET" -f value -c id
  fi
  kiln_set controller_worker amp_boot_network_list "$id"
}

# --- Security groups

# kiln_make_group NAME RULE...: each rule is PROTOCOL or PROTOCOL:PORT. A group that is not ours keeps the rules it has.
kiln_make_group() {
  local name=$1 id rule port ethertype=IPv4 existing
  shift
  id=$(kiln_ids security-group "$name")
  if [[ -z $id ]]; then
    kiln_will_make security-group "$name"
    id=$(kiln_openstack security group create --project "$KILN_PROJECT_ID" "$name" -f value -c id)
  fi
  kiln_made security-group "$name" || return 0
  if [[ $(kiln_ip_version) == 6 ]]; then ethertype=IPv6; fi
  existing=$(kiln_openstack security group rule list --ingress "$id" -f value -c 'IP Protocol' -c 'Port Range')
  existing=$(awk '{ split($2, ports, ":"); print $1 (ports[1] ~ /^[0-9]+$/ ? ":" ports[1] : "") }' <<<"$existing")
  for rule in "$@"; do
    if grep -qxF "$rule" <<<"$existing"; then continue; fi
    port=()
    if [[ $rule == *:* ]]; then port=(--dst-port "${rule#*:}"); fi
    kiln_openstack security group rule create --project "$KILN_PROJECT_ID" --ingress --ethertype $ethertype \
      --protocol "${rule%%:*}" "${port[@]}" "$id" -f value -c id
  done
}

kiln_make_security_groups() {
  local ping=icmp
  if [[ $(kiln_ip_version) == 6 ]]; then ping=ipv6-icmp; fi
  kiln_make_group "$KILN_MGMT_SECGROUP" $ping tcp:22 tcp:9443           # of amphorae: login, and their agent
  kiln_make_group "$KILN_HEALTH_SECGROUP" $ping "udp:$KILN_HEALTH_PORT" # of this host: heartbeats
  kiln_set controller_worker amp_secgroup_list "$(kiln_ids security-group "$KILN_MGMT_SECGROUP")"
}

# Each load balancer has a security group of its own; Neutron's default is 10 for a project. Never lowered.
kiln_raise_quota() {
  local limit
  limit=$(kiln_quota secgroups)
  if [[ $limit =~ ^[0-9]+$ && $limit -lt $KILN_SECGROUP_QUOTA ]]; then
    kiln_will_make quota "$limit $(kiln_quota secgroup-rules)"
    kiln_openstack quota set --secgroups "$KILN_SECGROUP_QUOTA" --secgroup-rules $((KILN_SECGROUP_QUOTA * 10)) "$KILN_PROJECT_ID"
  fi
}

# kiln_quota RESOURCE: of Kiln's project. Some clients print one object, some a list of pairs.
kiln_quota() {
  kiln_openstack quota show "$KILN_PROJECT_ID" -f json | python3 -c '
import json, sys
shown = json.load(sys.stdin)
if isinstance(shown, list):
    shown = {row.get("Resource"): row.get("Limit") for row in shown}
print(shown.get(sys.argv[1], ""))' "$1"
}

kiln_lower_quota() {
  local before
  before=$(kiln_names_made quota)
  [[ -n $before ]] || return 0
  if kiln_openstack quota set --secgroups "${before% *}" --secgroup-rules "${before#* }" "$KILN_PROJECT_ID"; then
    kiln_unmade quota "$before"
  fi
}

# --- Flavor and key pair

kiln_make_flavor() {
  local id
  id=$(kiln_ids flavor "$KILN_AMP_FLAVOR")
  if [[ -z $id ]]; then
    kiln_will_make flavor "$KILN_AMP_FLAVOR"
    id=$(kiln_openstack flavor create --private --project "$KILN_PROJECT_ID" --vcpus 1 --ram "$KILN_AMP_RAM_MIB" \
      --disk "$KILN_AMP_DISK_GIB" --property hw_rng:allowed=True "$KILN_AMP_FLAVOR" -f value -c id)
  fi
  kiln_set controller_worker amp_flavor_id "$id"
}

# Nova looks a key pair up among those of the user that boots.
kiln_make_key_pair() {
  local in_nova ours
  ours=$(ssh-keygen -l -E md5 -f "$(kiln_key_file).pub" | awk '{ sub("^MD5:", "", $2); print $2 }')
  in_nova=$(kiln_openstack_as_kiln keypair list -f value -c Name -c Fingerprint)
  in_nova=$(awk -v name="$KILN_AMP_SSH_KEY" '$1 == name { print $2 }' <<<"$in_nova")
  if [[ -n $in_nova && $in_nova != "$ours" ]] && kiln_made key-pair "$KILN_AMP_SSH_KEY"; then
    kiln_unmake key-pair # its private half is gone
    in_nova=
  fi
  if [[ -z $in_nova ]]; then
    kiln_will_make key-pair "$KILN_AMP_SSH_KEY"
    kiln_openstack_as_kiln keypair create --public-key "$(kiln_key_file).pub" "$KILN_AMP_SSH_KEY" -f value -c name
  fi
}

# --- All of it away again

kiln_unmake_cloud() {
  local kind
  [[ -s $(kiln_made_file) ]] || return 0
  if ! kiln_know_project; then
    warn $LINENO 'Kiln: Keystone does not answer, so nothing was taken out of the cloud. Run unstack again while it runs.'
    return 0
  fi
  kiln_delete_servers
  kiln_lower_quota
  kiln_take_role_from_demo
  # A network goes with its subnets, a service with its endpoints, a user with its roles.
  for kind in image port network security-group flavor key-pair service role user; do kiln_unmake $kind; done
}

# Servers of Kiln's own user are amphorae. If the user is not ours alone, its servers may not be either.
kiln_delete_servers() {
  local user_id ids
  kiln_made user "$KILN_USERNAME" || return 0
  if ! user_id=$(kiln_ids user "$KILN_USERNAME") ||
    ! ids=$([[ -z $user_id ]] || kiln_openstack server list --all-projects --user "$user_id" -f value -c ID) ||
    ! kiln_delete_each "$ids" kiln_openstack server delete --wait; then
    warn $LINENO "Kiln: not all of the amphorae's servers could be deleted"
  fi
}

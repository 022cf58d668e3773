# shellcheck shell=bash
# What this plugin made in the cloud, so that unstack takes that away and nothing else: a network, role or flavor that was
# there before stays. One line each, `KIND NAME`, in a file that survives unstack and goes with clean. The line is written
# before the thing is made and removed when it is gone: a killed run leaves a line too many, never a thing too many.

kiln_made_file() { echo "$KILN_DATA_DIR/made-in-the-cloud"; }

# kiln_made KIND NAME: is it ours?
kiln_made() { grep -qsxF -- "$1 $2" "$(kiln_made_file)"; }

# kiln_will_make KIND NAME
kiln_will_make() { kiln_made "$1" "$2" || echo "$1 $2" >>"$(kiln_made_file)"; }

# kiln_unmade KIND NAME
kiln_unmade() {
  local file
  file=$(kiln_made_file)
  [[ -e $file ]] || return 0
  { grep -vxF -- "$1 $2" "$file" || true; } >"$file.new"
  mv "$file.new" "$file"
}

# kiln_names_made KIND: the names of that kind, one a line.
kiln_names_made() { sed -n "s/^$1 //p" "$(kiln_made_file)" 2>/dev/null || true; }

# As the cloud's administrator, whoever OS_* says: stack.sh and unstack.sh differ in that.
kiln_openstack() { openstack --os-cloud "$KILN_ADMIN_CLOUD" "$@"; }

# As Kiln's own user, for its key pair: clients differ in whether an administrator may delete another one's. The password goes
# through the environment of a subshell.
kiln_openstack_as_kiln() { kiln_untraced _kiln_openstack_as_kiln "$@"; }
_kiln_openstack_as_kiln() (
  cacert=${OS_CACERT:-}
  unset "${!OS_@}"
  export OS_AUTH_TYPE=password OS_AUTH_URL=$KEYSTONE_SERVICE_URI OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=$REGION_NAME \
    OS_USERNAME=$KILN_USERNAME OS_PASSWORD=$KILN_PASSWORD OS_USER_DOMAIN_NAME=$KILN_DOMAIN_NAME \
    OS_PROJECT_NAME=$KILN_PROJECT_NAME OS_PROJECT_DOMAIN_NAME=$KILN_DOMAIN_NAME ${cacert:+OS_CACERT="$cacert"}
  openstack "$@"
)

# The project of Kiln's user; asked for once in each phase.
kiln_know_project() {
  KILN_PROJECT_ID=$(kiln_openstack project show "$KILN_PROJECT_NAME" --domain "$KILN_DOMAIN_NAME" -f value -c id)
}

# kiln_listed NAME LIST-COMMAND...: the IDs of what has exactly that name. Fails when the list can't be had, which is not the
# same as an empty one: what was not seen to be gone is not forgotten.
kiln_listed() {
  local name=$1 listed
  shift
  listed=$(kiln_openstack "$@" -f value -c ID -c Name) || return
  awk -v name="$name" 'substr($0, index($0, " ") + 1) == name { print $1 }' <<<"$listed"
}

# What tells our images from others of the same name: a property.
KILN_IMAGE_MARK='kiln_made_by=devstack-plugin'

# kiln_ids KIND NAME: of the things of that kind and name, none or several.
kiln_ids() {
  case $1 in
    user) kiln_listed "$2" user list --domain "$KILN_DOMAIN_NAME" ;;
    role) kiln_listed "$2" role list ;;
    service) kiln_listed "$2" service list ;;
    network) kiln_listed "$2" network list --project "$KILN_PROJECT_ID" ;;
    port) kiln_listed "$2" port list --project "$KILN_PROJECT_ID" ;;
    security-group) kiln_listed "$2" security group list --project "$KILN_PROJECT_ID" ;;
    flavor) kiln_listed "$2" flavor list --all ;;
    image) kiln_listed "$2" image list --project "$KILN_PROJECT_ID" --property "$KILN_IMAGE_MARK" ;;
    key-pair) kiln_listed_key_pair "$2" ;;
  esac
}

# A key pair is known by its name, and nobody has one who is gone.
kiln_listed_key_pair() {
  local user_id listed
  user_id=$(kiln_ids user "$KILN_USERNAME") || return
  [[ -n $user_id ]] || return 0
  listed=$(kiln_openstack_as_kiln keypair list -f value -c Name) || return
  grep -xF -- "$1" <<<"$listed" || true
}

# kiln_unmake KIND: deletes what we made of that kind, and forgets a thing only when it is gone.
kiln_unmake() {
  local kind=$1 name ids delete
  case $kind in
    security-group) delete=(kiln_openstack security group delete) ;;
    key-pair) delete=(kiln_openstack_as_kiln keypair delete) ;;
    *) delete=(kiln_openstack "$kind" delete) ;;
  esac
  while read -r name; do
    if ids=$(kiln_ids "$kind" "$name") && kiln_delete_each "$ids" "${delete[@]}"; then
      kiln_unmade "$kind" "$name"
    else
      warn $LINENO "Kiln: $kind $name could not be taken away. Run unstack again, or delete it by hand."
    fi
  done < <(kiln_names_made "$kind")
}

# kiln_delete_each IDS DELETE-COMMAND...
kiln_delete_each() {
  local id ids=$1
  shift
  for id in $ids; do "$@" "$id" </dev/null || return; done
}

# Keystone, with the projects, users and catalog of the test bed.

mkdir -p "$etc/keystone" "$data/keystone"
cat >"$etc/keystone/keystone.conf" <<X
[database]
connection = $(database_url keystone)
[token]
provider = fernet
[fernet_tokens]
key_repository = $data/keystone/fernet-keys
[fernet_receipts]
# unless it is named, Keystone makes one in /etc
key_repository = $data/keystone/fernet-keys
[credential]
key_repository = $data/keystone/credential-keys
[identity]
# bcrypt at its cheapest (the default, 12, costs a quarter of a second each time a password is checked)
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memcached
memcache_servers = $ip:$memcached_port
[oslo_messaging_notifications]
driver = noop
X

prepare() {
  local manage=(clean keystone-manage --config-file "$etc/keystone/keystone.conf")
  local owner=(--keystone-user "$(id -un)" --keystone-group "$(id -gn)")
  local url=http://$ip:$keystone_port/v3
  rm -rf "$data/keystone"
  mkdir -p "$data/keystone"
  fresh_database keystone
  "${manage[@]}" db_sync
  "${manage[@]}" fernet_setup "${owner[@]}"
  "${manage[@]}" credential_setup "${owner[@]}"
  "${manage[@]}" bootstrap --bootstrap-password "$password" --bootstrap-region-id "$region" \
    --bootstrap-public-url "$url" --bootstrap-internal-url "$url" --bootstrap-admin-url "$url"
}
after mariadb memcached
once keystone prepare

start_uwsgi keystone "$keystone_port" keystone 2 /usr/bin/keystone-wsgi-public OS_KEYSTONE_CONFIG_DIR="$etc/keystone"
await keystone http_answers "$keystone_port" /v3
once "identity-$(sha256sum <"$here/seed.py" | cut -c1-12)" seed identity # again when seed.py changes

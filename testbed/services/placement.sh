# Placement: Nova's book of what each compute host has left.

mkdir -p "$etc/placement"
cat >"$etc/placement/placement.conf" <<X
[placement_database]
connection = $(database_url placement)
[api]
auth_strategy = keystone
$(token_checks placement)
X

prepare() {
  fresh_database placement
  clean placement-manage --config-file "$etc/placement/placement.conf" db sync
}
after mariadb memcached
once placement prepare

start_uwsgi placement "$placement_port" placement 1 /usr/bin/placement-api OS_PLACEMENT_CONFIG_DIR="$etc/placement"
await placement http_answers "$placement_port" /

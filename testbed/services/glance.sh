# Glance: the API, with images in files.

mkdir -p "$etc/glance" "$data/glance"/{images,staging,tasks,lock}
cp /usr/share/glance-common/{glance-api-paste.ini,schema-image.json} "$etc/glance/"
cat >"$etc/glance/glance-api.conf" <<X
[DEFAULT]
bind_host = $ip
bind_port = $glance_port
workers = 1
enabled_backends = files:file
[database]
connection = $(database_url glance)
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = $data/glance/images
[os_glance_staging_store]
filesystem_store_datadir = $data/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = $data/glance/tasks
[paste_deploy]
flavor = keystone
config_file = $etc/glance/glance-api-paste.ini
[oslo_concurrency]
lock_path = $data/glance/lock
$(token_checks glance)
X

prepare() {
  fresh_database glance
  clean glance-manage --config-file "$etc/glance/glance-api.conf" db_sync
}
after mariadb memcached
once glance prepare

start_python glance "$glance_port" glance glance.cmd.api --config-file "$etc/glance/glance-api.conf"
await glance http_answers "$glance_port" /versions

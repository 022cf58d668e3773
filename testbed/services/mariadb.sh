# MariaDB, with the character set that OpenStack's installation guides choose.

user=()
if [ "$(id -u)" -eq 0 ]; then user=(--user=root); fi

initialise() {
  stop mariadb
  rm -rf "$data/mariadb" "$stamps" # an empty server means that no service has a database
  mkdir -p "$stamps"
  clean mariadb-install-db --no-defaults "${user[@]}" --datadir="$data/mariadb" --skip-test-db \
    --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)"
}
once mariadb initialise

start mariadb "$mariadb_port" - mariadbd --no-defaults "${user[@]}" --datadir="$data/mariadb" --bind-address="$ip" --port="$mariadb_port" \
  --socket="$run/mariadb.sock" --pid-file="$run/mariadb.pid" --skip-name-resolve --max-connections=1000 \
  --character-set-server=utf8 --collation-server=utf8_general_ci \
  --innodb-buffer-pool-size=256M --innodb-log-file-size=64M --innodb-flush-log-at-trx-commit=2
await mariadb sql -e 'SELECT 1'

create_user() {
  sql -e "CREATE OR REPLACE USER openstack@'$ip' IDENTIFIED BY '$password'; GRANT ALL ON *.* TO openstack@'$ip'"
}
once mariadb-user create_user

# What the OpenStack services share: databases, configuration fragments, and the two ways to run one.

sql() { clean mariadb --no-defaults --socket="$run/mariadb.sock" --user="$(id -un)" "$@"; }

# fresh_database NAME...: empty databases, with the collation of real deployments (it compares without case).
fresh_database() {
  local name
  for name in "$@"; do
    sql -e "DROP DATABASE IF EXISTS $name; CREATE DATABASE $name CHARACTER SET utf8 COLLATE utf8_general_ci"
  done
}

database_url() { echo "mysql+pymysql://openstack:$password@$ip:$mariadb_port/$1?charset=utf8"; }
rabbitmq_url() { echo "rabbit://guest:guest@$ip:$rabbitmq_port/"; }

# login USER: the options by which a service logs in as USER, in the project service.
login() {
  cat <<X
auth_url = http://$ip:$keystone_port
auth_type = password
username = $1
password = $password
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = $region
X
}

# token_checks USER: how a service's API checks its callers' tokens.
token_checks() {
  cat <<X
[keystone_authtoken]
www_authenticate_uri = http://$ip:$keystone_port
memcached_servers = $ip:$memcached_port
service_token_roles = service
service_token_roles_required = true
$(login "$1")
X
}

# start_uwsgi NAME PORT CONFIG-FOLDER PROCESSES WSGI-FILE [VARIABLE=VALUE...]: as Debian runs it, with fewer processes.
# http-socket keeps no connection alive and does not say so: without the header a client reuses a dead connection.
start_uwsgi() {
  local name=$1 port=$2 folder=$3 processes=$4 file=$5
  shift 5
  start "$name" "$port" "$folder" env "$@" uwsgi --plugins python3 --master --http-socket "$ip:$port" --wsgi-file "$file" \
    --processes "$processes" --threads 1 --enable-threads --lazy-apps --thunder-lock --need-app --die-on-term --no-orphans \
    --listen 100 --buffer-size 65535 --add-header 'Connection: close' --procname-prefix-spaced "testbed $name" \
    --log-format '%(ltime) %(addr) "%(method) %(uri)" %(status) %(size) %(msecs)ms'
}

# start_python NAME PORT CONFIG-FOLDER MODULE [ARGUMENT...]: the main function of a Debian package that has no program for it.
start_python() {
  local name=$1 port=$2 folder=$3 module=$4
  shift 4
  start "$name" "$port" "$folder" env PYTHONPATH="$here/ml2" /usr/bin/python3 -B -c \
    "import sys; from $module import main; sys.argv[0] = '$name'; sys.exit(main())" "$@"
}

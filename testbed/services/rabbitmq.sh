# RabbitMQ, and the Erlang port mapper that it would otherwise start by itself, for the whole machine and out of reach.

mkdir -p "$etc/rabbitmq" "$data/rabbitmq"
cat >"$etc/rabbitmq/rabbitmq.conf" <<X
listeners.tcp.local = $ip:$rabbitmq_port
log.file = false
log.console = true
log.console.level = warning
X
echo '[].' >"$etc/rabbitmq/enabled_plugins"

start epmd "$epmd_port" - env ERL_EPMD_ADDRESS="$ip" epmd -port "$epmd_port"
await epmd port_open "$epmd_port"
start rabbitmq "$rabbitmq_port" rabbitmq env ERL_EPMD_ADDRESS="$ip" ERL_EPMD_PORT="$epmd_port" \
  RABBITMQ_NODENAME=kiln-testbed@localhost RABBITMQ_DIST_PORT="$rabbitmq_distribution_port" \
  RABBITMQ_CONFIG_FILE="$etc/rabbitmq/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$etc/rabbitmq/enabled_plugins" \
  RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_MNESIA_BASE="$data/rabbitmq" RABBITMQ_LOG_BASE="$logs" \
  RABBITMQ_PID_FILE="$run/rabbitmq.pid" \
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}" \
  /usr/lib/rabbitmq/bin/rabbitmq-server
await rabbitmq port_open "$rabbitmq_port"

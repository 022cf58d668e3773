# shellcheck shell=bash
# Kiln's processes.

kiln_start() {
  local role
  kiln_stop # what runs has read another configuration
  kiln_cli db upgrade || die $LINENO 'the tables in the database could not be brought up to date'
  if is_service_enabled kiln; then
    run_process kiln "$KILN_DIR/bin/kiln serve --config-file $KILN_CONF"
  fi
  for role in api worker health-manager housekeeping; do
    if is_service_enabled "kiln-$role"; then
      run_process "kiln-$role" "$KILN_DIR/bin/kiln serve --role $role --config-file $KILN_CONF"
    fi
  done
  if is_service_enabled kiln kiln-api; then
    wait_for_service "${SERVICE_TIMEOUT:-60}" "$KILN_API_URL/"
    kiln_api_answers || die $LINENO "the load-balancer API does not answer at $KILN_API_URL. Its log: journalctl -u 'devstack@kiln*'"
  fi
}

kiln_api_answers() { curl -fsS -o /dev/null --noproxy '*' --max-time 10 "$KILN_API_URL/" 2>/dev/null; }

kiln_stop() {
  local service
  for service in kiln $KILN_ROLE_SERVICES; do stop_process "$service"; done
}

# They go through the API while it runs: only Kiln knows all that belongs to a load balancer.
kiln_delete_load_balancers() {
  local ids id
  kiln_made service "$KILN_SERVICE_NAME" && kiln_api_answers || return 0
  if ! ids=$(kiln_openstack loadbalancer list -f value -c id); then
    warn $LINENO 'Kiln: load balancers could not be listed; their VIPs may stay behind in Neutron'
    return 0
  fi
  for id in $ids; do
    timeout 300 openstack --os-cloud "$KILN_ADMIN_CLOUD" loadbalancer delete --cascade --wait "$id" ||
      warn $LINENO "Kiln: load balancer $id could not be deleted; its VIP may stay behind in Neutron"
  done
}

# Which amphorae there were, in a cloud that is taken down: the next stack begins with an empty database.
kiln_forget_state() {
  kiln_unmade database "$KILN_DATABASE"
  sudo rm -rf "${KILN_DATA_DIR:?}/state"
}

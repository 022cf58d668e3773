# shellcheck shell=bash
# octavia.conf, the certificates, and the key pair's files. The IDs of what is in the cloud come later (cloud.sh, image.sh,
# mgmt-interface.sh): post-config runs before Nova and Neutron do.

# kiln_set SECTION OPTION VALUE...: several options of one section.
kiln_set() {
  local section=$1
  shift
  while [[ $# -gt 0 ]]; do
    iniset "$KILN_CONF" "$section" "$1" "$2"
    shift 2
  done
}

# kiln_untraced COMMAND...: runs it without the trace that DevStack keeps of every command, with its arguments.
kiln_untraced() {
  local trace status
  trace=$(set +o | grep xtrace)
  set +o xtrace
  "$@"
  status=$?
  $trace
  return $status
}

kiln_configure() {
  kiln_check_roles
  kiln_folder 755 "$KILN_CONF_DIR"
  kiln_folder 700 "$KILN_DATA_DIR/state"
  [[ -e $KILN_CONF ]] || install -m 600 /dev/null "$KILN_CONF" # it will hold passwords

  kiln_set DEFAULT debug "${ENABLE_DEBUG_LOG_LEVEL:-False}"
  kiln_set kiln state_path "$KILN_DATA_DIR/state"
  kiln_set api_settings bind_host "$(ipv6_unquote "$KILN_API_BIND_HOST")" bind_port "$KILN_API_PORT" healthcheck_enabled True
  kiln_set health_manager bind_port "$KILN_HEALTH_PORT"
  kiln_set controller_worker amp_image_tag "$KILN_AMP_IMAGE_TAG"
  inidelete "$KILN_CONF" controller_worker amp_image_id # it would win over the tag
  # Often, and for long: without KVM a nested amphora takes minutes to boot.
  kiln_set controller_worker amp_active_wait_sec 2 amp_active_retries 150
  kiln_set haproxy_amphora connection_retry_interval 1 connection_max_retries 900
  kiln_untraced kiln_configure_secrets
  kiln_untraced kiln_configure_many_processes
  kiln_make_certificates
  kiln_make_key_files
}

kiln_check_roles() {
  # shellcheck disable=SC2086 # one word a service
  if is_service_enabled kiln && is_service_enabled $KILN_ROLE_SERVICES; then
    die $LINENO "enable either kiln, which does everything, or some of: $KILN_ROLE_SERVICES (with disable_service kiln)"
  fi
}

# kiln_secret SECTION OPTION WANTED: what octavia.conf has, unless another one is wanted; made at random the first time.
kiln_secret() {
  local value=$3
  if [[ -z $value ]]; then value=$(iniget "$KILN_CONF" "$1" "$2"); fi
  if [[ -z $value ]]; then value=$(openssl rand -hex 24); fi
  kiln_set "$1" "$2" "$value"
}

kiln_configure_secrets() {
  local section
  for section in service_auth keystone_authtoken; do
    kiln_set "$section" auth_type password auth_url "$KEYSTONE_SERVICE_URI" username "$KILN_USERNAME" \
      password "$KILN_PASSWORD" user_domain_name "$KILN_DOMAIN_NAME" project_name "$KILN_PROJECT_NAME" \
      project_domain_name "$KILN_DOMAIN_NAME" region_name "$REGION_NAME"
    if is_service_enabled tls-proxy; then kiln_set "$section" cafile "$SSL_BUNDLE_FILE"; fi
  done
  kiln_set keystone_authtoken www_authenticate_uri "$KEYSTONE_SERVICE_URI"
  kiln_secret health_manager heartbeat_key "$KILN_HEARTBEAT_KEY"
  kiln_secret certificates ca_private_key_passphrase "$KILN_CA_PASSPHRASE"
}

# Several processes share a broker and a database server. One keeps all it knows in an SQLite file under its state_path.
kiln_configure_many_processes() {
  local url
  # shellcheck disable=SC2086 # one word a service
  if ! is_service_enabled $KILN_ROLE_SERVICES; then
    inidelete "$KILN_CONF" DEFAULT transport_url
    inidelete "$KILN_CONF" database connection
    return 0
  fi
  iniset_rpc_backend kiln "$KILN_CONF" DEFAULT
  [[ -n $(iniget "$KILN_CONF" DEFAULT transport_url) ]] || die $LINENO "$KILN_ROLE_SERVICES need RabbitMQ: enable_service rabbit"
  # An empty database once, not at every run: it knows which amphorae there are.
  if ! kiln_made database "$KILN_DATABASE"; then
    recreate_database "$KILN_DATABASE"
    kiln_will_make database "$KILN_DATABASE"
  fi
  url=$(database_connection_url "$KILN_DATABASE")
  kiln_set database connection "${url%%[?]*}" # behind the `?` is what SQLAlchemy obeys
}

kiln_make_certificates() {
  local certificates=$KILN_CONF_DIR/certs
  kiln_untraced kiln_call_certificates_script "$certificates"
  kiln_set controller_worker client_ca "$certificates/client_ca.cert.pem"
  kiln_set certificates ca_certificate "$certificates/server_ca.cert.pem" ca_private_key "$certificates/server_ca.key.pem"
  kiln_set haproxy_amphora client_cert "$certificates/client.cert-and-key.pem" server_ca "$certificates/server_ca.cert.pem"
}

kiln_call_certificates_script() {
  KILN_CERTIFICATE_NAME='Kiln in DevStack' KILN_CERTIFICATE_DAYS=3650 KILN_KEY_BITS=2048 \
    KILN_CA_PASSPHRASE=$(iniget "$KILN_CONF" certificates ca_private_key_passphrase) \
    sh "$KILN_DIR/scripts/certificates.sh" "$1" >/dev/null || die $LINENO "the certificates in $1 could not be made"
}

kiln_key_file() { echo "$KILN_CONF_DIR/ssh/$KILN_AMP_SSH_KEY"; }

# For logging in to amphorae. The public half comes last: where it is, both are whole.
kiln_make_key_files() {
  local file
  file=$(kiln_key_file)
  if [[ ! -s $file.pub ]]; then
    install -d -m 700 "$(dirname "$file")"
    rm -f "$file"
    ssh-keygen -q -t rsa -b 2048 -N '' -C kiln-devstack -f "$file"
  fi
  kiln_set controller_worker amp_ssh_key_name "$KILN_AMP_SSH_KEY"
}

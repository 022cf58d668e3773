/**
 * Every option that some release of Octavia since Train (2019) read, its libraries' and the OVN provider's included: what
 * Kiln doesn't declare itself is accepted when it stands here, and reported as unknown when it does not.
 *
 * Names were taken from the histories (to 2026) of octavia/common/config.py, oslo.db, oslo.log, oslo.messaging,
 * oslo.middleware, oslo.policy and keystonemiddleware, from the options that keystoneauth, oslo.concurrency, oslo.limit
 * and oslo.reports register, and from castellan and the OVN provider. A few more stand in files that are nobody's slip:
 * Octavia's own sample and Kolla's template set [oslo_messaging] rpc_thread_pool_size and [service_auth] memcache…
 */
const namesBySection: Readonly<Record<string, string>> = {
  DEFAULT: `
    allow_bulk allow_field_selection allow_filtering allow_pagination allow_sorting amqp_auto_delete
    amqp_durable_queues api_base_uri api_extensions_path api_handler api_paste_config auth_strategy
    backdoor_port backdoor_socket bind_host bind_port client_socket_timeout config_dir config_file config_source
    conn_pool_min_size conn_pool_ttl control_exchange db_backend debug default_log_levels
    disable_process_locking executor_thread_pool_size fake_rabbit fatal_deprecations graceful_shutdown_timeout
    host instance_format instance_uuid_format kombu_reconnect_delay kombu_ssl_ca_certs kombu_ssl_certfile
    kombu_ssl_keyfile kombu_ssl_version lock_path log_color log_config log_config_append log_date_format log_dir
    log_file log_format log_options log_rotate_interval log_rotate_interval_type log_rotation_type logdir
    logfile logging_context_format_string logging_debug_format_suffix logging_default_format_string
    logging_exception_prefix logging_user_identity_format max_header_line max_logfile_count max_logfile_size_mb
    max_request_body_size notification_driver notification_topics notification_transport_url nova_admin_auth_url
    nova_admin_password nova_admin_tenant_id nova_admin_username nova_api_insecure nova_ca_certificates_file
    nova_region_name nova_url octavia_plugins os_region_name osapi_max_request_body_size pagination_max_limit
    policy_default_rule policy_dirs policy_file publish_errors rabbit_durable_queues rabbit_ha_queues
    rabbit_host rabbit_hosts rabbit_login_method rabbit_max_retries rabbit_password rabbit_port
    rabbit_retry_backoff rabbit_use_ssl rabbit_userid rabbit_virtual_host rate_limit_burst
    rate_limit_except_level rate_limit_interval rpc_backend rpc_cast_timeout rpc_conn_pool_size rpc_ping_enabled
    rpc_poll_timeout rpc_response_timeout rpc_thread_pool_size rpc_zmq_bind_address rpc_zmq_bind_port_retries
    rpc_zmq_contexts rpc_zmq_host rpc_zmq_ipc_dir rpc_zmq_matchmaker rpc_zmq_max_port rpc_zmq_min_port
    rpc_zmq_serialization rpc_zmq_topic_backlog run_external_periodic_tasks shell_completion sql_connection
    sql_connection_debug sql_connection_trace sql_idle_timeout sql_max_overflow sql_max_pool_size
    sql_max_retries sql_min_pool_size sql_retry_interval sqlite_db sqlite_synchronous ssl_ca_file ssl_cert_file
    ssl_key_file syslog_log_facility tcp_keepidle transport_url use_eventlog use_journal use_json use_pub_sub
    use_router_proxy use_stderr use_syslog use_syslog_rfc_format verbose watch_log_file wsgi_default_pool_size
    wsgi_keep_alive wsgi_log_format wsgi_server_debug zmq_target_expire zmq_target_update
  `,
  amphora_agent: `
    admin_log_targets administrative_log_facility agent_request_read_timeout agent_server_ca agent_server_cert
    agent_server_network_dir agent_server_network_file agent_tls_protocol amphora_id amphora_udp_driver
    disable_local_log_storage forward_all_logs log_protocol log_queue_size log_retry_count log_retry_interval
    logging_template_override tenant_log_targets user_log_facility
  `,
  amqp1: `
    allow_insecure_clients broadcast_prefix container_name group_request_prefix idle_timeout password
    sasl_config_dir sasl_config_name sasl_mechanisms server_request_prefix ssl_ca_file ssl_cert_file
    ssl_key_file ssl_key_password trace username
  `,
  anchor: `
    password url username
  `,
  api_settings: `
    allow_field_selection allow_filtering allow_pagination allow_ping_health_monitors allow_prometheus_listeners
    allow_sorting allow_tls_terminated_listeners api_base_uri api_handler api_v1_enabled api_v2_enabled
    auth_strategy bind_host bind_port default_listener_alpn_protocols default_listener_ciphers
    default_listener_tls_versions default_pool_alpn_protocols default_pool_ciphers default_pool_tls_versions
    default_provider_driver enabled_provider_drivers healthcheck_enabled healthcheck_refresh_interval
    minimum_tls_version pagination_max_limit tls_cipher_blacklist tls_cipher_prohibit_list
    udp_connect_min_interval_health_monitor
  `,
  audit: `
    audit_map_file enabled ignore_req_list
  `,
  audit_middleware_notifications: `
    driver topics transport_url use_oslo_messaging
  `,
  barbican: `
    auth_endpoint barbican_api_version barbican_endpoint barbican_endpoint_type barbican_region_name
    number_of_retries retry_delay send_service_user_token verify_ssl verify_ssl_path
  `,
  barbican_service_user: `
    access_key access_secret access_token access_token_endpoint access_token_type application_credential_id
    application_credential_name application_credential_secret auth_methods auth_plugin auth_section auth_type
    auth_url authorization_code cafile certfile client_id client_secret code collect_timing connect_retries
    connect_retry_delay consumer_key consumer_secret default_domain_id default_domain_name discovery_endpoint
    domain_id domain_name endpoint endpoint_override identity_provider identity_provider_url insecure interface
    keyfile max_version min_version passcode password project_domain_id project_domain_name project_id
    project_name protocol redirect_uri region_name scope service_name service_provider_endpoint
    service_provider_entity_id service_type split_loggers status_code_retries status_code_retry_delay
    system_scope tenant_id tenant_name timeout token trust_id url user_domain_id user_domain_name user_id
    user_name username valid_interfaces version
  `,
  certificates: `
    cert_generator_class cert_manager_class
    barbican_auth ca_certificate ca_certificates_file ca_private_key ca_private_key_passphrase cert_generator
    cert_manager cert_validity_time endpoint endpoint_type insecure region_name server_certs_key_passphrase
    service_name signing_digest storage_path
  `,
  cinder: `
    availability_zone ca_certificates_file endpoint endpoint_type insecure region_name service_name
    volume_create_max_retries volume_create_retry_interval volume_create_timeout volume_size volume_type
  `,
  compute: `
    max_retries retry_backoff retry_interval retry_max
  `,
  controller_worker: `
    amp_active_retries amp_active_wait_sec amp_boot_network_list amp_flavor_id amp_image_id amp_image_owner_id
    amp_image_tag amp_network amp_secgroup_list amp_ssh_access_allowed amp_ssh_key amp_ssh_key_name amp_timezone
    amphora_delete_retries amphora_delete_retry_interval amphora_driver cert_generator client_ca compute_driver
    db_commit_retry_attempts db_commit_retry_backoff db_commit_retry_initial_delay db_commit_retry_max
    distributor_driver event_notifications image_driver loadbalancer_topology network_driver statistics_drivers
    user_data_config_drive volume_driver workers
  `,
  cors: `
    allow_credentials allow_headers allow_methods allowed_origin expose_headers max_age
  `,
  database: `
    asyncio_connection asyncio_slave_connection backend connection connection_debug connection_parameters
    connection_recycle_time connection_trace db_inc_retry_interval db_max_retries db_max_retry_interval
    db_retry_interval idle_timeout max_overflow max_pool_size max_retries min_pool_size mysql_enable_ndb
    mysql_sql_mode mysql_wsrep_sync_wait pool_timeout reconnect_interval retry_interval slave_connection
    sql_connection sql_connection_debug sql_connection_trace sql_idle_timeout sql_max_overflow sql_max_pool_size
    sql_max_retries sql_min_pool_size sql_retry_interval sqlalchemy_max_overflow sqlalchemy_pool_timeout
    sqlite_db sqlite_synchronous synchronous_reader use_db_reconnect
  `,
  driver_agent: `
    enabled_provider_agents get_max_processes get_request_timeout get_socket_path max_process_warning_percent
    provider_agent_shutdown_timeout stats_max_processes stats_request_timeout stats_socket_path
    status_max_processes status_request_timeout status_socket_path
  `,
  glance: `
    ca_certificates_file endpoint endpoint_type insecure region_name service_name
  `,
  haproxy_amphora: `
    active_connection_max_retries active_connection_retry_interval active_connection_rety_interval
    administrative_log_facility agent_server_ca agent_server_cert agent_server_network_dir
    api_db_commit_retry_attempts api_db_commit_retry_backoff api_db_commit_retry_initial_delay
    api_db_commit_retry_max base_cert_dir base_path bind_host bind_port build_active_retries build_rate_limit
    build_retry_interval cert_manager client_cert connection_logging connection_max_retries
    connection_retry_interval default_connection_limit failover_connection_max_retries
    failover_connection_retry_interval haproxy_cert_dir haproxy_cmd haproxy_stick_size haproxy_template key_name
    key_path lb_network_interface respawn_count respawn_interval rest_request_conn_timeout
    rest_request_read_timeout server_ca timeout_client_data timeout_member_connect timeout_member_data
    timeout_tcp_inspect use_upstart user_group user_log_facility user_log_format username
  `,
  health_manager: `
    bind_ip bind_port controller_ip_port_list event_stream_topic event_stream_transport_url
    event_streamer_driver failover_threads failover_threshold health_check_interval health_update_driver
    health_update_threads heartbeat_interval heartbeat_key heartbeat_timeout interval sock_rlimit
    stats_update_driver stats_update_threads status_update_threads sync_provisioning_status topic
  `,
  healthcheck: `
    allowed_source_ranges backends detailed disable_by_file_path disable_by_file_paths enable_by_file_paths
    ignore_proxied_requests path
  `,
  house_keeping: `
    amphora_expiry_age cert_expiry_buffer cert_interval cert_rotate_threads cleanup_interval
    load_balancer_expiry_age spare_amphora_pool_size spare_check_interval
  `,
  keepalived_vrrp: `
    vrrp_advert_int vrrp_check_interval vrrp_fail_count vrrp_garp_refresh_count vrrp_garp_refresh_interval
    vrrp_success_count
  `,
  key_manager: `
    api_class auth_type auth_url backend domain_id domain_name password project_domain_id project_domain_name
    project_id project_name reauthenticate token trust_id user_domain_id user_domain_name user_id username
  `,
  keystone_authtoken: `
    access_key access_secret access_token access_token_endpoint access_token_type admin_password
    admin_project_domain_id admin_project_domain_name admin_project_id admin_tenant_name admin_token admin_user
    admin_user_domain_id admin_user_domain_name application_credential_id application_credential_name
    application_credential_secret auth_admin_prefix auth_host auth_methods auth_plugin auth_port auth_protocol
    auth_section auth_type auth_uri auth_url auth_version authorization_code cache cafile certfile
    check_revocations_for_cached client_id client_secret code collect_timing connect_retries connect_retry_delay
    consumer_key consumer_secret default_domain_id default_domain_name delay_auth_decision discovery_endpoint
    domain_id domain_name endpoint endpoint_override enforce_token_bind hash_algorithms http_connect_timeout
    http_request_max_retries identity_provider identity_provider_url identity_uri include_service_catalog
    insecure interface keyfile max_version memcache_password memcache_pool_conn_get_timeout
    memcache_pool_dead_retry memcache_pool_maxsize memcache_pool_socket_timeout memcache_pool_unused_timeout
    memcache_sasl_enabled memcache_secret_key memcache_security_strategy memcache_servers
    memcache_tls_allowed_ciphers memcache_tls_cafile memcache_tls_certfile memcache_tls_enabled
    memcache_tls_keyfile memcache_use_advanced_pool memcache_username memcached_servers min_version passcode
    password project_domain_id project_domain_name project_id project_name protocol redirect_uri region_name
    revocation_cache_time scope service_name service_provider_endpoint service_provider_entity_id
    service_token_roles service_token_roles_required service_type signing_dir split_loggers status_code_retries
    status_code_retry_delay system_scope tenant_id tenant_name timeout token token_cache_time trust_id url
    user_domain_id user_domain_name user_id user_name username valid_interfaces version www_authenticate_uri
  `,
  keystone_authtoken_v3: `
    admin_project_domain admin_user_domain
  `,
  networking: `
    allow_invisible_resource_usage allow_vip_network_id allow_vip_port_id allow_vip_subnet_id
    denylist_vip_networks lb_network_id lb_network_name max_retries port_detach_timeout reserved_ips
    retry_backoff retry_interval retry_max valid_vip_networks
  `,
  neutron: `
    access_key access_secret access_token access_token_endpoint access_token_type application_credential_id
    application_credential_name application_credential_secret auth_methods auth_plugin auth_section auth_type
    auth_url authorization_code ca_certificates_file cafile certfile client_id client_secret code collect_timing
    connect_retries connect_retry_delay consumer_key consumer_secret default_domain_id default_domain_name
    discovery_endpoint domain_id domain_name endpoint endpoint_override endpoint_type identity_provider
    identity_provider_url insecure interface keyfile max_version min_version passcode password project_domain_id
    project_domain_name project_id project_name protocol redirect_uri region_name scope service_name
    service_provider_endpoint service_provider_entity_id service_type split_loggers status_code_retries
    status_code_retry_delay system_scope tenant_id tenant_name timeout token trust_id url user_domain_id
    user_domain_name user_id user_name username valid_interfaces version
  `,
  nova: `
    anti_affinity_policy availability_zone ca_certificates_file enable_anti_affinity endpoint endpoint_type
    insecure random_amphora_name_length region_name service_name
  `,
  oslo_concurrency: `
    disable_process_locking lock_path
  `,
  oslo_limit: `
    auth_url cafile certfile collect_timing connect_retries connect_retry_delay default_domain_id
    default_domain_name domain_id domain_name endpoint_id endpoint_override insecure keyfile max_version
    min_version password project_domain_id project_domain_name project_id project_name region_name service_name
    service_type split_loggers status_code_retries status_code_retry_delay system_scope tenant_id tenant_name
    timeout trust_id user_domain_id user_domain_name user_id user_name username valid_interfaces version
  `,
  oslo_messaging: `
    rpc_thread_pool_size topic
  `,
  oslo_messaging_amqp: `
    addressing_mode allow_insecure_clients anycast_address broadcast_prefix connection_retry_backoff
    connection_retry_interval connection_retry_interval_max container_name default_notification_exchange
    default_notify_timeout default_reply_retry default_reply_timeout default_rpc_exchange default_send_timeout
    default_sender_link_timeout group_request_prefix idle_timeout link_retry_delay max_send_retries
    multicast_address notify_address_prefix notify_server_credit password pre_settled pseudo_vhost
    reply_link_credit rpc_address_prefix rpc_server_credit sasl_config_dir sasl_config_name sasl_default_realm
    sasl_mechanisms server_request_prefix ssl ssl_ca_file ssl_cert_file ssl_key_file ssl_key_password
    ssl_verify_vhost trace unicast_address username
  `,
  oslo_messaging_kafka: `
    compression_codec conn_pool_min_size conn_pool_ttl consumer_group enable_auto_commit kafka_consumer_timeout
    kafka_default_host kafka_default_port kafka_max_fetch_bytes max_poll_records pool_size producer_batch_size
    producer_batch_timeout sasl_mechanism security_protocol ssl_cafile ssl_client_cert_file ssl_client_key_file
    ssl_client_key_password
  `,
  oslo_messaging_metrics: `
    metrics_buffer_size metrics_enabled metrics_process_name metrics_socket_file metrics_thread_stop_timeout
  `,
  oslo_messaging_notifications: `
    driver notification_driver notification_topics notification_transport_url retry topics transport_url
  `,
  oslo_messaging_rabbit: `
    amqp_auto_delete amqp_durable_queues conn_pool_min_size conn_pool_ttl direct_mandatory_flag
    enable_cancel_on_failover fake_rabbit heartbeat_in_pthread heartbeat_rate heartbeat_timeout_threshold
    hostname kombu_compression kombu_failover_strategy kombu_missing_consumer_retry_timeout
    kombu_reconnect_delay kombu_reconnect_splay kombu_reconnect_timeout kombu_ssl_ca_certs kombu_ssl_certfile
    kombu_ssl_keyfile kombu_ssl_version processname rabbit_durable_queues rabbit_ha_queues rabbit_host
    rabbit_hosts rabbit_interval_max rabbit_login_method rabbit_max_retries rabbit_password rabbit_port
    rabbit_qos_prefetch_count rabbit_quorum_delivery_limit rabbit_quorum_max_memory_bytes
    rabbit_quorum_max_memory_length rabbit_quorum_queue rabbit_quroum_max_memory_bytes
    rabbit_quroum_max_memory_length rabbit_retry_backoff rabbit_retry_interval rabbit_stream_fanout
    rabbit_transient_queues_ttl rabbit_transient_quorum_queue rabbit_use_ssl rabbit_userid rabbit_virtual_host
    rpc_conn_pool_size send_single_reply ssl ssl_ca_file ssl_cert_file ssl_enforce_fips_mode
    ssl_enforce_hostname_verification ssl_key_file ssl_version use_queue_manager
  `,
  oslo_messaging_zmq: `
    rpc_ack_timeout_base rpc_ack_timeout_multiplier rpc_cast_timeout rpc_message_ttl rpc_poll_timeout
    rpc_retry_attempts rpc_thread_pool_size rpc_use_acks rpc_zmq_bind_address rpc_zmq_bind_port_retries
    rpc_zmq_contexts rpc_zmq_host rpc_zmq_ipc_dir rpc_zmq_linger rpc_zmq_matchmaker rpc_zmq_max_port
    rpc_zmq_min_port rpc_zmq_serialization rpc_zmq_topic_backlog subscribe_on use_dynamic_connections
    use_pub_sub use_router_proxy zmq_failover_connections zmq_immediate zmq_linger zmq_target_expire
    zmq_target_update zmq_tcp_keepalive zmq_tcp_keepalive_cnt zmq_tcp_keepalive_idle zmq_tcp_keepalive_intvl
  `,
  oslo_middleware: `
    enable_proxy_headers_parsing http_basic_auth_user_file max_request_body_size osapi_max_request_body_size
    secure_proxy_ssl_header
  `,
  oslo_policy: `
    enforce_new_defaults enforce_scope policy_default_rule policy_dirs policy_file remote_content_type
    remote_ssl_ca_crt_file remote_ssl_client_crt_file remote_ssl_client_key_file remote_ssl_verify_server_crt
    remote_timeout
  `,
  oslo_reports: `
    file_event_handler file_event_handler_interval log_dir
  `,
  ovn: `
    ovn_nb_ca_cert ovn_nb_certificate ovn_nb_connection ovn_nb_private_key ovsdb_connection_timeout
    ovsdb_probe_interval ovsdb_retry_max_interval
  `,
  quotas: `
    default_health_monitor_quota default_l7policy_quota default_l7rule_quota default_listener_quota
    default_load_balancer_quota default_member_quota default_pool_quota
  `,
  rpc_notifier2: `
    topics
  `,
  service_auth: `
    access_key access_secret access_token access_token_endpoint access_token_type application_credential_id
    application_credential_name application_credential_secret auth_methods auth_plugin auth_section auth_type
    auth_url authorization_code cafile certfile client_id client_secret code collect_timing connect_retries
    connect_retry_delay consumer_key consumer_secret default_domain_id default_domain_name discovery_endpoint
    domain_id domain_name endpoint endpoint_override identity_provider identity_provider_url insecure interface
    keyfile max_version min_version passcode password project_domain_id project_domain_name project_id
    project_name protocol redirect_uri region_name scope service_name service_provider_endpoint
    service_provider_entity_id service_type split_loggers status_code_retries status_code_retry_delay
    system_scope tenant_id tenant_name timeout token trust_id url user_domain_id user_domain_name user_id
    user_name username valid_interfaces version memcache_secret_key memcache_security_strategy memcached_servers
  `,
  sql: `
    connection idle_timeout
  `,
  ssl: `
    ca_file cert_file ciphers key_file version
  `,
  task_flow: `
    disable_revert engine jobboard_backend_driver jobboard_backend_hosts jobboard_backend_namespace
    jobboard_backend_password jobboard_backend_port jobboard_backend_username jobboard_enabled
    jobboard_etcd_api_path jobboard_etcd_ssl_options jobboard_etcd_timeout jobboard_expiration_time
    jobboard_redis_backend_db jobboard_redis_backend_ssl_options jobboard_redis_sentinel
    jobboard_redis_sentinel_password jobboard_redis_sentinel_ssl_options jobboard_redis_sentinel_username
    jobboard_save_logbook jobboard_zookeeper_ssl_options max_workers persistence_connection
  `,
  vault: `
    approle_role_id approle_secret_id kv_mountpoint kv_path kv_version namespace root_token_id ssl_ca_crt_file
    timeout use_ssl vault_url
  `,
};

/** Section (as the parser normalises it) → names of its options; see `knownSection` for sections that people name. */
export const knownOptions: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(namesBySection).map(([section, names]) => [section, new Set(names.trim().split(/\s+/))]),
);

/** The section under which the names of this one are known: oslo.middleware reads `[cors.NAME]` as it reads [cors]. */
export function knownSection(section: string): string {
  return section.startsWith('cors.') ? 'cors' : section;
}

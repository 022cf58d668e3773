import { boolean, float, integer, list, string } from '../option.ts';

/** [kiln]: what Octavia has no option for. Octavia itself ignores the section, so both can share a file. */
export const kilnOptions = {
  state_path: string({
    default: null,
    help: 'Folder for the embedded database and the control socket. Not set: /var/lib/kiln for root, else kiln in the state folder of the user ($XDG_STATE_HOME, ~/.local/state).',
  }),
  control_socket: string({
    default: null,
    help: 'Unix socket over which `kiln` commands reach a running `kiln serve`. Not set: kiln.sock in state_path.',
  }),
  image_max_age_days: integer({
    deprecatedNames: [['kiln', 'image_age_warning_days']],
    default: 90,
    unit: 'days',
    min: 0,
    mutable: true,
    help: '`kiln doctor`, `kiln fleet` and the metric kiln_fleet_warnings warn when the image that would be booted is older than this. 0: never.',
  }),
  service_connect_timeout_seconds: float({
    default: 5,
    unit: 'seconds',
    min: 0.001,
    help: 'How long to wait for a connection to Keystone, Glance, Nova or Neutron.',
  }),
  service_request_timeout_seconds: float({
    default: 60,
    unit: 'seconds',
    min: 0.001,
    help: 'How long to wait for the whole answer of a service, for each try.',
  }),
  create_lookup_seconds: float({
    default: 30,
    unit: 'seconds',
    min: 0,
    help: 'How long to look for a server whose create was never answered, before Kiln decides that Nova did not take the request.',
  }),
  give_up_seconds: integer({
    default: 900,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'How long the undoing of a failed operation (or the rest of a failover behind its point of no return) is tried again when a service fails. Then it is given up: the load balancer is in ERROR, `kiln operation show` names what is left behind, and it can be failed over or deleted.',
  }),
  health_check_host: string({
    default: '127.0.0.1',
    help: 'Address on which /healthcheck and /metrics answer at health_check_port.',
  }),
  health_check_port: integer({
    default: 0,
    min: 0,
    max: 65535,
    help: 'Port on which each process of `kiln serve` answers /healthcheck, whatever its roles: 200 while it reaches the database, else 503; and /metrics, without a token. Processes of one host need one each: set OS_KILN__HEALTH_CHECK_PORT in their environment. 0: none. The API has /healthcheck at its own port besides ([api_settings] healthcheck_enabled).',
  }),
  previous_heartbeat_keys: list({
    default: [],
    secret: true,
    mutable: true,
    help: 'Former values of [health_manager] heartbeat_key, which heartbeats may still be signed with while the job `push-configuration` sends agents the new one. Empty it when `kiln_heartbeats_under_previous_key_total` no longer grows.',
  }),
  orphan_interval_seconds: integer({
    default: 300,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How often the job `orphans` looks for servers, ports and groups in the cloud whose load balancer or amphora is gone.',
  }),
  orphan_grace_seconds: integer({
    default: 3600,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'How long an object in the cloud must have been found without an owner, in three looks at least, before it is removed. 0: they are listed (`kiln housekeeping run orphans --dry-run`) and never removed.',
  }),
  release_expiry_seconds: integer({
    default: 15_552_000,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'A release that ended so long ago is removed from the database, with its load balancers and its history, by the job `purge`; 180 days by default. That its image was rejected is kept.',
  }),
  vrrp_advert_interval_seconds: float({
    default: null,
    unit: 'seconds',
    min: 0.05,
    max: 40,
    mutable: true,
    help: 'As [keepalived_vrrp] vrrp_advert_int, which it wins over, but fractions of a second are allowed: with 0.2 the other amphora takes over in less than a second. Such pairs speak VRRP version 3, which has no password.',
  }),
  ui: boolean({
    default: true,
    help: 'Whether the API serves a web page under /ui: what needs attention, the fleet, load balancers and operations, for whom Keystone signs in. The page asks the public API, and shows what the policies let the reader see.',
  }),
  share_api_port: boolean({
    default: false,
    help: 'Whether several processes of the role api may listen at [api_settings] bind_host and bind_port of one host, so that it uses more than one core: the kernel spreads connections over them (SO_REUSEPORT). All of them need it, and the same user. Without it a second one is refused.',
  }),
  worker_lease_seconds: integer({
    default: 30,
    unit: 'seconds',
    min: 3,
    help: 'A worker of another host (or container) that has not been heard of in the database for so long is taken for dead, and its operations are carried on by others. A worker that can not reach the database for so long starts no further step.',
  }),
};

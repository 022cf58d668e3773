import { boolean, choice, integer, string } from '../option.ts';
import { credentialOptions, keystoneOptions } from './keystone.ts';

const endpointTypes = ['publicURL', 'internalURL', 'adminURL', 'public', 'internal', 'admin'] as const;

/** Options by which Octavia finds Nova and Glance; credentials are those of [service_auth]. */
function endpointOptions(service: string) {
  return {
    service_name: string({ default: null, help: `Name of ${service} in the catalog. Not set: any of its type.` }),
    endpoint: string({ default: null, help: `URL of ${service}, used instead of the catalog's.` }),
    region_name: string({ default: null, help: `Region of ${service} in the catalog. Not set: the first one.` }),
    endpoint_type: choice(endpointTypes, {
      default: 'publicURL',
      help: `Interface of ${service} in the catalog.`,
    }),
    ca_certificates_file: string({
      default: null,
      help: `PEM file with the authorities to trust at ${service}. Not set: as [service_auth] cafile says.`,
    }),
    insecure: boolean({
      default: null,
      help: `Accept any certificate of ${service}. Kiln warns about it. Not set: as [service_auth] insecure says.`,
    }),
  };
}

/** [service_auth]: who Kiln is in the cloud. */
export const serviceAuthOptions = keystoneOptions('service_auth');

/** [keystone_authtoken]: how tokens of the API's callers are checked; what it lacks is taken from [service_auth]. */
export const keystoneAuthtokenOptions = {
  ...credentialOptions('keystone_authtoken'),
  www_authenticate_uri: string({
    default: null,
    deprecatedNames: [['keystone_authtoken', 'auth_uri']],
    help: 'URL of Keystone that is named to callers without a valid token. Not set: auth_url.',
  }),
  token_cache_time: integer({
    default: 10,
    unit: 'seconds',
    min: 0,
    octaviaDefault: { value: '300', reason: 'a revoked token is refused sooner' },
    help: 'How long the answer about a token is remembered: a revoked one is refused within this time.',
  }),
};

/** [glance] */
export const glanceOptions = endpointOptions('Glance');

/** [nova] */
export const novaOptions = {
  ...endpointOptions('Nova'),
  availability_zone: string({
    default: null,
    mutable: true,
    help: 'Availability zone that amphorae are started in. Not set: Nova chooses.',
  }),
  enable_anti_affinity: boolean({
    default: false,
    mutable: true,
    help: 'Have Nova put the two amphorae of an ACTIVE_STANDBY load balancer on different hosts, by a server group for each load balancer.',
  }),
  anti_affinity_policy: choice(['anti-affinity', 'soft-anti-affinity'], {
    default: 'anti-affinity',
    mutable: true,
    help: 'What a server group of two amphorae asks of Nova. anti-affinity: only on different hosts; where Nova has none left, the server to be replaced is deleted first if it is off, else Kiln boots without the group, and says so in the log. soft-anti-affinity: on different hosts where there is room.',
  }),
  random_amphora_name_length: integer({
    default: 0,
    max: 255,
    mutable: true,
    help: 'Length of a random server name that tells nothing of the amphora: "a" and capitals or digits. 0: amphora-ID. Less than 8 is taken as 8.',
    remark: (length) =>
      length !== 0 && length < 8
        ? 'Kiln takes 8: shorter names would meet, and servers are distinguished by name'
        : null,
  }),
};

/** [neutron]: may have credentials of its own; what it lacks is taken from [service_auth]. */
export const neutronOptions = {
  ...keystoneOptions('neutron'),
  service_name: string({ default: null, help: 'Name of Neutron in the catalog. Not set: any of its type.' }),
  endpoint_override: string({ default: null, help: "URL of Neutron, used instead of the catalog's." }),
  endpoint: string({
    default: null,
    deprecated: 'use endpoint_override',
    help: 'Older form of endpoint_override, which wins where both are set.',
  }),
  endpoint_type: choice(endpointTypes, {
    default: null,
    deprecated: 'use valid_interfaces',
    help: 'Older form of valid_interfaces, which wins where both are set.',
  }),
  ca_certificates_file: string({
    default: null,
    deprecated: 'use cafile',
    help: 'Older form of cafile, which wins where both are set.',
  }),
};

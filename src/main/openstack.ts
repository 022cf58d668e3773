import { createCloudRoom } from '../adapters/openstack/cloud-room.ts';
import { createGlance } from '../adapters/openstack/glance.ts';
import { createHttp, type Http } from '../adapters/openstack/http.ts';
import { createImageMarks } from '../adapters/openstack/image-marks.ts';
import { createCloudInventory } from '../adapters/openstack/inventory.ts';
import { createKeystone, type OpenStackSession } from '../adapters/openstack/keystone.ts';
import { createNetworkClient, createNeutron } from '../adapters/openstack/neutron.ts';
import { computeHeaders, createComputeClient, createNova } from '../adapters/openstack/nova.ts';
import { createOctavia } from '../adapters/openstack/octavia.ts';
import type { OpenStackAuthSettings, TransportSettings } from '../adapters/openstack/settings.ts';
import { createSignIn } from '../adapters/openstack/sign-in.ts';
import { createTokenValidator } from '../adapters/openstack/token-validator.ts';
import { createUserSession } from '../adapters/openstack/user-session.ts';
import type { Clock } from '../ports/clock.ts';
import type { CloudInventory } from '../ports/cloud-inventory.ts';
import type { CloudRoom } from '../ports/cloud-room.ts';
import type { ComputeService } from '../ports/compute.ts';
import type { IdentityService } from '../ports/identity.ts';
import type { ImageMarks } from '../ports/image-marks.ts';
import type { ImageService } from '../ports/images.ts';
import type { Log } from '../ports/log.ts';
import type { NetworkService } from '../ports/network.ts';
import type { OctaviaService } from '../ports/octavia.ts';
import type { SignIn } from '../ports/sign-in.ts';
import type { TokenValidator } from '../ports/token-validator.ts';
import { type Access, type ServiceType, serviceTypes } from './cloud-access.ts';

/** Tokens whose answers are remembered at a time. */
const LARGEST_TOKEN_CACHE = 10_000;

/** The services of one cloud, with one set of credentials each. */
export interface OpenStack {
  identity: IdentityService;
  images: ImageService;
  compute: ComputeService;
  network: NetworkService;
  inventory: CloudInventory;
  /** Whatever serves Octavia's API in this cloud. */
  octavia: OctaviaService;
  marks: ImageMarks;
  room: CloudRoom;
  /** The same for operations, where nobody waits: calls are tried again as [compute] and [networking] say. */
  patient: { compute: ComputeService; network: NetworkService };
  /** Neutron as the owner of a token sees it. Absent where everybody sees the same. */
  networkAs?: ((userToken: string) => NetworkService) | undefined;
  /** Checks the tokens of callers, with Kiln's own as the one that asks. */
  tokens(options: { cacheSeconds: number }): TokenValidator;
  /** Signs people in at the Keystone that checks the tokens of callers. */
  signIn(): SignIn;
  close(): Promise<void>;
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Connects nothing yet: the first call does. Services with the same credentials share a token, and connections. */
export function createOpenStack(
  access: Access,
  deps: { clock: Clock; log: Log },
  options: { createLookupSeconds: number },
): OpenStack {
  const { clock, log } = deps;
  const transports = new Map<string, Http>();
  const ownTransports: Http[] = [];
  const sessions = new Map<string, OpenStackSession>();
  const endpoints = Object.fromEntries(serviceTypes.map((type) => [type, access.services[type].endpoint]));

  function httpOf(settings: TransportSettings): Http {
    return shared(transports, settings, () => createHttp({ settings, clock, log }));
  }
  function sessionOf(auth: OpenStackAuthSettings, transport = access.identity.transport): OpenStackSession {
    const http = httpOf(transport);
    return shared(sessions, { auth, transport }, () => createKeystone({ auth, endpoints, http, clock, log }));
  }
  function clientParts(type: ServiceType): { session: OpenStackSession; http: Http } {
    const service = access.services[type];
    return { session: sessionOf(service.auth), http: httpOf(service.transport) };
  }

  const nova = (http: Http) => {
    const { session } = clientParts('compute');
    return createNova({ session, http, clock, log, createLookupSeconds: options.createLookupSeconds });
  };
  const neutron = (http: Http) => createNeutron({ session: clientParts('network').session, http, clock, log });
  const patientHttp = (type: keyof Access['patience']) =>
    httpOf({ ...access.services[type].transport, retry: access.patience[type] });

  return {
    identity: sessionOf(access.identity.auth),
    images: createGlance(clientParts('image')),
    compute: nova(clientParts('compute').http),
    network: neutron(clientParts('network').http),
    inventory: createCloudInventory({
      compute: createComputeClient(clientParts('compute')),
      computeHeaders,
      network: createNetworkClient(clientParts('network')),
      // Of Nova and Neutron alike: Kiln's servers and their ports are of one project.
      ownProjectId: async () => (await sessionOf(access.services.network.auth).authenticatedAs()).projectId,
    }),
    octavia: createOctavia(clientParts('load-balancer')),
    marks: createImageMarks(clientParts('image')),
    room: createCloudRoom({ compute: createComputeClient(clientParts('compute')), headers: computeHeaders }),
    patient: { compute: nova(patientHttp('compute')), network: neutron(patientHttp('network')) },
    networkAs(userToken) {
      const { session, http } = clientParts('network');
      return createNeutron({ session: createUserSession(session, userToken), http, clock, log });
    },
    tokens({ cacheSeconds }) {
      const { auth, transport } = access.tokens;
      return createTokenValidator({
        session: sessionOf(auth, transport),
        http: httpOf(transport),
        clock,
        cacheSeconds,
        cacheSize: LARGEST_TOKEN_CACHE,
      });
    },
    signIn() {
      const { auth, transport } = access.tokens;
      // A transport of its own: what people type is in no log.
      const http = createHttp({ settings: transport, clock, log: silent });
      ownTransports.push(http);
      return createSignIn({ authUrl: auth.authUrl, http });
    },
    async close() {
      await Promise.all([...ownTransports, ...transports.values()].map((http) => http.close()));
    },
  };
}

/** One value for each distinct key; settings are plain data, so their JSON tells them apart. */
function shared<Value>(made: Map<string, Value>, key: object, make: () => Value): Value {
  const text = JSON.stringify(key);
  let value = made.get(text);
  if (!value) {
    value = make();
    made.set(text, value);
  }
  return value;
}

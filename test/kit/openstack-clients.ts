import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createGlance } from '../../src/adapters/openstack/glance.ts';
import { createHttp } from '../../src/adapters/openstack/http.ts';
import { createCloudInventory } from '../../src/adapters/openstack/inventory.ts';
import { createKeystone, type OpenStackSession } from '../../src/adapters/openstack/keystone.ts';
import { createNetworkClient, createNeutron } from '../../src/adapters/openstack/neutron.ts';
import { computeHeaders, createComputeClient, createNova } from '../../src/adapters/openstack/nova.ts';
import type { OpenStackAuthSettings } from '../../src/adapters/openstack/settings.ts';
import { createUserSession } from '../../src/adapters/openstack/user-session.ts';
import type { CloudInventory } from '../../src/ports/cloud-inventory.ts';
import type { ComputeService } from '../../src/ports/compute.ts';
import type { ImageService } from '../../src/ports/images.ts';
import type { NetworkService } from '../../src/ports/network.ts';
import { createFakeLog } from './fakes/fake-log.ts';

export interface OpenStackClients {
  session: OpenStackSession;
  images: ImageService;
  /** Lists with so many images a page. */
  imagesByPage(pageSize: number): ImageService;
  compute: ComputeService;
  network: NetworkService;
  inventory: CloudInventory;
  /** As the owner of a token sees it. */
  networkAs(userToken: string): NetworkService;
  close(): Promise<void>;
}

/** Kiln's real clients, as one user of a cloud. */
export function connectClients(auth: OpenStackAuthSettings): OpenStackClients {
  const clock = createSystemClock();
  const log = createFakeLog();
  const http = createHttp({ settings: {}, clock, log });
  const session = createKeystone({ auth, endpoints: {}, http, clock, log });
  return {
    session,
    images: createGlance({ session, http }),
    imagesByPage: (pageSize) => createGlance({ session, http, pageSize }),
    compute: createNova({ session, http, clock, log }),
    network: createNeutron({ session, http, clock, log }),
    inventory: createCloudInventory({
      compute: createComputeClient({ session, http }),
      computeHeaders,
      network: createNetworkClient({ session, http }),
      ownProjectId: async () => (await session.authenticatedAs()).projectId,
    }),
    networkAs: (token) => createNeutron({ session: createUserSession(session, token), http, clock, log }),
    close: () => http.close(),
  };
}

import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { type PlayedCloud, plays, startPlayedCloud } from '../../../test/kit/stub-openstack.ts';
import type { CloudInventory } from '../../ports/cloud-inventory.ts';
import { createHttp, type Http } from './http.ts';
import { createCloudInventory } from './inventory.ts';
import { createKeystone } from './keystone.ts';
import { createNetworkClient } from './neutron.ts';
import { computeHeaders, createComputeClient } from './nova.ts';

/** Pages, and answers that are none. What real services answer is shown by the contract suite of orphans. */

let cloud: PlayedCloud;
let http: Http;
let inventory: CloudInventory;
const clock = createFakeClock({ autoAdvance: true });
const log = createFakeLog();

beforeEach(async () => {
  cloud = await startPlayedCloud();
  http = createHttp({ settings: {}, clock, log });
  const auth = {
    authUrl: `${cloud.url}/identity`,
    authType: 'password',
    username: 'kiln',
    userDomainName: 'Default',
    password: 'secret',
    projectName: 'service',
    projectDomainName: 'Default',
  } as const;
  const session = createKeystone({ auth, endpoints: {}, http, clock, log });
  inventory = createCloudInventory({
    compute: createComputeClient({ session, http }),
    computeHeaders,
    network: createNetworkClient({ session, http }),
    ownProjectId: async () => 'own',
  });
});
afterEach(async () => {
  await http.close();
  await cloud.close();
});

const next = [{ rel: 'next', href: 'http://elsewhere/' }];

it('reads all pages, however small the service makes them', async () => {
  cloud.play('compute', (response, request) => {
    const start = Number(request.query.get('marker') ?? 0);
    const servers = [start + 1, start + 2].map((id) => ({ id: String(id), name: `amphora-${id}` }));
    return plays.ok({ servers, ...(start < 4 ? { servers_links: next } : {}) })(response, request);
  });
  expect((await inventory.list('server')).map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6']);
});

it('tells a port of the own project from others, and names none twice', async () => {
  const ports = [
    { id: '1', name: 'a', project_id: 'own', device_id: '', device_owner: 'Octavia' },
    { id: '2', name: 'b', tenant_id: 'another', device_id: 'lb-x', device_owner: 'Octavia' },
  ];
  cloud.play('network', plays.ok({ ports }));
  const found = await inventory.list('port');
  expect(found.map(({ id, isInOwnProject }) => [id, isInOwnProject])).toEqual([
    ['1', true],
    ['2', false],
  ]);
  expect(cloud.requests('network').map(({ query }) => query.get('project_id') ?? query.get('device_owner'))).toEqual([
    'own',
    'Octavia',
  ]);
});

it('fails when pages do not end, when one of them fails, and when an answer is none', async () => {
  const servers = [{ id: '1', name: 'amphora-1' }];
  cloud.play('compute', plays.ok({ servers, servers_links: next }));
  await expect(inventory.list('server')).rejects.toThrow('nothing but what came before');
  cloud.play('compute', plays.status(404, { itemNotFound: { message: 'no' } }));
  await expect(inventory.list('server')).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
  cloud.play('compute', plays.ok({ servers: [{ name: 'no ID' }] }));
  await expect(inventory.list('server')).rejects.toMatchObject({ code: 'SERVICE_RESPONSE_INVALID' });
  cloud.play('network', plays.status(404, { NeutronError: { message: 'no' } }));
  expect(await inventory.find('port', 'gone')).toBe(null);
});

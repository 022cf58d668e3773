import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { type PlayedCloud, plays, startPlayedCloud } from '../../../test/kit/stub-openstack.ts';
import type { OctaviaService } from '../../ports/octavia.ts';
import { createHttp, type Http } from './http.ts';
import { createKeystone } from './keystone.ts';
import { createOctavia } from './octavia.ts';

/** Pages, lost answers, and answers that are none. What real services answer: test/integration and test/openstack, octavia-release. */

let cloud: PlayedCloud;
let http: Http;
let octavia: OctaviaService;
const clock = createFakeClock({ autoAdvance: true });
const log = createFakeLog();

beforeEach(async () => {
  cloud = await startPlayedCloud();
  http = createHttp({ settings: {}, clock, log });
  const auth = {
    ...{ authUrl: `${cloud.url}/identity`, authType: 'password', username: 'kiln', userDomainName: 'Default' },
    ...{ password: 'secret', projectName: 'service', projectDomainName: 'Default' },
  } as const;
  // The stub's compute stands for it, as clouds.yaml may name any URL.
  const endpoints = { 'load-balancer': { serviceType: 'load-balancer', endpointOverride: `${cloud.url}/compute/v2` } };
  octavia = createOctavia({ session: createKeystone({ auth, endpoints, http, clock, log }), http });
});
afterEach(async () => {
  await http.close();
  await cloud.close();
});

const amphora = (id: string, status = 'ALLOCATED') => ({ id, status, loadbalancer_id: 'lb', role: 'STANDALONE' });

it('reads all pages, however small the service makes them, and leaves out what is deleted', async () => {
  cloud.play('compute', (response, request) => {
    const start = Number(request.query.get('marker') ?? 0);
    const amphorae = [amphora(String(start + 1)), amphora(String(start + 2), start === 2 ? 'DELETED' : 'ALLOCATED')];
    const links = start < 4 ? { amphorae_links: [{ rel: 'next', href: 'http://elsewhere/' }] } : {};
    return plays.ok({ amphorae, ...links })(response, request);
  });
  expect((await octavia.listAmphorae()).map(({ id }) => id)).toEqual(['1', '2', '3', '5', '6']);
});

it('gives up on pages that have nothing new', async () => {
  const links = [{ rel: 'next', href: 'http://elsewhere/' }];
  cloud.play('compute', plays.ok({ amphorae: [amphora('1')], amphorae_links: links }));
  await expect(octavia.listAmphorae()).rejects.toMatchObject({ code: 'SERVICE_RESPONSE_INVALID' });
});

it('asks for a failover once, whatever becomes of the answer', async () => {
  let count = 0;
  cloud.play('compute', (response, request) => {
    count++;
    return plays.status(503)(response, request);
  });
  await expect(octavia.failoverLoadBalancer('lb')).rejects.toMatchObject({ call: { outcomeUnknown: true } });
  await expect(octavia.failoverAmphora('amp')).rejects.toMatchObject({ call: { outcomeUnknown: true } });
  expect(count).toBe(2);
});

it('takes capabilities that are no JSON for none', async () => {
  const profile = { id: 'p', name: null, provider_name: 'amphora', flavor_data: 'no JSON' };
  cloud.play('compute', plays.ok({ flavorprofiles: [profile] }));
  expect(await octavia.listFlavorProfiles()).toEqual([{ id: 'p', name: '', provider: 'amphora', data: {} }]);
});

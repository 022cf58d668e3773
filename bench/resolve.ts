import { Agent, request } from 'undici';
import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { imageSettings } from '../src/main/settings/amphora-settings.ts';
import { createImageResolver } from '../src/services/image-resolver.ts';
import { createFakeLog } from '../test/kit/fakes/fake-log.ts';
import type { BenchCloud } from './bench-cloud.ts';
import { countRequests } from './count-requests.ts';
import { type Figure, milliseconds, percentile } from './report.ts';

const ROUNDS = 300;
const WARM_UP = 50;

/** One resolution against a bare HTTP GET of the very same answer, in turns, over a warm connection each. */
export async function benchResolve(cloud: BenchCloud): Promise<Figure[]> {
  const openstack = cloud.connect();
  const { images, identity, compute } = openstack;
  const settings = imageSettings(cloud.configuration);
  const resolver = createImageResolver({
    images,
    identity,
    compute,
    clock: createSystemClock(),
    log: createFakeLog(),
    settings: () => settings,
  });
  const token = await tokenOf(cloud);
  const { projectId } = await identity.authenticatedAs();
  const query = `tag=${settings.ampImageTag}&status=active&owner=${projectId}&sort=created_at:desc,id:desc&limit=1000`;
  const url = `${await identity.endpoint('image')}/v2/images?${query}`;
  const dispatcher = new Agent();
  const bare = async () => {
    const answer = await request(url, { dispatcher, headers: { 'x-auth-token': token, accept: 'application/json' } });
    await answer.body.json();
  };
  const resolve = () => resolver.resolve({ tag: null, flavorId: null });

  const times = { bare: [] as number[], resolve: [] as number[] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [name, work] of [
      ['bare', bare],
      ['resolve', resolve],
    ] as const) {
      const startMs = performance.now();
      await work();
      if (round >= WARM_UP) times[name].push(performance.now() - startMs);
    }
  }
  const { requests } = await countRequests(resolve);
  await dispatcher.close();
  await openstack.close();
  const both = (p: number) =>
    `${milliseconds(percentile(times.resolve, p))} / ${milliseconds(percentile(times.bare, p))}`;
  return [
    { what: `one resolution / a bare GET of the same answer, median of ${ROUNDS}`, value: both(0.5) },
    { what: 'the same, 95th percentile', value: both(0.95) },
    { what: 'requests of one resolution, warm', value: JSON.stringify(requests) },
  ];
}

/** A token for the bare side, got the plain way. */
async function tokenOf({ configuration }: BenchCloud): Promise<string> {
  const { service_auth: auth } = configuration;
  const domain = { name: auth.user_domain_name };
  const answer = await request(`${auth.auth_url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: auth.username, password: auth.password, domain } },
        },
        scope: { project: { name: auth.project_name, domain } },
      },
    }),
  });
  await answer.body.dump();
  return String(answer.headers['x-subject-token']);
}

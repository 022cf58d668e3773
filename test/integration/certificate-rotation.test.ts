import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { type KilnProcess, runKiln, startKiln } from '../kit/kiln-process.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';

/** Real agents, whose certificates are valid for a minute. */
describe('certificates of agents that end', () => {
  let dev: DevCloud;
  let bench: LoadBalancerHarness;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    dev = await startDevCloud();
    bench = await openLoadBalancerHarness(dev);
    environment = {
      ...dev.environment,
      OS_CERTIFICATES__CERT_VALIDITY_TIME: '60',
      OS_HOUSE_KEEPING__CERT_EXPIRY_BUFFER: '30',
      OS_HOUSE_KEEPING__CERT_INTERVAL: '1',
    };
  }, 120_000);
  afterAll(async () => {
    await bench?.close();
    await dev?.close();
  });

  const statusOf = async (id: string) =>
    (await bench.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus ?? null;
  const endOf = async (id: string): Promise<number> => {
    const [amphora] = await bench.state.amphorae.list({ loadBalancerId: id });
    return Date.parse(amphora?.certExpiration ?? '');
  };
  const settled = (id: string) => expect.poll(() => statusOf(id), { timeout: 90_000, interval: 200 }).toBe('ACTIVE');
  async function change(id: string, port: number): Promise<void> {
    await bench.call('POST', '/listeners', {
      listener: { loadbalancer_id: id, protocol: 'HTTP', protocol_port: port },
    });
    await settled(id);
  }

  it('are renewed: changes work across the end; one that ended while nothing ran is renewed, too', async () => {
    let serve: KilnProcess = startKiln(['serve'], environment);
    try {
      await serve.line(/"msg":"serving"/);
      const id = await bench.create();
      await settled(id);
      const first = await endOf(id);
      await expect.poll(() => Date.now() > first, { timeout: 90_000, interval: 500 }).toBe(true);
      expect(await endOf(id)).toBeGreaterThan(Date.now());
      await change(id, 8081);

      await serve.stop();
      const last = await endOf(id);
      await expect.poll(() => Date.now() > last, { timeout: 90_000, interval: 500 }).toBe(true);
      const dry = await runKiln(['--json', 'housekeeping', 'run', 'rotate-certificates', '--dry-run'], environment);
      expect(JSON.parse(dry.stdout), dry.output).toMatchObject({ counts: { requested: 1 } });

      serve = startKiln(['serve'], environment);
      await expect.poll(async () => (await endOf(id)) > Date.now(), { timeout: 60_000, interval: 200 }).toBe(true);
      await change(id, 8082);
      const listed = await runKiln(['--json', 'housekeeping', 'list'], environment);
      expect(JSON.parse(listed.stdout), listed.output).toContainEqual(
        expect.objectContaining({ name: 'rotate-certificates', last: expect.objectContaining({ failure: null }) }),
      );
    } finally {
      await serve.stop();
    }
  }, 500_000);
});

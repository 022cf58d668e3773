import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { runKiln } from '../kit/kiln-process.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';

/** How long a certificate is valid, and how long before its end it is renewed: what one `kiln serve` after the other is reported. */
const lasting = { OS_CERTIFICATES__CERT_VALIDITY_TIME: '7200', OS_HOUSE_KEEPING__CERT_EXPIRY_BUFFER: '60' };
const ending = { OS_CERTIFICATES__CERT_VALIDITY_TIME: '10', OS_HOUSE_KEEPING__CERT_EXPIRY_BUFFER: '86400' };

/** Real agents, whose certificates are valid for seconds. However slow the machine is, none ends before it is waited for. */
describe('certificates of agents that end', () => {
  let dev: DevCloud;
  let harness: LoadBalancerHarness;

  beforeAll(async () => {
    dev = await startDevCloud();
    harness = await openLoadBalancerHarness(dev);
  }, 120_000);
  afterAll(async () => {
    await harness?.close();
    await dev?.close();
  });

  const statusOf = async (id: string) =>
    (await harness.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus ?? null;
  const endOf = async (id: string): Promise<number> => {
    const [amphora] = await harness.state.amphorae.list({ loadBalancerId: id });
    return Date.parse(amphora?.certExpiration ?? '');
  };
  const settled = (id: string) => expect.poll(() => statusOf(id), { timeout: 90_000, interval: 200 }).toBe('ACTIVE');
  async function change(id: string, port: number): Promise<void> {
    await harness.call('POST', '/listeners', {
      listener: { loadbalancer_id: id, protocol: 'HTTP', protocol_port: port },
    });
    await settled(id);
  }

  async function serving<Result>(validity: NodeJS.ProcessEnv, work: () => Promise<Result>): Promise<Result> {
    const everySecond = { OS_HOUSE_KEEPING__CERT_INTERVAL: '1' };
    const serve = await harness.serve({ ...everySecond, ...validity });
    try {
      return await work();
    } finally {
      await serve.stop();
    }
  }
  /** Its agent gets a certificate that ends soon, as if half the time of the one it has were over. @returns when. */
  async function makeEnding(id: string): Promise<number> {
    const former = await endOf(id);
    const { database } = harness.state;
    await database
      .updateTable('kiln_amphora')
      .set({ cert_rotation_after: null })
      .where('load_balancer_id', '=', id)
      .execute();
    await serving(ending, () => expect.poll(() => endOf(id), { timeout: 90_000, interval: 200 }).toBeLessThan(former));
    return await endOf(id);
  }
  const passed = (endMs: number) =>
    expect.poll(() => Date.now() > endMs, { timeout: 90_000, interval: 200 }).toBe(true);
  const renewed = (id: string) =>
    expect.poll(async () => (await endOf(id)) > Date.now(), { timeout: 60_000, interval: 200 }).toBe(true);

  it('are renewed: changes work across the end; one that ended while nothing ran is renewed, too', async () => {
    const id = await serving(lasting, async () => {
      const made = await harness.create();
      await settled(made);
      return made;
    });
    const first = await makeEnding(id);
    await serving(lasting, async () => {
      await passed(first);
      await renewed(id);
      await change(id, 8081);
    });

    await passed(await makeEnding(id));
    const environment = { ...dev.environment, ...lasting };
    const dry = await runKiln(['--json', 'housekeeping', 'run', 'rotate-certificates', '--dry-run'], environment);
    expect(JSON.parse(dry.stdout), dry.output).toMatchObject({ counts: { requested: 1 } });

    await serving(lasting, async () => {
      await renewed(id);
      await change(id, 8082);
      const listed = await runKiln(['--json', 'housekeeping', 'list'], environment);
      expect(JSON.parse(listed.stdout), listed.output).toContainEqual(
        expect.objectContaining({ name: 'rotate-certificates', last: expect.objectContaining({ failure: null }) }),
      );
    });
  }, 500_000);
});

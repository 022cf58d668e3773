import { connect } from 'node:tls';
import { describe, type ExpectStatic, it } from 'vitest';
import { createLocalSecretStore } from '../../src/adapters/secrets/local-secret-store.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { secretsPath } from '../../src/main/secrets.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { startDevCloud } from '../kit/dev-cloud.ts';
import type { KilnProcess } from '../kit/kiln-process.ts';
import { openLoadBalancerHarness } from '../kit/load-balancers.ts';
import { openTlsWorkshop } from '../kit/tls-material.ts';

const WAIT = { timeout: 90_000, interval: 100 };

/**
 * A cloud of its own with a real worker, agents and HAProxy.
 * @param expect of the test: others run beside it.
 */
async function openCloud(expect: ExpectStatic) {
  const workshop = openTlsWorkshop();
  const dev = await startDevCloud();
  const harness = await openLoadBalancerHarness(dev);
  const { config } = loadConfiguration({ configFiles: [dev.cloud.configurationFile], environment: {} });
  const secrets = createLocalSecretStore(secretsPath(config, statePaths(config, {}, false)));
  let serve: KilnProcess | null = null;
  return {
    harness,
    secrets,
    async store(name: string): Promise<string> {
      const { certificate, key } = workshop.make(name);
      return (await secrets.store(Buffer.from(certificate + key), name, dev.cloud.accounts.kiln.projectId)).reference;
    },
    settled: async (id: string, expected: string | null) =>
      expect
        .poll(async () => (await harness.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus ?? null, WAIT)
        .toBe(expected),
    async start(): Promise<void> {
      serve = await harness.serve();
    },
    async stop(): Promise<void> {
      await serve?.stop();
    },
    async close(): Promise<void> {
      await serve?.stop();
      await harness.close();
      await dev.close();
      workshop.close();
    },
  };
}

/** The common name of the certificate that is shown; null where nobody answers. */
const shownAt = (host: string, port: number) =>
  new Promise<string | null>((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject?.CN));
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
  });

/** Certificates that are gone when they are needed; each in a cloud of its own, beside each other, as they mostly wait. */
describe.concurrent('a load balancer whose certificate is gone', () => {
  it('serves on after a change that can not be made, is changed, failed over without it, and deleted', async ({
    expect,
    onTestFinished,
  }) => {
    const { harness, secrets, store, settled, start, stop, close } = await openCloud(expect);
    onTestFinished(close, 120_000);
    await start();
    const [first, second, third] = [await store('first'), await store('second'), await store('third')];
    const id = await harness.create({
      listeners: [
        { name: 'plain', protocol: 'HTTP', protocol_port: 80 },
        { name: 'tls', protocol: 'TERMINATED_HTTPS', protocol_port: 443, default_tls_container_ref: first },
      ],
    });
    await settled(id, 'ACTIVE');
    const { loadbalancer } = await harness.call('GET', `/loadbalancers/${id}`);
    const vip: string = loadbalancer.vip_address;
    const tree = await harness.state.loadBalancers.tree(id);
    const tls = tree?.listeners.find(({ name }) => name === 'tls')?.id ?? '';
    const listener = async () => (await harness.call('GET', `/listeners/${tls}`)).listener;
    expect(await shownAt(vip, 443)).toBe('first');

    // Both go while the worker is away: the old one, and the new one that the API has still seen.
    await stop();
    await harness.call('PUT', `/listeners/${tls}`, { listener: { default_tls_container_ref: second } });
    await secrets.delete(first);
    await secrets.delete(second);
    await start();
    await settled(id, 'ACTIVE');
    expect(await listener()).toMatchObject({ provisioning_status: 'ERROR', default_tls_container_ref: first });
    expect(await shownAt(vip, 443)).toBe('first');

    await harness.call('PUT', `/loadbalancers/${id}/failover`);
    await settled(id, 'ACTIVE');
    expect((await listener()).provisioning_status).toBe('ERROR');
    expect(await shownAt(vip, 443)).toBeNull();
    expect((await fetch(`http://${vip}/`)).status).toBe(503);

    await harness.call('PUT', `/listeners/${tls}`, { listener: { default_tls_container_ref: third } });
    await settled(id, 'ACTIVE');
    expect((await listener()).provisioning_status).toBe('ACTIVE');
    expect(await shownAt(vip, 443)).toBe('third');

    await harness.call('DELETE', `/loadbalancers/${id}?cascade=true`);
    await settled(id, null);
  }, 300_000);

  it('serves on after HAProxy refused new ciphers and the certificate of before is gone, is fixed, and deleted', async ({
    expect,
    onTestFinished,
  }) => {
    const { harness, secrets, store, settled, start, stop, close } = await openCloud(expect);
    onTestFinished(close, 120_000);
    await start();
    const [first, second] = [await store('first'), await store('second')];
    const tlsListener = { protocol: 'TERMINATED_HTTPS', protocol_port: 443, default_tls_container_ref: first };
    const id = await harness.create({ listeners: [tlsListener] });
    await settled(id, 'ACTIVE');
    const { loadbalancer } = await harness.call('GET', `/loadbalancers/${id}`);
    const vip: string = loadbalancer.vip_address;
    const tls = (await harness.state.loadBalancers.tree(id))?.listeners[0]?.id ?? '';
    const listener = async () => (await harness.call('GET', `/listeners/${tls}`)).listener;
    const { tls_ciphers: good } = await listener();

    // The API would not take such ciphers: as if it had, from an older version or for another HAProxy.
    await stop();
    await harness.call('PUT', `/listeners/${tls}`, { listener: { default_tls_container_ref: second } });
    await harness.state.database
      .updateTable('kiln_listener')
      .set({ tls_ciphers: 'NO-SUCH-CIPHER' })
      .where('id', '=', tls)
      .execute();
    await secrets.delete(first);
    await start();
    await settled(id, 'ACTIVE');
    expect(await listener()).toMatchObject({
      provisioning_status: 'ERROR',
      default_tls_container_ref: first,
      tls_ciphers: good,
    });
    expect(await shownAt(vip, 443)).toBe('first');

    await harness.call('PUT', `/listeners/${tls}`, { listener: { default_tls_container_ref: second } });
    await settled(id, 'ACTIVE');
    expect((await listener()).provisioning_status).toBe('ACTIVE');
    expect(await shownAt(vip, 443)).toBe('second');

    await harness.call('DELETE', `/loadbalancers/${id}?cascade=true`);
    await settled(id, null);
  }, 300_000);
});

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { freePort } from '../kit/free-port.ts';
import { type KilnProcess, runKiln, startKiln } from '../kit/kiln-process.ts';
import { vipSubnetOf } from '../kit/load-balancers.ts';
import { openTlsWorkshop, type TlsWorkshop } from '../kit/tls-material.ts';

/** `kiln serve` at level debug, with every secret that it gets: none of it is ever in its log. */
let dev: DevCloud;
let workshop: TlsWorkshop;
const planted = new Map<string, string>();
const logged: KilnProcess[] = [];
const debugging = { OS_DEFAULT__DEBUG: 'true' };

beforeAll(async () => {
  dev = await startDevCloud();
  workshop = openTlsWorkshop();
  for (const [name, { password }] of Object.entries(dev.cloud.accounts)) planted.set(`password of ${name}`, password);
  const file = readFileSync(dev.cloud.configurationFile, 'utf8');
  for (const option of ['ca_private_key_passphrase', 'heartbeat_key'])
    planted.set(option, new RegExp(`${option} *= *(\\S+)`).exec(file)?.[1] ?? '');
}, 120_000);
afterAll(async () => {
  for (const one of logged) if (one.child.exitCode === null) await one.stop();
  workshop?.close();
  await dev?.close();
}, 60_000);

/** Each line of a key is as good as the key. */
function plantKey(name: string, pem: string): void {
  const lines = pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line));
  expect(lines.length, name).toBeGreaterThan(0);
  for (const [index, line] of lines.entries()) planted.set(`${name}, line ${index}`, line);
}

async function tokenOf(account: 'admin' | 'demo'): Promise<string> {
  const { authUrl, userName, password, projectName } = dev.cloud.accounts[account];
  const domain = { name: 'Default' };
  const auth = {
    identity: { methods: ['password'], password: { user: { name: userName, domain, password } } },
    scope: { project: { name: projectName, domain } },
  };
  const answer = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  const token = answer.headers.get('x-subject-token') ?? '';
  planted.set(`token of ${account}`, token);
  return token;
}

/** Keys of agents, wherever the hypervisor keeps what it gave to its guests. */
function plantAgentKeys(folder: string): number {
  let found = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (!name.endsWith('server.pem') || !statSync(path).isFile()) continue;
    const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END/.exec(readFileSync(path, 'utf8'))?.[0];
    if (key) plantKey(`agent key ${++found}`, key);
  }
  return found;
}

function expectNoSecret(): void {
  const lines = logged.flatMap((one) => one.lines);
  expect(lines.length).toBeGreaterThan(0);
  for (const [what, secret] of planted) {
    expect(secret, what).not.toBe('');
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')];
    const reported = lines.filter((line) => forms.some((form) => line.includes(form)));
    expect(reported, what).toEqual([]);
  }
}

describe('a log at level debug', () => {
  it('of load balancers that are made, changed, refused and that fail', { timeout: 240_000 }, async () => {
    await dev.push('silent', { tag: 'silent', silent: true });
    const own = workshop.make('shop.example', { dnsNames: ['shop.example'] });
    plantKey('the listener', own.key);
    const bundle = join(workshop.folder, 'bundle.pem');
    writeFileSync(bundle, own.certificate + own.key);
    const stored = await runKiln(
      ['--quiet', 'secret', 'store', bundle, '--project', dev.cloud.accounts.admin.projectId],
      dev.environment,
    );
    expect(stored.status, stored.output).toBe(0);
    const reference = stored.stdout.trim();

    const serve = startKiln(['serve'], { ...dev.environment, ...debugging });
    logged.push(serve);
    const { url } = JSON.parse(await serve.line(/the load-balancer API listens/));
    await serve.line(/"msg":"serving"/);
    const token = await tokenOf('admin');
    const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${url}/v2/lbaas${path}`, {
        method,
        headers: { 'x-auth-token': token, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
      return { status: answer.status, body: (await answer.json().catch(() => null)) as any };
    };
    const statusOf = async (id: string) =>
      (await call('GET', `/loadbalancers/${id}`)).body.loadbalancer?.provisioning_status;
    const wanted = {
      vip_subnet_id: await vipSubnetOf(dev),
      listeners: [{ protocol: 'TERMINATED_HTTPS', protocol_port: 8443, default_tls_container_ref: reference }],
    };
    const made = await call('POST', '/loadbalancers', { loadbalancer: wanted });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const { id } = made.body.loadbalancer;
    await expect.poll(() => statusOf(id), { timeout: 120_000, interval: 500 }).toBe('ACTIVE');
    expect(plantAgentKeys(dev.cloud.stateDirectory)).toBeGreaterThan(0);

    planted.set('a wrong token', 'wr0ng-t0ken-of-somebody');
    planted.set('a text in a body', 's3cret-in-a-body');
    planted.set('a text in a query', 's3cret-in-a-query');
    expect((await call('GET', '/loadbalancers', undefined, { 'x-auth-token': 'wr0ng-t0ken-of-somebody' })).status).toBe(
      401,
    );
    expect((await call('POST', '/pools', { pool: { name: 1, password: 's3cret-in-a-body' } })).status).toBe(400);
    expect((await call('POST', '/pools', '{"s3cret-in-a-body')).status).toBe(400);
    expect((await call('GET', '/loadbalancers?password=s3cret-in-a-query')).status).toBe(400);

    // A flow that is undone.
    await appendFile(dev.cloud.configurationFile, '\n[controller_worker]\namp_image_tag = silent\n');
    await appendFile(dev.cloud.configurationFile, '\n[haproxy_amphora]\nconnection_max_retries = 2\n');
    await appendFile(dev.cloud.configurationFile, '\nconnection_retry_interval = 1\n');
    const reloaded = serve.next(/configuration read again/);
    serve.child.kill('SIGHUP');
    await reloaded;
    const failing = (await call('POST', '/loadbalancers', { loadbalancer: wanted })).body.loadbalancer.id;
    await expect.poll(() => statusOf(failing), { timeout: 120_000, interval: 500 }).toBe('ERROR');

    for (const one of [failing, id])
      expect((await call('DELETE', `/loadbalancers/${one}?cascade=true`)).status).toBe(204);
    await expect.poll(() => statusOf(id), { timeout: 60_000, interval: 500 }).toBeUndefined();
    expect(await serve.stop()).toBe(0);
    expect(serve.lines.some((line) => line.includes('"level":"debug"'))).toBe(true);
    expectNoSecret();
  });

  it('of databases and brokers that are not there, or whose URLs are wrong', { timeout: 120_000 }, async () => {
    const password = 'dat4base-passw0rd';
    const waits = /it is tried again/;
    planted.set('password in a URL', password);
    const cases = [
      [{ OS_DATABASE__CONNECTION: `mysql+pymysql://kiln:${password}@127.0.0.1:1/kiln` }, waits],
      [{ OS_DATABASE__CONNECTION: `mysql+pymysql://kiln:${password}@no.such.host.invalid/kiln` }, waits],
      [{ OS_DATABASE__CONNECTION: `mysql+pymysql://kiln:${password}@127.0.0.1:x/kiln` }, null],
      [{ OS_DATABASE__CONNECTION: `mysql+pymysql://kiln:${password}/@[::/kiln` }, null],
      [{ OS_DATABASE__CONNECTION: `postgresql://kiln:${password}@127.0.0.1/kiln` }, null],
      [{ OS_DEFAULT__TRANSPORT_URL: `rabbit://kiln:${password}@127.0.0.1:1/` }, /no connection to RabbitMQ/],
      [{ OS_DEFAULT__TRANSPORT_URL: `rabbit://kiln:${password}@127.0.0.1:x/` }, null],
      [{ OS_DEFAULT__TRANSPORT_URL: `amqp://kiln:${password}@[::/` }, null],
      [{ OS_SERVICE_AUTH__AUTH_URL: `http://kiln:${password}@127.0.0.1:1/v3` }, /"msg":"serving"/],
      [{ OS_SERVICE_AUTH__PASSWORD: password }, /"msg":"serving"/],
    ] as const;
    const run = async ([environment, says]: (typeof cases)[number], index: number) => {
      const serve = startKiln(['--debug', 'serve'], {
        ...dev.environment,
        ...debugging,
        OS_KILN__STATE_PATH: join(dev.folder, `state-${index}`),
        OS_API_SETTINGS__BIND_PORT: String(await freePort()),
        OS_HEALTH_MANAGER__BIND_PORT: String(await freePort()),
        ...environment,
      });
      logged.push(serve);
      if (says === null) expect(await serve.ended, serve.lines.join('\n')).toBe(2);
      else {
        await serve.line(says);
        await serve.stop();
      }
    };
    await Promise.all(cases.map(run));
    expectNoSecret();
  });
});

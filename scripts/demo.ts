/**
 * `npm run demo`: the main job, shown. Everything it starts is real (the embedded cloud, a `kiln serve`, amphorae that
 * run what is in the image with a HAProxy in them, members), lives in a temporary folder, and is gone when it ends.
 * Exit status 0 only if every claim it prints was seen to hold.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createLoadBalancerClient, type LoadBalancerClient } from './demo/load-balancer-client.ts';
import { type Member, startMember } from './demo/member.ts';
import { leavePageRunning } from './demo/page.ts';
import { type Outage, showPair } from './demo/pair.ts';
import { showReleases } from './demo/release.ts';
import { ensureHaproxy } from './haproxy.ts';

const kiln = join(import.meta.dirname, '..', 'bin', 'kiln');
const folder = mkdtempSync(join(tmpdir(), 'kiln-demo-'));
const startedAt = process.hrtime.bigint();
const children: ChildProcess[] = [];
let failures = 0;

/** Ctrl-C ends it in order, however often it is pressed: what was started, and the folder. */
const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interruption.abort());
const interrupted = new Promise<void>((resolve) => {
  interruption.signal.addEventListener('abort', () => resolve());
});

const seconds = () => `${(Number(process.hrtime.bigint() - startedAt) / 1e9).toFixed(1)} s`;

function say(text = ''): void {
  console.log(text);
}

/** States what is to be seen, and whether it was. */
function claim(what: string, holds: boolean, seen = ''): void {
  if (!holds) failures++;
  say(`  ${holds ? '✓' : '✗ NOT SO:'} ${what}${seen && !holds ? ` (seen: ${seen})` : ''}`);
}

interface Ran {
  exitCode: number | null;
  output: string;
}

/** Runs `kiln ARGUMENTS` and shows it as one would type it. */
async function run(
  arguments_: string[],
  options: { show?: 'result' | 'progress' | 'live' | 'nothing'; environment?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  interruption.signal.throwIfAborted();
  const { show = 'result' } = options;
  if (show !== 'nothing') say(`$ kiln ${shown(arguments_)}`);
  // On a terminal it draws by itself, over what it drew.
  const isDrawn = show === 'live' && process.stdout.isTTY;
  const child = spawn(kiln, arguments_, {
    env: { ...process.env, ...environment, ...options.environment, NO_COLOR: '1' },
    stdio: ['ignore', isDrawn ? 'inherit' : 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout?.on('data', (data) => {
    output += data;
  });
  if (show === 'live' && child.stdout) createInterface({ input: child.stdout }).on('line', (line) => say(`  ${line}`));
  child.stderr?.on('data', (data) => {
    errors += data;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (show === 'live') return { exitCode, output };
  const reported = exitCode !== 0 ? output + errors : show === 'progress' ? errors : output;
  if (show !== 'nothing') for (const line of reported.trimEnd().split('\n')) say(`  ${line}`);
  return { exitCode, output: exitCode === 0 ? output : reported };
}

/** Runs with `--json`, unseen, and gives back the document. */
// biome-ignore lint/suspicious/noExplicitAny: the document's shape is the command's affair; a wrong guess fails a claim.
async function ask(arguments_: string[], extra: NodeJS.ProcessEnv = {}): Promise<any> {
  const { output } = await run(['--json', ...arguments_], { show: 'nothing', environment: extra });
  return JSON.parse(output);
}

function shown(arguments_: string[]): string {
  return arguments_.map((word) => word.replace(`${folder}/`, '')).join(' ');
}

/** Starts a long-running command and waits for the line that says it is ready. */
async function start(arguments_: string[], ready: RegExp): Promise<ChildProcess> {
  interruption.signal.throwIfAborted();
  say(`$ kiln ${shown(arguments_)} &`);
  const child = spawn(kiln, arguments_, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C in the terminal reaches this process alone, which stops its children one after the other.
    detached: true,
  });
  children.push(child);
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        if (ready.test(line)) resolve();
      });
    }
    child.once('exit', (code) =>
      reject(new Error(`kiln ${shown(arguments_)} ended with ${code}:\n${said.join('\n')}`)),
    );
  });
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

const configuration = join(folder, 'octavia.conf');
const environment: NodeJS.ProcessEnv = {
  OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'),
  KILN_CONFIG_FILE: configuration,
  OS_HAPROXY_AMPHORA__HAPROXY_CMD: ensureHaproxy(),
  // As short as they can be without a busy machine being taken for a dead amphora: the demo is not to take minutes.
  OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '1',
  OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: '6',
  OS_HEALTH_MANAGER__HEALTH_CHECK_INTERVAL: '1',
  OS_KILN__VRRP_ADVERT_INTERVAL_SECONDS: '0.2',
};

async function main(): Promise<void> {
  say('1. A cloud on loopback: Keystone, Glance, Nova and Neutron, with nothing but Node.js');
  const cloud = await start(['dev', '--state-dir', folder], /ready/i);

  say('\n2. The operator builds an amphora image and puts it into Glance, with the tag');
  await run(['image', 'build', '--name', 'amphora', '--version', '1.0', '--output', join(folder, 'amphora-1.0.img')]);
  await run(['image', 'push', join(folder, 'amphora-1.0.img'), '--name', 'amphora-1.0', '--tag', 'amphora'], {
    show: 'progress',
  });

  say('\n3. Kiln runs, knowing only the tag');
  say(`  ${readFileSync(configuration, 'utf8').match(/^amp_image_tag.*$/m)?.[0]}`);
  const serve = await start(['serve'], /serving/i);
  const configurationBefore = sha256(configuration);

  say('\n4. An amphora boots from the image that carries the tag');
  await run(['amphora', 'boot']);
  const [first] = await ask(['amphora', 'list']);
  const image1 = await imageNamed('amphora-1.0');
  claim('the amphora was booted from amphora-1.0', first?.imageId === image1.id, first?.imageId);
  claim(
    'its agent answers and says it came in version 1.0',
    /1\.0/.test(first?.agentVersion ?? ''),
    first?.agentVersion,
  );

  say('\n5. A newer image is released: pushed, and the tag moved. Nothing else is touched');
  await run(['image', 'build', '--name', 'amphora', '--version', '2.0', '--output', join(folder, 'amphora-2.0.img')]);
  await run(['image', 'push', join(folder, 'amphora-2.0.img'), '--name', 'amphora-2.0', '--no-tag'], {
    show: 'progress',
  });
  const image2 = await imageNamed('amphora-2.0');
  await run(['image', 'tag', image2.id, 'amphora', '--move']);
  await run(['amphora', 'boot']);
  const [second] = await ask(['amphora', 'list']);
  claim('the next amphora runs amphora-2.0', second?.imageId === image2.id, second?.imageId);
  claim('its agent says it came in version 2.0', /2\.0/.test(second?.agentVersion ?? ''), second?.agentVersion);
  const status = await ask(['status']);
  claim(
    `the same Kiln process (pid ${serve.pid}) booted both`,
    status.pid === serve.pid && serve.exitCode === null,
    status.pid,
  );
  claim('its configuration was not touched', sha256(configuration) === configurationBefore);

  say('\n6. A tenant plants an image with the same tag, and newer');
  const demo = ['--os-cloud', 'kiln-dev-demo'];
  await run([...demo, 'image', 'push', join(folder, 'amphora-1.0.img'), '--name', 'planted', '--tag', 'amphora'], {
    show: 'progress',
  });
  const why = await run(['image', 'resolve', '--why']);
  const resolved = await ask(['image', 'resolve', '--why']);
  claim(
    'the next amphora would still boot amphora-2.0',
    resolved.choice?.imageId === image2.id,
    resolved.choice?.imageId,
  );
  claim("the tenant's image is named as refused, with the reason", /belongs to project/.test(why.output));

  say('\n7. Without the tag, Kiln boots nothing and says why');
  await run(['image', 'untag', image2.id, 'amphora']);
  const missing = await run(['amphora', 'boot']);
  claim(
    'exit status 3, and the message tells what was looked for and what to do',
    missing.exitCode === 3 && /what to do/i.test(missing.output),
    String(missing.exitCode),
  );

  const booted = [first, second].map((amphora) => amphora?.id as string);
  claim('until now each amphora was a process of its own', processesOfServers().length >= booted.length);
  for (const id of booted) await run(['amphora', 'delete', id]);

  say('\n8. A load balancer, through the API that Octavia has, with two members');
  await run(['image', 'tag', image1.id, 'amphora']);
  const client = await createLoadBalancerClient(folder);
  const members = [await startMember('one'), await startMember('two')];
  const balancer = await createBalancer(client, 'web', members);
  const answers = await requests(balancer.vip_address, 6);
  say(`$ curl http://${balancer.vip_address}:8080/    # six times`);
  say(`  ${answers.join(', ')}`);
  claim('both members answer, through HAProxy in the amphora', new Set(answers).size === 2, answers.join(', '));
  const serving = await client.amphoraOf(balancer.id);
  claim('its amphora was booted from amphora-1.0', serving.image_id === image1.id, serving.image_id);

  say('\n9. The worker dies (SIGKILL) in the middle of a creation, and the next one goes on');
  const orphan = await client.create('orphan', members);
  say(`  POST /v2/lbaas/loadbalancers → ${orphan.id} PENDING_CREATE`);
  await client.untilServerIsBuilt(orphan.id);
  await kill(serve);
  const [operation] = await ask(['operation', 'list', '--load-balancer', orphan.id]);
  say(`  kiln serve (pid ${serve.pid}) was killed while Nova built the server`);
  await run(['operation', 'show', operation.id]);
  claim('it was in the middle', operation.status === 'running', operation.status);
  const again = await start(['serve'], /serving/i);
  const orphaned = await client.untilSettled(orphan.id);
  claim('it became ACTIVE all the same', orphaned.provisioning_status === 'ACTIVE', orphaned.provisioning_status);
  claim('both members answer', new Set(await requests(orphaned.vip_address, 6)).size === 2);
  await run(['operation', 'show', operation.id]);
  const servers = await client.serversNamed(`amphora-${(await client.amphoraOf(orphan.id)).id}`);
  claim('there is one server for it, not two', servers === 1, String(servers));

  say('\n10. The tag moves; the next load balancer is on the new image, and the first one goes on as it is');
  await run(['image', 'tag', image2.id, 'amphora', '--move']);
  const next = await createBalancer(client, 'next', members);
  const nextAmphora = await client.amphoraOf(next.id);
  claim('the amphora of the next one was booted from amphora-2.0', nextAmphora.image_id === image2.id);
  claim('the first one still answers', new Set(await requests(balancer.vip_address, 6)).size === 2);
  say(`  PUT /v2/lbaas/loadbalancers/${balancer.id}/failover`);
  const lost = await duringRequests(balancer.vip_address, () => client.failOver(balancer.id));
  const moved = await client.amphoraOf(balancer.id);
  claim('failed over, the first one is on amphora-2.0, too', moved.image_id === image2.id, moved.image_id);
  say(`  requests meanwhile, one after the other: ${lost.sent}; without an answer: ${lost.failed}`);
  // A connection that is open on the old amphora when the address changes hands breaks.
  const answered =
    lost.failed === 0
      ? 'and it went on answering all the time'
      : 'and it went on answering, but for the connection that was open when the address changed hands';
  claim(answered, lost.failed <= 1, `${lost.failed} of ${lost.sent} requests failed`);

  const pairId = client
    .createFlavor({ loadbalancer_topology: 'ACTIVE_STANDBY' })
    .then((flavorId) => client.create('pair', members, { flavorId }));
  say('\n11. An amphora dies under load (SIGKILL of its agent and its HAProxy), and Kiln heals it');
  const doomed = await client.amphoraOf(next.id);
  const pids = processesOfServers(doomed.compute_id);
  const [healed, outage] = await Promise.all([
    client.untilReplaced(next.id, doomed.id),
    outageOf(next.vip_address, () => {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      say(
        `  killed: the ${pids.length} processes of amphora ${doomed.id}; heartbeat_timeout is 6 s here, 60 s by default`,
      );
    }),
  ]);
  say(
    `  answers again after ${outage.seconds.toFixed(1)} s; requests meanwhile: ${outage.failed}, none of them answered`,
  );
  claim('it had processes, and its clients noticed', pids.length > 0 && outage.failed > 0, String(outage.failed));
  claim('another amphora serves now, and both members answer', new Set(await requests(next.vip_address, 6)).size === 2);
  claim('the load balancer is ACTIVE', healed.provisioning_status === 'ACTIVE', healed.provisioning_status);
  await run(['health', 'show']);

  say('\n12. The same with a pair: its MASTER dies under load, and the other one takes over');
  const tools = { say, claim, requests, processesOf: processesOfServers };
  const pair = await showPair({ ...tools, client, created: pairId, single: outage });

  say('\n13. Images are released to a small fleet under load: a good one, and two bad ones');
  await Promise.all([balancer, orphan, next, pair].map(({ id }) => client.remove(id)));
  const fleet = await showReleases({ folder, client, members, say, claim, run, ask, requests });

  say('\n14. The end: everything deleted, processes gone');
  await Promise.all(fleet.map(({ id }) => client.remove(id)));
  claim('nothing is left in Neutron', (await client.portsLeft()) === 0, String(await client.portsLeft()));
  claim('deleting them ended their processes', processesOfServers().length === 0, processesOfServers().join(', '));
  for (const member of members) await member.close();
  await stop(again);
  await stop(cloud);
  claim('nothing of it runs any more', processesOfServers().length === 0, processesOfServers().join(', '));
}

type Members = readonly { port: number }[];

async function createBalancer(client: LoadBalancerClient, name: string, members: Members) {
  const startedMs = performance.now();
  const { id } = await client.create(name, members);
  const balancer = await client.untilSettled(id);
  say(`  POST /v2/lbaas/loadbalancers → ${id}`);
  say(
    `  VIP ${balancer.vip_address}, ${balancer.provisioning_status} after ${Math.round(performance.now() - startedMs)} ms`,
  );
  claim(`load balancer ${name} is ACTIVE`, balancer.provisioning_status === 'ACTIVE', balancer.provisioning_status);
  return balancer;
}

/** What answers behind a VIP, request by request. */
async function requests(vip: string, count: number): Promise<string[]> {
  const answers: string[] = [];
  for (let sent = 0; sent < count; sent++) {
    answers.push(
      await fetch(`http://${vip}:8080/`, { signal: AbortSignal.timeout(3_000), headers: { connection: 'close' } }).then(
        async (answer) => (await answer.text()).trim(),
        (error: Error) => `no answer (${error.message})`,
      ),
    );
  }
  return answers;
}

/** Asks the VIP all the while that something is done. */
async function duringRequests(vip: string, work: () => Promise<unknown>): Promise<{ sent: number; failed: number }> {
  let done = false;
  const finished = work().finally(() => {
    done = true;
  });
  const seen = { sent: 0, failed: 0 };
  while (!done) {
    const [answer = ''] = await requests(vip, 1);
    seen.sent++;
    if (!/^member/.test(answer)) seen.failed++;
  }
  await finished;
  return seen;
}

async function kill(child: ChildProcess): Promise<void> {
  // `bin/kiln` has become the process itself (exec).
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

// biome-ignore lint/suspicious/noExplicitAny: see ask.
async function imageNamed(name: string): Promise<any> {
  // biome-ignore lint/suspicious/noExplicitAny: see ask.
  const images: any[] = await ask(['image', 'list']);
  return images.find((image) => image.name === name) ?? {};
}

/** Processes that run what images of the demo's cloud held; those of one server, if one is named. */
function processesOfServers(serverId = ''): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/servers/${serverId}`);
    } catch {
      return false; // It ended while we looked.
    }
  });
}

/** Asks the VIP from a blow on until it answers again. */
async function outageOf(vip: string, strike: () => void): Promise<Outage> {
  strike();
  const beganMs = performance.now();
  for (let failed = 0; ; failed++) {
    const [answer = ''] = await requests(vip, 1);
    const seconds = (performance.now() - beganMs) / 1000;
    if ((/^member/.test(answer) && failed > 0) || seconds > 120) return { failed, seconds };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A cloud, an image with the tag, and Kiln. */
async function startAll(): Promise<{ members: Member[]; client: LoadBalancerClient }> {
  say('1. A cloud on loopback, an amphora image with the tag, and Kiln, which knows the tag alone');
  await start(['dev', '--state-dir', folder], /ready/i);
  const image = join(folder, 'amphora-2.0.img');
  await run(['image', 'build', '--name', 'amphora', '--version', '2.0', '--output', image], { show: 'nothing' });
  await run(['image', 'push', image, '--name', 'amphora-2.0', '--tag', 'amphora'], { show: 'progress' });
  await start(['serve'], /serving/i);
  return {
    members: [await startMember('one'), await startMember('two')],
    client: await createLoadBalancerClient(folder),
  };
}

/** `npm run demo -- release`: this part alone. */
async function releasesAlone(): Promise<void> {
  const { client, members } = await startAll();
  say('\n2. Images are released to a small fleet under load: a good one, and two bad ones');
  await showReleases({ folder, client, members, say, claim, run, ask, requests });
  for (const member of members) await member.close();
}

/** `npm run demo -- --ui`: until it is interrupted. */
async function pageAlone(): Promise<void> {
  const { client, members } = await startAll();
  await leavePageRunning({ folder, client, members, say, claim, run, ask, requests, processesOf: processesOfServers });
  await interrupted;
}

const parts: Readonly<Record<string, () => Promise<void>>> = { release: releasesAlone, '--ui': pageAlone };
const [chosen] = process.argv.slice(2);
const part = chosen === undefined ? main : parts[chosen];
if (!part) {
  console.error(`npm run demo -- ${chosen}: there is no such part; there are: ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}

try {
  await Promise.race([part(), interrupted]);
} catch (error) {
  if (!interruption.signal.aborted) {
    failures++;
    console.error(error);
  }
} finally {
  if (interruption.signal.aborted) say('\nEnding what was started.');
  for (const child of children.reverse()) await stop(child);
  rmSync(folder, { recursive: true, force: true });
}
if (interruption.signal.aborted) {
  say(`Ended; nothing of it runs any more (${seconds()}).`);
  process.exit(chosen === '--ui' && failures === 0 ? 0 : 130);
}
say(failures === 0 ? `\nAll of it held, in ${seconds()}.` : `\n${failures} of it did NOT hold (${seconds()}).`);
process.exit(failures === 0 ? 0 : 1);

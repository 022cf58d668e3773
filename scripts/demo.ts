/**
 * `npm run demo`: the main job, shown. Everything it starts is real (the embedded cloud, a `kiln serve`, amphorae that
 * run what is in the image), lives in a temporary folder, and is gone when it ends.
 * Exit status 0 only if every claim it prints was seen to hold.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const kiln = join(import.meta.dirname, '..', 'bin', 'kiln');
const folder = mkdtempSync(join(tmpdir(), 'kiln-demo-'));
const startedAt = process.hrtime.bigint();
const children: ChildProcess[] = [];
let failures = 0;

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
  options: { show?: 'result' | 'progress' | 'nothing'; environment?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const { show = 'result' } = options;
  if (show !== 'nothing') say(`$ kiln ${shown(arguments_)}`);
  const child = spawn(kiln, arguments_, {
    env: { ...process.env, ...environment, ...options.environment, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const told = exitCode !== 0 ? output + errors : show === 'progress' ? errors : output;
  if (show !== 'nothing') for (const line of told.trimEnd().split('\n')) say(`  ${line}`);
  return { exitCode, output: exitCode === 0 ? output : told };
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
  say(`$ kiln ${shown(arguments_)} &`);
  const child = spawn(kiln, arguments_, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
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

  say('\n8. The end: amphorae deleted, processes gone');
  const booted = [first, second].map((amphora) => amphora?.id as string);
  claim('until now each amphora was a process of its own', processesOfServers().length >= booted.length);
  for (const id of booted) await run(['amphora', 'delete', id]);
  claim('deleting them ended their processes', processesOfServers().length === 0, processesOfServers().join(', '));
  await stop(serve);
  await stop(cloud);
  claim('nothing of it runs any more', processesOfServers().length === 0, processesOfServers().join(', '));
}

// biome-ignore lint/suspicious/noExplicitAny: see ask.
async function imageNamed(name: string): Promise<any> {
  // biome-ignore lint/suspicious/noExplicitAny: see ask.
  const images: any[] = await ask(['image', 'list']);
  return images.find((image) => image.name === name) ?? {};
}

/** Command lines of the processes that run what images of the demo's cloud held. */
function processesOfServers(): string[] {
  const commandLines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // It ended while we looked.
      }
    });
  return commandLines.filter((commandLine) => commandLine.includes(`${folder}/servers/`));
}

try {
  await main();
} catch (error) {
  failures++;
  console.error(error);
} finally {
  for (const child of children.reverse()) await stop(child);
  rmSync(folder, { recursive: true, force: true });
}
say(failures === 0 ? `\nAll of it held, in ${seconds()}.` : `\n${failures} of it did NOT hold (${seconds()}).`);
process.exit(failures === 0 ? 0 : 1);

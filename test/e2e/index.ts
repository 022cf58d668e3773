/**
 * `npm run e2e`: the cases of by-tag/cases against any cloud of clouds.yaml, through processes of Kiln's own. Closes with
 * `N passed, N failed`. Exit status 0 only if at least one ran, none failed, and nothing is left in the cloud.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases } from './by-tag/cases/index.ts';
import { buildImages, startOwnCloud } from './by-tag/embedded.ts';
import { type Outcome, openRun, performAlongside, type Run, type RunSettings } from './by-tag/run.ts';
import { findCloudsFile, findConfigurationFile, type Options, readOptions, UsageError, usage } from './options.ts';

const EMBEDDED = 'embedded';

// npm runs scripts in the package's folder; what the user names is in their own.
if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

const control = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (control.signal.aborted) {
      console.error('A second signal: what is still there stays.');
      process.exit(130);
    }
    console.error(`${signal}: removing what was made; a second one leaves it there`);
    control.abort(new Error(`interrupted by ${signal}`));
  });
}

// Not by what may still be open: whatever happened, it is over.
process.exit(await main());

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (!options) {
      console.log(usage);
      return 0;
    }
    if (options.list) {
      for (const { name, needs } of cases) console.log(needs.length > 0 ? `${name} (needs ${needs.join(', ')})` : name);
      return 0;
    }
    return await runIn(options);
  } catch (error) {
    const { message } = error as Error;
    console.error(`error: ${message}`);
    if (error instanceof UsageError) console.error('See: npm run e2e -- --help');
    return 2;
  }
}

/** Finds the cloud, or starts it. */
async function runIn(options: Options): Promise<number> {
  const selected = cases.filter(({ name }) => options.only.test(name));
  if (selected.length === 0) throw new UsageError('--only: no case has such a name; see --list');
  const scratch = mkdtempSync(join(tmpdir(), 'kiln-e2e-images-'));
  const found = findCloudsFile();
  const own = options.cloud === EMBEDDED && !found?.names.includes(EMBEDDED) ? await startOwnCloud() : null;
  try {
    if (own) process.env.OS_CLIENT_CONFIG_FILE = own.cloudsFile;
    const clouds = own ? findCloudsFile() : found;
    if (!clouds) throw new UsageError('there is no clouds.yaml; --cloud embedded needs none');
    const cloud = own ? 'kiln-dev' : options.cloud;
    const other = (given: string | null, name: string) => given ?? (clouds.names.includes(name) ? name : null);
    const [first, second = first] = options.images;
    const settings: RunSettings = {
      cloud,
      adminCloud: other(options.adminCloud, `${cloud}-admin`),
      tenantCloud: other(options.tenantCloud, `${cloud}-demo`),
      configurationFile: own?.configurationFile ?? findConfigurationFile(options.configFile, clouds.file),
      images: first && second ? { old: first, new: second } : await buildImages(scratch),
      vipSubnet: options.vipSubnet,
      playGuests: options.guests,
      shared: options.shared,
      keep: options.keep,
      // Through Kiln's processes is removed what they made.
      interruptible: true,
      signal: control.signal,
    };
    const run = await openRun(settings);
    return await perform(run, selected, options);
  } finally {
    await own?.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function perform(run: Run, selected: typeof cases, { json, keep, cloud }: Options): Promise<number> {
  const tell = json ? console.error : console.log;
  const results: ({ name: string } & Outcome)[] = [];
  tell(`cloud ${cloud}; everything is named ${run.name}`);
  const early = performAlongside(run, selected);
  for (const one of selected) {
    if (control.signal.aborted) break;
    const outcome = await (early.get(one) ?? run.perform(one));
    if (control.signal.aborted) break;
    results.push({ name: one.name, ...outcome });
    tell(lineOf(one.name, outcome));
  }
  const performed = results.length;
  if (performed < selected.length) tell(`interrupted: ${selected.length - performed} cases did not come to an end`);

  const startMs = performance.now();
  const left = await run.close();
  for (const one of left) tell(`✗ left behind: ${one}`);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  if (keep) tell(`nothing was removed: look for ${run.name}`);
  else if (left.length === 0) tell(`all that was made is removed (${seconds} s)`);

  const count = (status: Outcome['status']) => results.filter((result) => result.status === status).length;
  const failed = count('failed') + (left.length > 0 ? 1 : 0) + (performed < selected.length ? 1 : 0);
  if (json) console.log(JSON.stringify({ run: run.name, cases: results.map(asJson), left }, null, 2));
  if (count('skipped') > 0) tell(`${count('skipped')} skipped`);
  tell(`${count('passed')} passed, ${failed} failed`);
  return failed === 0 && count('passed') > 0 ? 0 : 1;
}

function lineOf(name: string, outcome: Outcome): string {
  const seconds = `${outcome.seconds.toFixed(1)} s`;
  switch (outcome.status) {
    case 'passed':
      return `✓ ${name} (${seconds})`;
    case 'skipped':
      return `- ${name}\n  skipped: ${outcome.reason}`;
    case 'failed':
      return `✗ ${name} (${seconds})\n  ${outcome.error.message.trim().replaceAll('\n', '\n  ')}`;
  }
}

function asJson(result: { name: string } & Outcome): object {
  return result.status === 'failed' ? { ...result, error: result.error.message } : result;
}

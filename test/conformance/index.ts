/**
 * `npm run tempest`: OpenStack's own API tests for Octavia (Debian's octavia-tempest-plugin) against Kiln in the test bed:
 * real Keystone, drivers that touch no cloud, on SQLite and on MariaDB. Closes with `N passed, N failed`; a run over all
 * tests writes docs/conformance.md, which names the databases of that run. Exit status 0 only if tests ran and none failed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDebianPackages } from '../../scripts/debian-packages.ts';
import { startKilnApi } from '../kit/kiln-api.ts';
import { readTestbed, type TestbedAccess } from '../kit/testbed-access.ts';
import { makeDatabase } from '../kit/testbed-database.ts';
import { addRegion } from './catalog.ts';
import { count, type DatabaseRun, renderReport } from './report.ts';
import { runTempest, type TestResult } from './run-tempest.ts';
import { TAG_TESTS, tagTests } from './tag-tests.ts';
import { writeWorkspace } from './workspace.ts';

const ALL = 'octavia_tempest_plugin.tests.api';
const DATABASES = ['sqlite', 'mariadb'] as const;
type Database = (typeof DATABASES)[number];
/** The suite's tests of roles are for clouds where one of Octavia's own is needed. */
const policyFile = join(import.meta.dirname, '..', '..', 'etc', 'policy', 'load-balancer-roles.yaml');
/** Elsewhere than on a terminal, a line for so many tests. */
const EVERY = 50;

const usage = `npm run tempest [-- OPTIONS]

  --database NAME     sqlite, mariadb or both (default: both)
  --tag-tests         instead, the tests of tempest/ (which image is booted), against Kiln and Octavia with real Nova and Glance;
                      writes docs/tag-tests.md
  --only REGEX        those tests whose name matches (default: all)
  --concurrency N     workers of Tempest (default: 4)
  --json              the results as JSON on stdout, and no docs/conformance.md

Examples:
  npm run tempest
  npm run tempest -- --database sqlite --only 'test_pool\\.'
  npm run tempest -- --tag-tests
`;

interface Options {
  databases: readonly Database[];
  only: string;
  tagTests: boolean;
  concurrency: number;
  json: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      database: { type: 'string', default: 'both' },
      only: { type: 'string', default: '' },
      'tag-tests': { type: 'boolean', default: false },
      concurrency: { type: 'string', default: '4' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const databases = values.database === 'both' ? DATABASES : DATABASES.filter((name) => name === values.database);
  if (databases.length === 0) refuse(`--database: ${values.database}: allowed are sqlite, mariadb and both`);
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1)
    refuse(`--concurrency: ${values.concurrency}: a whole number from 1`);
  // Tempest has tests of its own, for Nova and others, which are nobody's business here.
  const all = values['tag-tests'] ? TAG_TESTS : ALL;
  const only = values.only === '' ? all : `${all}.*(${values.only})`;
  return { databases, only, tagTests: values['tag-tests'], concurrency, json: values.json };
}

function refuse(message: string): never {
  console.error(`${message}. See: npm run tempest -- --help`);
  process.exit(2);
}

const options = readOptions();
const tell = (text: string) => console.error(text);

ensureDebianPackages(['tempest', 'octavia-tempest-plugin']);
if (spawnSync('bash', ['testbed/up.sh'], { stdio: ['ignore', 2, 2] }).status !== 0) {
  tell('The test bed did not come up; the log it named above says why.');
  console.log('0 passed, 1 failed');
  process.exit(1);
}
const bed = readTestbed();
if (options.tagTests) process.exit((await tagTests(bed, options.only, tell)) ? 0 : 1);
const runs: DatabaseRun[] = [];
for (const database of options.databases) runs.push(await conformance(bed, database));

const total = runs
  .map(({ results }) => count(results))
  .reduce((sum, one) => ({
    passed: sum.passed + one.passed,
    skipped: sum.skipped + one.skipped,
    failed: sum.failed + one.failed,
  }));
if (options.json) console.log(JSON.stringify(runs, null, 2));
else if (options.only === ALL) {
  const versions = { tempest: versionOf('tempest'), plugin: versionOf('octavia-tempest-plugin') };
  writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'conformance.md'), renderReport(versions, runs));
  tell('wrote docs/conformance.md');
}
const close = `${total.passed} passed, ${total.failed} failed`;
if (options.json) tell(close);
else console.log(close);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

/** Kiln on that database, and the tests against it. What is started and made here ends with it. */
async function conformance(bed: TestbedAccess, database: Database): Promise<DatabaseRun> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-tempest-'));
  const mariadb = database === 'mariadb' ? await makeDatabase() : null;
  const kiln = await startKilnApi(bed, folder, {
    ...(mariadb ? { connection: mariadb.connection } : {}),
    sections: { oslo_policy: { policy_file: policyFile } },
  });
  const region = await addRegion(bed, `kiln-conformance-${database}`, kiln.endpoint);
  try {
    writeWorkspace(folder, bed, region.name);
    const failed: TestResult[] = [];
    let ended = 0;
    const run = await runTempest(folder, options.only, options.concurrency, (result) => {
      ended++;
      if (result.status === 'fail') {
        failed.push(result);
        tell(`${database}: FAILED ${result.name}\n${result.traceback}`);
      }
      const line = `${database}: ${ended} tests, ${failed.length} failed`;
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${line}`);
      else if (ended % EVERY === 0) tell(line);
    });
    const { passed, skipped, failed: failures } = count(run.results);
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
    tell(`${database}: ${passed} passed, ${skipped} skipped, ${failures} failed in ${Math.round(run.seconds)} s`);
    return { database: database === 'sqlite' ? 'SQLite' : 'MariaDB', ...run };
  } finally {
    await region.remove();
    await kiln.stop();
    await mariadb?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function versionOf(name: string): string {
  const query = ['--show', '--showformat', '$' + '{Version}', name];
  return spawnSync('dpkg-query', query, { encoding: 'utf8' })
    .stdout.replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '');
}

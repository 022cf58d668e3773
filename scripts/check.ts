/**
 * `npm run check`: types, lint and format, floating promises, import arrows and cycles, dead code, two house rules, and shell
 * scripts.
 * Runs every check even when one fails, so that one run shows all faults; the tools run side by side. Exit status 0 only if all hold.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import pLimit from 'p-limit';
import { ensureDebianPackages } from './debian-packages.ts';

const tools: Array<[name: string, file: string, ...args: string[]]> = [
  ['types, also of the page, and promises', 'scripts/check-types.ts'],
  ['lint and format', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  ['import arrows and cycles', 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', 'src'],
  ['dead code', 'node_modules/knip/bin/knip.js'],
];

let failed = 0;
function report(name: string, faults: string): void {
  console.log(`${faults ? 'FAILED' : 'ok    '}  ${name}`);
  if (faults) {
    failed++;
    console.log(faults.trimEnd());
  }
}

async function runTool(name: string, ...command: string[]): Promise<void> {
  const tool = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors, [status]] = await Promise.all([text(tool.stdout), text(tool.stderr), once(tool, 'close')]);
  report(name, status === 0 ? '' : `${output}${errors}` || `exit status ${status}`);
}

// One takes as long as all the others together.
const atOnce = pLimit(Math.max(2, availableParallelism()));
const toolsRun = Promise.all(tools.map((tool) => atOnce(() => runTool(...tool))));

/** Words that only some folders may use: the environment has one reader, wall time has one source. A socket's own limit, `socket.setTimeout`, is no timer of ours. */
const reserved: Array<{ what: string; pattern: RegExp; allowed: RegExp }> = [
  {
    what: 'process.env is read only in config/ and main/',
    pattern: /\bprocess\.env\b/,
    allowed: /^src\/(config|main)\//,
  },
  {
    what: 'wall clock and timers only in the clock adapter and for the limits of sockets and databases and certificates (embedded cloud, agent and page are programs of their own)',
    pattern: /\bDate\.now\(|\bnew Date\(\)|(?<!\.)\bsetTimeout\(|\bsetInterval\(|\bperformance\.now\(/,
    allowed:
      /^src\/(adapters\/clock\/|dev-cloud\/|dev-agent\/|http\/|ui\/|adapters\/openstack\/http\.ts|adapters\/storage\/sqlite\.ts|lib\/answer-in-time\.ts|adapters\/amphora-agent\/expired-certificate\.ts)/,
  },
];
for (const rule of reserved) {
  const faults: string[] = [];
  for (const file of globSync('src/**/*.ts')) {
    if (rule.allowed.test(file) || file.endsWith('.test.ts')) continue;
    readFileSync(file, 'utf8')
      .split('\n')
      .forEach((line, index) => {
        if (rule.pattern.test(line) && !/^\s*(\*|\/\/)/.test(line)) faults.push(`${file}:${index + 1}: ${line.trim()}`);
      });
  }
  report(rule.what, faults.join('\n'));
}

/** Files and folders that documents name, whole or from `src/` on; a name alone may stand anywhere. The CHANGELOG tells of the past. */
const named =
  /`((?:[\w.-]+\/)*[\w-]+(?:\.[\w-]+)*\.(?:ts|py|cjs)|(?:src|test|docs|scripts|bench|packaging|testbed|devstack|etc)\/[\w./-]+)`/g;
const sources = globSync(['{src,test,scripts,bench,testbed,devstack,packaging}/**/*', '*.*', '.*.cjs']);
const paths = new Set(sources.flatMap((path) => [path, path.replace(/^src\//, '')]));
const endings = new Set(sources.map((path) => path.replace(/^.*\//, '')));
const missing: string[] = [];
for (const document of globSync(['*.md', '{docs,testbed,devstack,etc,packaging}/**/*.md'])) {
  if (document === 'CHANGELOG.md') continue;
  for (const [, name = ''] of readFileSync(document, 'utf8').matchAll(named)) {
    const path = name.replace(/\/$/, '');
    if (existsSync(path) || paths.has(path) || endings.has(path)) continue;
    if (sources.some((source) => source.endsWith(`/${path}`))) continue;
    // Octavia's own files, and what a command makes.
    if (/^(octavia|tests\/|dist\/)/.test(path)) continue;
    missing.push(`${document}: ${name}`);
  }
}
report('files that documents name', missing.join('\n'));

/** Last: where the package is missing and may not be installed, everything else has been checked. */
ensureDebianPackages(['shellcheck']);
const scripts = globSync([
  'bin/kiln',
  'scripts/*.sh',
  'testbed/**/*.sh',
  'devstack/settings',
  'devstack/**/*.sh',
  'test/devstack/*.sh',
  'test/devstack/stand-in/*',
]);
const shell = spawnSync('shellcheck', ['--external-sources', '--source-path=SCRIPTDIR', ...scripts], {
  encoding: 'utf8',
});
report('shell scripts', shell.status === 0 ? '' : `${shell.stdout}${shell.stderr}` || `exit status ${shell.status}`);

await toolsRun;
process.exit(failed > 0 ? 1 : 0);

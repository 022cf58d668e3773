import type { Run, TestResult } from './run-tempest.ts';

/** What one run on one database gave. */
export interface DatabaseRun extends Run {
  database: string;
}

export interface Counts {
  passed: number;
  skipped: number;
  failed: number;
}

export function count(results: readonly TestResult[]): Counts {
  const of = (...statuses: TestResult['status'][]) => results.filter(({ status }) => statuses.includes(status)).length;
  return { passed: of('success', 'xfail'), skipped: of('skip'), failed: of('fail', 'uxsuccess') };
}

const PREFIX = 'octavia_tempest_plugin.tests.api.v2.';
/** `octavia_tempest_plugin.tests.api.v2.test_pool.PoolAPITest.test_pool_show[id-…]` → `test_pool.PoolAPITest.test_pool_show`. */
const short = (name: string) => name.replace(PREFIX, '').replace(/\[.*\]/, '');
const minutes = (seconds: number) => `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

/** `docs/conformance.md`: how many tests passed, and each one that did not, with the reason. */
export function renderReport(versions: { tempest: string; plugin: string }, runs: readonly DatabaseRun[]): string {
  const rows = runs.map(({ database, results, seconds }) => {
    const { passed, skipped, failed } = count(results);
    return `| ${database} | ${passed} | ${skipped} | ${failed} | ${minutes(seconds)} |`;
  });
  return [
    '# Conformance',
    '',
    '_Made by `npm run tempest`. Do not edit._',
    '',
    `All API tests of OpenStack's own suite for Octavia (octavia-tempest-plugin ${versions.plugin}, Tempest ${versions.tempest}), run against`,
    '`kiln serve` with real Keystone, users made for each class of tests, drivers that touch no cloud, and the policy of',
    '`etc/policy/load-balancer-roles.yaml`.',
    '',
    '| database | passed | skipped | failed | time |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
    '| the real Octavia 11 on MariaDB, for comparison | 425 | 148 | 0 | 32 min 19 s |',
    '',
    ...renderFailed(runs),
    ...renderSkipped(runs[0]?.results ?? []),
  ].join('\n');
}

function renderFailed(runs: readonly DatabaseRun[]): string[] {
  const failed = runs.flatMap(({ database, results }) =>
    results
      .filter(({ status }) => status === 'fail' || status === 'uxsuccess')
      .map(({ name, traceback }) => ({ database, name, why: lastLine(traceback) })),
  );
  if (failed.length === 0) return ['No test failed.', ''];
  return [
    '## Failed',
    '',
    ...failed.map(({ database, name, why }) => `- \`${short(name)}\` on ${database}: ${why}`),
    '',
  ];
}

/** By reason: what is not tried, and why not. The reasons are the suite's own. */
function renderSkipped(results: readonly TestResult[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, status, reason } of results)
    if (status === 'skip') byReason.set(reason, [...(byReason.get(reason) ?? []), short(name)]);
  const reasons = [...byReason].sort(([, one], [, other]) => other.length - one.length);
  return [
    '## Skipped',
    '',
    'The suite itself skips these with this configuration, as it does with the real Octavia 11.',
    '',
    ...reasons.flatMap(([reason, names]) => [
      `### ${reason.trim()}`,
      '',
      ...names.sort().map((name) => `- \`${name}\``),
      '',
    ]),
  ];
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)?.trim() ?? '';

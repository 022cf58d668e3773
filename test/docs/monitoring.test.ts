import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Dashboard and alert rules name metrics that there are: docs/generated/metrics.md is made from the code, and compared with it. */

const rules = readFileSync('packaging/prometheus/kiln.rules.yml', 'utf8');
const dashboard = readFileSync('packaging/grafana/kiln.json', 'utf8');
const rows = [
  ...readFileSync('docs/generated/metrics.md', 'utf8').matchAll(/^\| `(kiln_\w+)` \| (\w+) \| ([\w, -]+) \|/gm),
];
const labelsOf = new Map(rows.map(([, name = '', , labels = '']) => [name, labels === '-' ? [] : labels.split(', ')]));

it.each([
  ['alert rules', rules],
  ['dashboard', dashboard],
])('every metric in the %s exists, with the labels that it is asked by', (_what, text) => {
  const expressions = [...text.matchAll(/\b(kiln_\w+)(?:\{((?:[^}"]|\\?"[^"]*")*)\})?/g)];
  expect(expressions.length).toBeGreaterThan(10);
  for (const [, name = '', selector = ''] of expressions) {
    expect([...labelsOf.keys()]).toContain(name);
    const asked = [...selector.matchAll(/(\w+)(?:=~|!=|!~|=)/g)].map(([, label]) => label);
    for (const label of asked) expect(labelsOf.get(name)).toContain(label);
  }
});

it('the dashboard is JSON, with panels that lie beside each other', () => {
  const { panels } = JSON.parse(dashboard) as { panels: { id: number; gridPos: { x: number; w: number } }[] };
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
});

/** Of Debian's package prometheus; KILN_PROMTOOL where it is not in the path. */
const promtool = process.env.KILN_PROMTOOL || 'promtool';
it.skipIf(spawnSync(promtool, ['--version']).status !== 0)('promtool takes the alert rules', () => {
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'rules', 'packaging/prometheus/kiln.rules.yml']);
  expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

import { defineCommand } from '../command.ts';
import type { Verdict } from '../doctor/check.ts';
import { checkGroups } from '../doctor/index.ts';
import { type CheckResult, type DoctorReport, runDoctor } from '../doctor/run.ts';
import { plural } from '../format/duration.ts';
import { printable, wrap } from '../format/printable.ts';
import { parseWhole } from '../options.ts';
import type { View } from '../output/view.ts';

const marks: Record<Verdict, readonly [mark: string, colour: 'green' | 'yellow' | 'red' | 'dim']> = {
  ok: ['✓', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✗', 'red'],
  skip: ['-', 'dim'],
};

export const doctor = defineCommand<{ limit?: number }>({
  noun: null,
  verb: 'doctor',
  summary: 'Check everything that booting an amphora needs, and say what to do about what is wrong',
  description:
    'Configuration, credentials, services, image and tag, flavor, networks, security groups, key, zone, certificates. ' +
    'Changes nothing. Every check runs, but for those that need one that failed. Warnings leave the status at 0; else ' +
    'it is that of the first check that failed.',
  options: [
    {
      flags: '--limit <seconds>',
      help: 'time for each check (default: 15)',
      parse: parseWhole('--limit', 1, 3600),
    },
  ],
  examples: ['kiln doctor', 'kiln doctor --config-file /etc/octavia/octavia.conf --json'],
  exits: ['noUsableImage', 'severalImages', 'cloudUnreachable'],
  async run({ options, context, clock, signal, progress }) {
    let report: DoctorReport;
    try {
      report = await runDoctor(checkGroups, {
        context,
        clock,
        signal,
        limitSeconds: options.limit ?? 15,
        onCheck: (check) => progress.status(`checking: ${check.title}`),
      });
    } finally {
      progress.status(null);
    }
    return {
      document: report,
      ids: report.results.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id),
      exitCode: report.exitCode,
      render: (view) => render(report, view),
    };
  },
});

function render(report: DoctorReport, view: View): string {
  const groups = Map.groupBy(report.results, ({ group }) => group);
  const blocks = [...groups].map(([title, results]) =>
    [view.paint('bold', title), ...results.map((result) => renderResult(result, view))].join('\n'),
  );
  const { ok, warn, fail, skip } = report.counts;
  const counts = [`${ok} ok`, plural(warn, 'warning'), `${fail} failed`, ...(skip > 0 ? [`${skip} skipped`] : [])];
  return [...blocks, `${counts.join(', ')}.`].join('\n\n');
}

function renderResult({ verdict, title, finding, advice }: CheckResult, view: View): string {
  const [mark, colour] = marks[verdict];
  const found = indent(`${title}: ${printable(finding)}`, '    ', view);
  const lines = [`  ${view.paint(colour, mark)} ${found.trimStart()}`];
  if (advice !== undefined && verdict !== 'ok') lines.push(indent(`→ ${printable(advice)}`, '      ', view));
  return lines.join('\n');
}

function indent(text: string, blanks: string, { columns }: View): string {
  const lines = columns === null ? [text] : wrap(text, columns - blanks.length);
  return lines.map((line) => blanks + line).join('\n');
}

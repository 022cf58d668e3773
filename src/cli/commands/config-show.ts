import { exitCodes } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import type { ConfigurationRemark, ConfigurationRow, ConfigurationView } from '../context.ts';
import { plural } from '../format/duration.ts';
import { printable } from '../format/printable.ts';
import { placedRemark } from '../format/remark.ts';
import type { View } from '../output/view.ts';

export const configShow = defineCommand<{ all?: boolean }>({
  noun: 'config',
  verb: 'show',
  summary: 'Print what is in force and where each value comes from',
  description: 'In the form of octavia.conf. Secrets are masked. Ends with status 2 when the configuration has faults.',
  options: [{ flags: '--all', help: 'the options at their defaults as well' }],
  examples: ['kiln config show', 'kiln config show --all --config-file /etc/octavia/octavia.conf'],
  exits: [],
  async run({ options, context }) {
    const view = await context.configuration();
    const rows = options.all ? view.rows : view.rows.filter((row) => !row.isDefault);
    return {
      document: { ...view, rows },
      ids: rows.map((row) => `[${row.section}] ${row.option}`),
      exitCode: view.faults.length > 0 ? exitCodes.usageOrConfiguration : exitCodes.done,
      render: (look) => render(view, rows, look),
    };
  },
});

function render(configuration: ConfigurationView, rows: readonly ConfigurationRow[], view: View): string {
  const { files } = configuration;
  const parts = [
    files.length > 0 ? files.map((file) => `# read: ${printable(file)}`).join('\n') : '# no file was read',
  ];
  for (const section of new Set(rows.map((row) => row.section))) {
    const lines = rows.filter((row) => row.section === section).map((row) => renderRow(row, view));
    parts.push([view.paint('bold', `[${printable(section)}]`), ...lines].join('\n'));
  }
  if (rows.length === 0) parts.push('# everything is at its default; --all shows the defaults');
  parts.push(
    ...remarks('faults: these values are not allowed', configuration.faults, view, 'red'),
    ...remarks('unknown: no Octavia has these options', configuration.unknown, view, 'yellow'),
    ...remarks('deprecated', configuration.deprecated, view, 'yellow'),
  );
  parts.push(...remarks('cautions', configuration.cautions, view, 'yellow'));
  if (configuration.unused.length > 0) {
    const count = plural(configuration.unused.length, "option of Octavia's", "options of Octavia's");
    parts.push(view.paint('dim', `# ${count} that Kiln does not use: \`kiln doctor\` names them`));
  }
  return parts.join('\n\n');
}

function renderRow(row: ConfigurationRow, view: View): string {
  const source = row.note === undefined ? row.source : `${row.source}; ${row.note}`;
  return `${printable(row.option)} = ${printable(row.value)}  ${view.paint('dim', `# ${printable(source)}`)}`;
}

function remarks(title: string, list: readonly ConfigurationRemark[], view: View, colour: 'red' | 'yellow'): string[] {
  if (list.length === 0) return [];
  const lines = list.map((remark) => printable(`#   ${placedRemark(remark)}`));
  return [[view.paint(colour, `# ${title}`), ...lines].join('\n')];
}

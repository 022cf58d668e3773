import { eachOption } from '../../src/config/describe.ts';
import { formatValue } from '../../src/config/evaluate.ts';
import type { Option } from '../../src/config/option.ts';
import { type Declarations, declarations } from '../../src/config/options/index.ts';

const introduction = `# Options

Made from the declarations in \`src/config/options\` by \`npm run docs:generate\`. Don't edit.

Kiln reads the \`octavia.conf\` that Octavia reads: the same sections, names, types and, but for those
[below](#defaults-that-are-not-octavias), defaults. Options of Octavia that are not listed here are accepted and not used;
\`kiln doctor\` names those that are set. What is listed and has no effect says so.

- \`--config-file\` and \`--config-dir\` may be given more than once; of two files that set an option, the later one counts.
- The environment variable \`OS_<SECTION>__<OPTION>\`, in capitals, overrides the files.
- \`$name\` and \`\${name}\` stand for an option of the same section or of [DEFAULT], \`$section.name\` for one of another
  section; a dollar sign itself is \`$$\`.
- *Reload*: "yes" takes effect on \`SIGHUP\`; the others after a restart.
- \`kiln config show\` prints what is in force and where it comes from.
`;

/** docs/generated/options.md. */
export function renderOptions(): string {
  const sections = Object.entries<Declarations[string]>(declarations).map(([section, options]) =>
    [
      `## [${section}]`,
      '',
      '| Option | Type and bounds | Default | Reload | What it does |',
      '| --- | --- | --- | --- | --- |',
      ...Object.entries(options).map(([name, option]) => renderRow(name, option)),
      '',
    ].join('\n'),
  );
  return [introduction, ...sections, renderDefaults()].join('\n');
}

function renderDefaults(): string {
  const rows = [...eachOption()].flatMap(([section, name, option]) => {
    if (!option.octaviaDefault) return [];
    const { value, reason } = option.octaviaDefault;
    return [`| \`[${section}] ${name}\` | ${describeDefault(option)} | \`${value}\` | ${reason} |`];
  });
  return [
    "## Defaults that are not Octavia's",
    '',
    "| Option | Kiln's | Octavia's | Because |",
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function renderRow(name: string, option: Option<unknown>): string {
  const cells = [
    `\`${name}\``,
    describeType(option),
    describeDefault(option),
    option.mutable ? 'yes' : 'no',
    describeUse(option),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function describeType({ type, allowed, unit, secret }: Option<unknown>): string {
  const form: Record<string, string> = {
    string: allowed === 'any text' ? 'string' : `string, ${allowed}`,
    choice: `one of ${allowed}`,
    list: allowed === 'items separated by commas' ? 'list' : `list, ${allowed.replace(/^.*, each /, 'each ')}`,
    integer: allowed.replace(/^an /, ''),
    number: allowed.replace(/^a /, ''),
  };
  return [form[type] ?? type, unit, secret ? 'secret' : null].filter(Boolean).join('; ');
}

function describeDefault(option: Option<unknown>): string {
  const text = formatValue(option.default);
  const value = text === '' ? (Array.isArray(option.default) ? 'empty' : 'not set') : `\`${text}\``;
  return option.defaultVariable ? `\`$${option.defaultVariable}\`, else ${value}` : value;
}

function describeUse(option: Option<unknown>): string {
  const { help, deprecated, deprecatedNames, withoutEffect, octaviaDefault } = option;
  const older = deprecatedNames.map(([section, name]) => `\`[${section}] ${name}\``).join(', ');
  return [
    deprecated ? `*Deprecated: ${deprecated}.*` : null,
    withoutEffect ? `*Without effect: ${withoutEffect}.*` : null,
    help,
    octaviaDefault ? `Octavia's default: \`${octaviaDefault.value}\`.` : null,
    older ? `Older names: ${older}.` : null,
  ]
    .filter(Boolean)
    .join(' ');
}

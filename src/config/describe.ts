import { formatValue, type ValueSource } from './evaluate.ts';
import type { LoadedConfiguration, Origin } from './load.ts';
import { masked, maskUrlPasswords } from './mask.ts';
import type { Option } from './option.ts';
import { type Declarations, declarations } from './options/index.ts';

/** One option in force, fit to be shown. */
export interface ConfigurationRow {
  readonly section: string;
  readonly option: string;
  /** As octavia.conf would have it; secrets are masked. Empty: not set. */
  readonly value: string;
  /** In words: "/etc/octavia/octavia.conf:12", "OS_GLANCE__REGION_NAME", "default". */
  readonly source: string;
  readonly isDefault: boolean;
  /** Such as "deprecated: use cafile". */
  readonly note?: string;
}

/** What is in force and where it comes from: the options that are set, or all of them. */
export function describeConfiguration(loaded: LoadedConfiguration, { all }: { all: boolean }): ConfigurationRow[] {
  const rows: ConfigurationRow[] = [];
  for (const [section, option, declared] of eachOption()) {
    const origin = loaded.origins.get(`${section}.${option}`);
    const isDefault = !origin || origin.source.kind === 'default';
    if (isDefault && !all) continue;
    rows.push({
      section,
      option,
      value: showValue(readValue(loaded, section, option), origin),
      source: isDefault ? 'default' : formatSource(origin.source),
      isDefault,
      ...(declared.deprecated && !isDefault ? { note: `deprecated: ${declared.deprecated}` } : {}),
    });
  }
  return rows;
}

/** Where a value comes from, in words. */
export function formatSource(source: ValueSource): string {
  if (source.kind === 'file') return `${source.file}:${source.line}`;
  return source.kind === 'environment' ? source.variable : 'default';
}

/** The value of an option as it may be shown. */
export function showValue(value: unknown, origin: Origin | undefined): string {
  const text = formatValue(value);
  return origin?.secret && text !== '' ? masked : maskUrlPasswords(text);
}

/** Every declared option in the order of declaration. */
export function* eachOption(): Generator<[section: string, option: string, declared: Option<unknown>]> {
  for (const [section, options] of Object.entries<Declarations[string]>(declarations)) {
    for (const [option, declared] of Object.entries(options)) yield [section, option, declared];
  }
}

/** The value in force, for code that walks over all options. */
export function readValue(loaded: LoadedConfiguration, section: string, option: string): unknown {
  const sections: Readonly<Record<string, Readonly<Record<string, unknown>>>> = loaded.config;
  return sections[section]?.[option];
}

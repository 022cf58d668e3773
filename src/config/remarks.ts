import { isDeepStrictEqual } from 'node:util';
import { declaredOption, environmentVariable, type ValueSource } from './evaluate.ts';
import { knownOptions, knownSection } from './known-options.ts';
import { nearestWord } from './nearest.ts';
import type { Option } from './option.ts';
import type { Declarations } from './options/index.ts';
import type { ParsedFile } from './oslo-parser.ts';

/** A line of the configuration that is no fault but needs a word. */
export interface ConfigurationRemark {
  readonly section: string;
  /** Null when the whole section is meant. */
  readonly option: string | null;
  readonly source: ValueSource;
  readonly message: string;
}

export interface Remarks {
  /** Read under an older name, or on the way out. */
  readonly deprecated: readonly ConfigurationRemark[];
  /** No release of Octavia since Train had it: most likely a slip of the pen. */
  readonly unknown: readonly ConfigurationRemark[];
  /** Octavia has or had it; Kiln doesn't use it. */
  readonly unused: readonly ConfigurationRemark[];
  /** Allowed, and Kiln does otherwise than one would expect, or nothing, or it is dangerous. */
  readonly cautions: readonly ConfigurationRemark[];
}

/** An option that is set, and has no fault. */
export interface SetOption {
  readonly section: string;
  readonly option: string;
  readonly declared: Option<unknown>;
  readonly value: unknown;
  readonly source: ValueSource;
}

interface Use {
  section: string;
  option: string;
  source: ValueSource;
}

/** Sorts what files and environment set into what Kiln uses and what needs a remark. Each name is reported once. */
export function collectRemarks(
  declarations: Declarations,
  files: readonly ParsedFile[],
  environment: Readonly<Record<string, string | undefined>>,
  options: readonly SetOption[],
): Remarks {
  const deprecated: ConfigurationRemark[] = [];
  const unknown: ConfigurationRemark[] = [];
  const unused: ConfigurationRemark[] = [];
  const renamed = new Map<string, string>();
  for (const [section, options] of Object.entries(declarations)) {
    for (const [option, { deprecatedNames }] of Object.entries(options)) {
      for (const [oldSection, oldName] of deprecatedNames) {
        renamed.set(
          `${oldSection === 'DEFAULT' ? oldSection : oldSection.toLowerCase()}.${oldName}`,
          label(section, option),
        );
      }
    }
  }

  for (const use of [...usesInFiles(files), ...usesInEnvironment(declarations, environment)]) {
    const { section, option } = use;
    const declared = declaredOption(declarations, section, option);
    const newName = renamed.get(`${section}.${option}`);
    if (declared?.deprecated) deprecated.push({ ...use, message: `deprecated: ${declared.deprecated}` });
    else if (declared) continue;
    else if (newName) deprecated.push({ ...use, message: `deprecated name of ${newName}` });
    else if (knownOptions.get(knownSection(section))?.has(option))
      unused.push({ ...use, message: 'an option of Octavia that Kiln does not use' });
    else if (isSection(declarations, section)) unknown.push({ ...use, message: explainUnknown(declarations, use) });
  }
  unknown.push(...unknownSections(declarations, files));
  const cautions: ConfigurationRemark[] = [];
  for (const { section, option, declared, value, source } of options) {
    const caution = declared.remark(value);
    // At its default an option without effect promises nothing.
    const isIdle = declared.withoutEffect !== null && !isDeepStrictEqual(value, declared.default);
    const message = caution ?? (isIdle ? `without effect: ${declared.withoutEffect}` : null);
    if (message !== null) cautions.push({ section, option, source, message });
  }
  return { deprecated, unknown, unused, cautions };
}

function usesInFiles(files: readonly ParsedFile[]): Use[] {
  const uses = new Map<string, Use>();
  for (const { section, option, file, line } of files.flatMap(({ assignments }) => assignments)) {
    uses.set(`${section}.${option}`, { section, option, source: { kind: 'file', file, line } });
  }
  return [...uses.values()];
}

/** Variables of the form OS_SECTION__OPTION, where the section is one of Octavia's. */
function usesInEnvironment(
  declarations: Declarations,
  environment: Readonly<Record<string, string | undefined>>,
): Use[] {
  return Object.keys(environment)
    .sort()
    .flatMap((variable) => {
      const match = /^OS_([A-Z0-9_]+?)__([A-Z0-9_]+)$/.exec(variable);
      if (!match?.[1] || !match[2] || environment[variable] === undefined) return [];
      const section = match[1] === 'DEFAULT' ? 'DEFAULT' : match[1].toLowerCase();
      const use: Use = { section, option: match[2].toLowerCase(), source: { kind: 'environment', variable } };
      return isSection(declarations, section) ? [use] : [];
    });
}

function unknownSections(declarations: Declarations, files: readonly ParsedFile[]): ConfigurationRemark[] {
  const seen = new Map<string, ConfigurationRemark>();
  for (const { file, sections } of files) {
    for (const [section, line] of sections) {
      if (isSection(declarations, section)) continue;
      const nearest = nearestWord(section, allSections(declarations));
      const message = `no such section of Octavia or its libraries is known${nearest ? `; did you mean [${nearest}]?` : ''}`;
      seen.set(section, { section, option: null, source: { kind: 'file', file, line }, message });
    }
  }
  return [...seen.values()];
}

/** The nearest name in the same section, else the same name in another section, else the nearest of all. */
function explainUnknown(declarations: Declarations, { section, option, source }: Use): string {
  const inSection = nearestWord(option, namesIn(declarations, section));
  const holders = allSections(declarations).filter((other) => namesIn(declarations, other).includes(option));
  const elsewhere = nearestWord(section, holders) ?? holders[0];
  const everywhere = () =>
    allSections(declarations)
      .map((other) => ({ other, name: nearestWord(option, namesIn(declarations, other)) }))
      .find(({ name }) => name !== null);
  const asWritten = (group: string, name: string): string =>
    source.kind === 'environment' ? environmentVariable(group, name) : label(group, name);

  let nearest: string | null = null;
  if (inSection !== null) nearest = asWritten(section, inSection);
  else if (elsewhere !== undefined) nearest = asWritten(elsewhere, option);
  else {
    const found = everywhere();
    if (found?.name) nearest = asWritten(found.other, found.name);
  }
  return `no such option of Octavia or its libraries is known${nearest === null ? '' : `; did you mean ${nearest}?`}`;
}

function label(section: string, option: string): string {
  return `[${section}] ${option}`;
}

/** Kiln's own first, so that they are the ones proposed. */
function allSections(declarations: Declarations): string[] {
  return [...new Set([...Object.keys(declarations), ...knownOptions.keys()])];
}

function isSection(declarations: Declarations, section: string): boolean {
  return Object.hasOwn(declarations, section) || knownOptions.has(knownSection(section));
}

function namesIn(declarations: Declarations, section: string): string[] {
  return [
    ...new Set([...Object.keys(declarations[section] ?? {}), ...(knownOptions.get(knownSection(section)) ?? [])]),
  ];
}

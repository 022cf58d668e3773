import { KilnError } from '../model/errors.ts';
import { createEvaluator, type ValueSource } from './evaluate.ts';
import { type FileLocations, readConfigurationFiles } from './files.ts';
import { masked, maskUrlPasswords } from './mask.ts';
import { type Configuration, type Declarations, declarations } from './options/index.ts';
import { collectRemarks, type Remarks, type SetOption } from './remarks.ts';

export interface LoadOptions extends FileLocations {
  /** Absent: the environment of this process. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** Something in the configuration that is not allowed. */
export interface ConfigurationFault {
  /** Null for a fault of the file itself. */
  readonly section: string | null;
  readonly option: string | null;
  /** As it was written, masked when it is a secret; null for a fault of the file itself. */
  readonly value: string | null;
  /** Which values are allowed, in words. */
  readonly allowed: string | null;
  readonly file: string | null;
  readonly line: number | null;
  /** The variable, when the value came from the environment. */
  readonly variable: string | null;
  readonly message: string;
}

/** Where the value in force of one option comes from. */
export interface Origin {
  readonly source: ValueSource;
  /** Not to be shown: the option is a secret, or was made from one. */
  readonly secret: boolean;
}

export interface LoadedConfiguration extends Remarks {
  readonly config: Configuration;
  /** By `section.option`, for every declared option. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Files that were read, in order. */
  readonly files: readonly string[];
}

/**
 * Reads files and environment and reports every fault at once.
 * @throws CONFIGURATION_INVALID; `details.faults` is a list of ConfigurationFault.
 */
export function loadConfiguration(options: LoadOptions): LoadedConfiguration {
  const { loaded, faults } = examineConfiguration(options);
  refuseFaults(faults);
  return loaded;
}

/** @throws CONFIGURATION_INVALID where there are faults; it names all of them. */
export function refuseFaults(faults: readonly ConfigurationFault[]): void {
  if (faults.length === 0) return;
  const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
  throw new KilnError(
    'CONFIGURATION_INVALID',
    [`the configuration has ${count}:`, ...faults.map((fault) => `  ${formatFault(fault)}`)].join('\n'),
    { details: { faults } },
  );
}

/** As `loadConfiguration`, and gives what could be read beside the faults: options at fault have their defaults. */
export function examineConfiguration(options: LoadOptions): {
  loaded: LoadedConfiguration;
  faults: readonly ConfigurationFault[];
} {
  const { loaded, faults } = examine(declarations, options);
  return { loaded: { ...loaded, config: loaded.config as Configuration }, faults };
}

/** One line: where, what, and why not. */
export function formatFault(fault: ConfigurationFault): string {
  const place = fault.variable ?? (fault.line === null ? fault.file : `${fault.file}:${fault.line}`) ?? 'default';
  const what = fault.option === null ? '' : `[${fault.section}] ${fault.option} = ${fault.value}: `;
  return `${place}: ${what}${fault.message}`;
}

/** The work itself, over any declarations. */
export function examine(declared: Declarations, options: LoadOptions) {
  const environment = options.environment ?? process.env;
  const { files, unreadable } = readConfigurationFiles(options, environment);
  const evaluate = createEvaluator(declared, files, environment);
  const none = { section: null, option: null, value: null, allowed: null, variable: null };
  const faults: ConfigurationFault[] = [
    ...unreadable.map(({ file, message }) => ({ ...none, file, line: null, message })),
    ...files.flatMap((file) => file.faults.map((fault) => ({ ...none, ...fault }))),
  ];
  const config: Record<string, Record<string, unknown>> = {};
  const origins = new Map<string, Origin>();
  const set: SetOption[] = [];
  for (const [section, sectionOptions] of Object.entries(declared)) {
    const values: Record<string, unknown> = {};
    for (const [option, one] of Object.entries(sectionOptions)) {
      const { value, source, secret, fault } = evaluate(section, option);
      values[option] = value;
      origins.set(`${section}.${option}`, { source: fault ? { kind: 'default' } : source, secret });
      if (!fault) {
        if (source.kind !== 'default') set.push({ section, option, declared: one, value, source });
        continue;
      }
      const shown = secret ? masked : maskUrlPasswords(fault.written);
      faults.push({
        section,
        option,
        value: shown,
        allowed: one.allowed,
        file: source.kind === 'file' ? source.file : null,
        line: source.kind === 'file' ? source.line : null,
        variable: source.kind === 'environment' ? source.variable : null,
        message: shown === fault.written ? fault.message : fault.discreetMessage,
      });
    }
    config[section] = values;
  }
  const names = files.map(({ file }) => file);
  return { loaded: { config, origins, files: names, ...collectRemarks(declared, files, environment, set) }, faults };
}

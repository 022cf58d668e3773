import { knownOptions } from './known-options.ts';
import type { Option } from './option.ts';
import type { Declarations } from './options/index.ts';
import { type Assignment, normalizeSection, type ParsedFile } from './oslo-parser.ts';
import { substitute } from './substitute.ts';

/** Where a value comes from. */
export type ValueSource =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string };

/** Why a value is not allowed. */
interface EvaluationFault {
  readonly written: string;
  /** May quote a part of the value. */
  readonly message: string;
  /** Quotes nothing: for secrets. */
  readonly discreetMessage: string;
}

export interface Evaluation {
  /** The default where there is a fault. */
  readonly value: unknown;
  readonly source: ValueSource;
  /** True when the option is a secret, or was made from one by `$name`. */
  readonly secret: boolean;
  /** Null when all is well. */
  readonly fault: EvaluationFault | null;
}

const dollarAdvice = 'a dollar sign itself is written "$$"';

interface Written {
  text: string;
  source: ValueSource;
}

/** Variable that overrides an option (oslo_config/sources/_environment.py). */
export function environmentVariable(section: string, option: string): string {
  return `OS_${section.toUpperCase()}__${option.toUpperCase()}`;
}

/** The declaration of an option; nothing that objects inherit counts as one. */
export function declaredOption(declarations: Declarations, section: string, name: string): Option<unknown> | undefined {
  const options = Object.hasOwn(declarations, section) ? declarations[section] : undefined;
  return options && Object.hasOwn(options, name) ? options[name] : undefined;
}

/** A value as octavia.conf would have it, and as `$name` puts it in. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, item]) => `${key}:${String(item)}`)
    .join(',');
}

/**
 * Finds the value of each declared option as oslo.config does (cfg.py, _do_get and _get_file_value): the environment
 * first, then the files from last to first; within each the option's own name before its deprecated ones (which oslo.config
 * does not look for in the environment), and of a name that is repeated in a file the last; then the default. References are
 * put in before the type is applied.
 */
export function createEvaluator(
  declarations: Declarations,
  files: readonly ParsedFile[],
  environment: Readonly<Record<string, string | undefined>>,
): (section: string, option: string) => Evaluation {
  const tables = files.map(indexByName).reverse();
  const done = new Map<string, Evaluation>();
  /** The options being evaluated, outermost first: an option met again refers to itself. */
  const open: string[] = [];

  function findInFiles(names: readonly (readonly [string, string])[]): Written | null {
    for (const table of tables) {
      for (const [section, option] of names) {
        const found = table.get(`${normalizeSection(section)}.${option}`);
        if (found) return { text: found.value, source: { kind: 'file', file: found.file, line: found.line } };
      }
    }
    return null;
  }

  function findVariable(variable: string | null): Written | null {
    const text = variable === null ? undefined : environment[variable];
    return variable === null || text === undefined ? null : { text, source: { kind: 'environment', variable } };
  }

  function find(section: string, name: string, declared: Option<unknown> | undefined): Written | null {
    const older = declared?.deprecatedNames ?? [];
    return (
      findVariable(environmentVariable(section, name)) ??
      older.map((place) => findVariable(environmentVariable(...place))).find((it) => it !== null) ??
      findInFiles([[section, name], ...older]) ??
      findVariable(declared?.defaultVariable ?? null)
    );
  }

  function evaluate(section: string, name: string): Evaluation {
    const key = `${section}.${name}`;
    const known = done.get(key);
    if (known) return known;
    open.push(key);
    const evaluation = evaluateNow(section, name);
    open.pop();
    done.set(key, evaluation);
    return evaluation;
  }

  function evaluateNow(section: string, name: string): Evaluation {
    const declared = declaredOption(declarations, section, name);
    const written = find(section, name, declared);
    const value = declared?.default ?? null;
    if (!written) return { value, source: { kind: 'default' }, secret: declared?.secret ?? false, fault: null };

    let secret = declared?.secret ?? false;
    const text = substitute(written.text, (reference) => {
      const referred = resolveReference(section, reference);
      if ('fault' in referred) return referred;
      secret ||= referred.evaluation.secret;
      return { text: formatValue(referred.evaluation.value) };
    });
    const refuse = (message: string, discreetMessage: string): Evaluation => {
      return { value, source: written.source, secret, fault: { written: written.text, message, discreetMessage } };
    };
    if ('fault' in text) return refuse(text.fault, `has a "$" that can't be followed; ${dollarAdvice}`);
    const parsed = declared?.parse(text.text) ?? { value: text.text };
    if ('fault' in parsed) return refuse(parsed.fault, `must be ${declared?.allowed}`);
    return { value: parsed.value, source: written.source, secret, fault: null };
  }

  /** `name` is sought in the same section and then in [DEFAULT]; `section.name` in that section alone. */
  function resolveReference(section: string, reference: string): { evaluation: Evaluation } | { fault: string } {
    const dot = reference.indexOf('.');
    const places: [string, string][] =
      dot < 0
        ? [
            [section, reference],
            ['DEFAULT', reference],
          ]
        : [[reference.slice(0, dot), reference.slice(dot + 1)]];
    const place = places.find(
      ([group, name]) =>
        declaredOption(declarations, group, name) ??
        (knownOptions.get(group)?.has(name) ? find(group, name, undefined) : null),
    );
    if (!place) return { fault: `no such option is set; ${dollarAdvice}` };
    const key = place.join('.');
    if (open.includes(key)) {
      return { fault: `refers to itself (${[...open.slice(open.indexOf(key)), key].join(' → ')})` };
    }
    const evaluation = evaluate(...place);
    return evaluation.fault ? { fault: 'that option has a fault of its own' } : { evaluation };
  }

  return evaluate;
}

function indexByName(file: ParsedFile): Map<string, Assignment> {
  return new Map(file.assignments.map((assignment) => [`${assignment.section}.${assignment.option}`, assignment]));
}

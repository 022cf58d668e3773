/**
 * The part of oslo.policy's rule language that Octavia's policies are written in: `role:x`, `rule:x`, `is_admin:True`,
 * `key:value` and `key:%(target)s` comparisons, `@` (always), `!` (never), `and`, `or`, `not`, parentheses.
 * Facts: oslo_policy/_parser.py and _checks.py. `and` binds tighter than `or`, `not` tighter than both, words in any
 * case; an empty rule is always true.
 */
export type Rule =
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'role'; role: string }
  | { kind: 'rule'; name: string }
  /** A literal, or the name of what is known of the caller. */
  | { kind: 'compare'; left: { is: string } | { name: string }; right: string }
  | { kind: 'not'; rule: Rule }
  | { kind: 'and' | 'or'; rules: readonly Rule[] };

/** What is known of the caller. Keys are oslo.context's: user_id, project_id, is_admin … */
export interface Credentials {
  roles: readonly string[];
  values: Readonly<Record<string, string | boolean | null>>;
}
export type Target = Readonly<Record<string, string | null>>;

/** @throws Error that says what is wrong with the text, and where. */
export function parseRule(text: string): Rule {
  if (text.trim() === '') return { kind: 'always' };
  const tokens = tokenize(text);
  let next = 0;

  const peek = () => tokens[next]?.toLowerCase();
  function chain(kind: 'and' | 'or', operand: () => Rule): Rule {
    const rules = [operand()];
    while (peek() === kind) {
      next++;
      rules.push(operand());
    }
    return rules.length === 1 ? (rules[0] as Rule) : { kind, rules };
  }
  const either = (): Rule => chain('or', both);
  const both = (): Rule => chain('and', single);
  function single(): Rule {
    const token = tokens[next++];
    if (token === undefined) throw new Error(`the rule "${text}" ends where a check is due`);
    const word = token.toLowerCase();
    if (word === 'not') return { kind: 'not', rule: single() };
    if (token === '(') {
      const inside = either();
      if (tokens[next++] !== ')') throw new Error(`the rule "${text}" lacks a closing parenthesis`);
      return inside;
    }
    if (word === 'and' || word === 'or' || token === ')') {
      throw new Error(`the rule "${text}" has "${token}" where a check is due`);
    }
    return parseCheck(token, text);
  }

  const rule = either();
  if (next < tokens.length) throw new Error(`the rule "${text}" goes on with "${tokens[next]}" after its end`);
  return rule;
}

/** Parentheses may stand close to words; a check's own text has no spaces, but may be quoted or have `%(…)s` in it. */
function tokenize(text: string): string[] {
  const tokens: string[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const opening = /^\(*/.exec(word)?.[0].length ?? 0;
    let rest = word.slice(opening);
    let closing = 0;
    // The parenthesis of `%(project_id)s` is inside; only those at the end close a group.
    while (rest.endsWith(')')) {
      rest = rest.slice(0, -1);
      closing++;
    }
    tokens.push(
      ...Array<string>(opening).fill('('),
      ...(rest === '' ? [] : [rest]),
      ...Array<string>(closing).fill(')'),
    );
  }
  return tokens;
}

function parseCheck(token: string, text: string): Rule {
  if (token === '@') return { kind: 'always' };
  if (token === '!') return { kind: 'never' };
  const colon = token.indexOf(':');
  if (colon <= 0 || colon === token.length - 1) {
    throw new Error(`the rule "${text}" has "${token}", which is neither kind:value nor @ nor !`);
  }
  const kind = token.slice(0, colon);
  const match = token.slice(colon + 1);
  if (kind === 'role') return { kind: 'role', role: match };
  if (kind === 'rule') return { kind: 'rule', name: match };
  if (kind === 'http' || kind === 'https') {
    throw new Error(`the rule "${text}" asks an outside server (${kind}:), which Kiln does not do`);
  }
  return { kind: 'compare', left: readLeft(kind), right: match };
}

/** `'literal':%(x)s`, `True:%(x)s` and `key:…`. */
function readLeft(text: string): { is: string } | { name: string } {
  const [, single, double] = /^'(.*)'$|^"(.*)"$/.exec(text) ?? [];
  const literal = single ?? double ?? (/^(True|False|None|\d+)$/.test(text) ? text : undefined);
  return literal === undefined ? { name: text } : { is: literal };
}

/** The names of the rules that a rule refers to. */
export function references(rule: Rule): string[] {
  switch (rule.kind) {
    case 'rule':
      return [rule.name];
    case 'not':
      return references(rule.rule);
    case 'and':
    case 'or':
      return rule.rules.flatMap(references);
    default:
      return [];
  }
}

/** @param lookUp the rule of a name; a name that is not there denies. The rules must have no circles. */
export function holds(
  rule: Rule,
  caller: Credentials,
  target: Target,
  lookUp: (name: string) => Rule | undefined,
): boolean {
  switch (rule.kind) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'role':
      return hasRole(caller, substitute(rule.role, target));
    case 'rule': {
      const named = lookUp(rule.name);
      return named !== undefined && holds(named, caller, target, lookUp);
    }
    case 'not':
      return !holds(rule.rule, caller, target, lookUp);
    case 'and':
      return rule.rules.every((one) => holds(one, caller, target, lookUp));
    case 'or':
      return rule.rules.some((one) => holds(one, caller, target, lookUp));
    case 'compare':
      return compare(rule, caller, target);
  }
}

function hasRole(caller: Credentials, role: string | null): boolean {
  return role !== null && caller.roles.some((own) => own.toLowerCase() === role.toLowerCase());
}

/** What is not known equals nothing. */
function compare({ left, right: text }: Rule & { kind: 'compare' }, caller: Credentials, target: Target): boolean {
  const right = substitute(text, target);
  if (right === null) return false;
  if ('is' in left) return left.is === right;
  const value = caller.values[left.name];
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return String(value) === right.toLowerCase();
  return value === right;
}

function substitute(text: string, target: Target): string | null {
  if (!text.includes('%(')) return text;
  let known = true;
  const result = text.replaceAll(/%\(([^)]*)\)s/g, (_whole, key: string) => {
    const value = Object.hasOwn(target, key) ? target[key] : null;
    if (value === null || value === undefined) known = false;
    return value ?? '';
  });
  return known ? result : null;
}

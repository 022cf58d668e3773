import { parse as parseYaml } from 'yaml';
import { KilnError } from '../../model/errors.ts';
import type { Caller } from '../../ports/token-validator.ts';
import { type Action, accessRules, actionRules, roleRules } from './defaults.ts';
import { type Credentials, holds, parseRule, type Rule, references } from './rule.ts';

/** Who may do what. */
export interface Policy {
  /** @param projectId whose things it is about; null: everybody's. */
  allows(action: Action, caller: Caller, projectId: string | null): boolean;
}

/**
 * Octavia's default policies with an operator's deviations.
 * @param options.overrides text of policy.yaml: rule names and rules. Names that Kiln doesn't know may be there (other
 * rules may refer to them, and old names do no harm).
 * @param options.enforceNewDefaults `[oslo_policy] enforce_new_defaults`: Octavia's own roles (load-balancer_member …) no
 * longer count where Keystone's (member, reader, admin) do.
 * @param options.everybodyIsAdmin `[api_settings] auth_strategy = noauth`, for tests.
 * @throws KilnError CONFIGURATION_INVALID naming every faulty rule.
 */
export function createPolicy(options: {
  overrides?: string | null;
  enforceNewDefaults?: boolean;
  everybodyIsAdmin?: boolean;
}): Policy {
  const { everybodyIsAdmin = false } = options;
  const rules = compile({
    ...defaults(options.enforceNewDefaults ?? false),
    ...readOverrides(options.overrides ?? ''),
  });
  const lookUp = (name: string) => rules.get(name);

  function credentialsOf(caller: Caller): Credentials {
    const values = {
      user_id: caller.userId,
      user_name: caller.userName,
      user_domain_id: caller.userDomainId,
      project_id: caller.projectId,
      tenant: caller.projectId,
      project_name: caller.projectName,
      system_scope: caller.systemScope ? 'all' : null,
      is_admin: false,
    };
    const isAdmin = rules.get('context_is_admin');
    // oslo.context hands the caller's own values to this rule as its target.
    const target = { project_id: caller.projectId, user_id: caller.userId };
    const known: Credentials = { roles: caller.roles, values };
    const admin = everybodyIsAdmin || (isAdmin !== undefined && holds(isAdmin, known, target, lookUp));
    return { roles: caller.roles, values: { ...values, is_admin: admin } };
  }

  return {
    allows(action, caller, projectId) {
      const rule = rules.get(`os_load-balancer_api:${action}`);
      return rule !== undefined && holds(rule, credentialsOf(caller), { project_id: projectId }, lookUp);
    },
  };
}

function defaults(enforceNewDefaults: boolean): Record<string, string> {
  const roles = Object.entries(roleRules).map(([name, { rule, before }]) => {
    // oslo.policy joins the old default to the new one; an override replaces both.
    return [name, before === undefined || enforceNewDefaults ? rule : `(${rule}) or (${before})`];
  });
  return { ...Object.fromEntries(roles), ...accessRules, ...actionRules };
}

function readOverrides(text: string): Record<string, string> {
  let parsed: unknown;
  try {
    // YAML's default schema has no way to make anything but plain data.
    parsed = parseYaml(text) ?? {};
  } catch (error) {
    throw invalid([`it is no YAML: ${(error as Error).message}`]);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw invalid(['it must hold one mapping of rule names to rules']);
  }
  const faults = Object.entries(parsed)
    .filter(([, rule]) => typeof rule !== 'string')
    .map(([name]) => `the rule of "${name}" must be text`);
  if (faults.length > 0) throw invalid(faults);
  return parsed as Record<string, string>;
}

function compile(texts: Readonly<Record<string, string>>): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  const faults: string[] = [];
  for (const [name, text] of Object.entries(texts)) {
    try {
      rules.set(name, parseRule(text));
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}`);
    }
  }
  for (const name of rules.keys()) {
    const circle = findCircle(name, rules);
    if (circle) faults.push(`${name}: refers to itself (${circle.join(' → ')})`);
  }
  if (faults.length > 0) throw invalid(faults);
  return rules;
}

/** A way from a rule back to itself. */
function findCircle(name: string, rules: ReadonlyMap<string, Rule>): string[] | null {
  const seen = new Set<string>();
  function walk(at: string, path: string[]): string[] | null {
    const rule = rules.get(at);
    if (!rule) return null;
    for (const next of references(rule)) {
      if (next === name) return [...path, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = walk(next, [...path, next]);
      if (found) return found;
    }
    return null;
  }
  return walk(name, [name]);
}

function invalid(faults: readonly string[]): KilnError {
  return new KilnError('CONFIGURATION_INVALID', `policy.yaml cannot be used: ${faults.join('; ')}`, {
    advice: 'Correct the rules named above; [oslo_policy] policy_file says which file it is.',
  });
}

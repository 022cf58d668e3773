import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../ports/token-validator.ts';
import { actionRules } from './defaults.ts';
import { createPolicy } from './policy.ts';
import { holds, parseRule, type Rule } from './rule.ts';

const caller = (roles: string[], fields: Partial<Caller> = {}): Caller => ({
  userId: 'u',
  userName: null,
  userDomainId: null,
  projectId: 'own',
  projectName: null,
  roles,
  systemScope: false,
  ...fields,
});

describe('policy', () => {
  const policy = createPolicy({});
  const may = (roles: string[], project: string | null = 'own') => ({
    read: policy.allows('listener:get_one', caller(roles), project),
    write: policy.allows('listener:put', caller(roles), project),
    admin: policy.allows('amphora:get_all', caller(roles), project),
    quota: policy.allows('quota:put', caller(roles), project),
    all: policy.allows('listener:get_all-global', caller(roles), project),
  });
  const nothing = { read: false, write: false, admin: false, quota: false, all: false };

  it.each([
    [[], nothing],
    [['reader'], { ...nothing, read: true }],
    [['member'], { ...nothing, read: true, write: true }],
    [['admin'], { read: true, write: true, admin: true, quota: true, all: true }],
    [['load-balancer_observer'], { ...nothing, read: true }],
    [['Load-Balancer_Member'], { ...nothing, read: true, write: true }],
    [['load-balancer_global_observer'], { ...nothing, read: true, all: true }],
    [['load-balancer_quota_admin'], { ...nothing, quota: true }],
    [['load-balancer_admin'], { read: true, write: true, admin: true, quota: true, all: true }],
  ])('lets %j do what Octavia lets them', (roles, expected) => {
    expect(may(roles)).toEqual(expected);
  });

  it('keeps projects apart', () => {
    for (const roles of [['reader'], ['member'], ['load-balancer_member'], ['load-balancer_observer']]) {
      expect(may(roles, 'other')).toEqual(nothing);
      expect(may(roles, null)).toEqual(nothing);
    }
  });

  it('forgets the old roles when asked to', () => {
    const strict = createPolicy({ enforceNewDefaults: true });
    expect(strict.allows('listener:put', caller(['load-balancer_member']), 'own')).toBe(false);
    expect(strict.allows('listener:put', caller(['member']), 'own')).toBe(true);
  });

  it('takes overrides, of actions and of roles', () => {
    const overrides = `
"os_load-balancer_api:listener:put": "!"
"load-balancer:member_and_owner": "role:ops and project_id:%(project_id)s"
`;
    const changed = createPolicy({ overrides });
    expect(changed.allows('listener:put', caller(['admin']), 'own')).toBe(false);
    expect(changed.allows('pool:put', caller(['member']), 'own')).toBe(false);
    expect(changed.allows('pool:put', caller(['ops']), 'own')).toBe(true);
  });

  it('names every rule that it cannot use', () => {
    const overrides = '"a": "role:x and"\n"b": "(role:x"\n"c": "rule:d"\n"d": "rule:c"\n"e": "http://x"\n';
    expect(() => createPolicy({ overrides })).toThrow(/a: .*b: .*e: .*c: refers to itself .*d: refers to itself/);
    expect(() => createPolicy({ overrides: '- x' })).toThrow(/one mapping/);
    expect(() => createPolicy({ overrides: 'a: [x' })).toThrow(/no YAML/);
  });

  it('refers to nothing that is not there', () => {
    for (const rule of Object.values(actionRules)) expect(() => parseRule(rule)).not.toThrow();
  });
});

/** A rule as text and what it is. */
const leaves: fc.Arbitrary<[string, boolean]> = fc.constantFrom(
  ['role:yes', true],
  ['role:no', false],
  ['@', true],
  ['!', false],
  ['project_id:%(project_id)s', true],
  ['is_admin:True', false],
);
const { rule: rules } = fc.letrec<{ rule: [string, boolean] }>((tie) => ({
  rule: fc.oneof(
    { depthSize: 'small' },
    leaves,
    tie('rule').map(([text, value]): [string, boolean] => [`not (${text})`, !value]),
    fc.tuple(tie('rule'), tie('rule')).map(([[a, x], [b, y]]): [string, boolean] => [`(${a}) and (${b})`, x && y]),
    fc.tuple(tie('rule'), tie('rule')).map(([[a, x], [b, y]]): [string, boolean] => [`( ${a} ) OR (${b})`, x || y]),
  ),
}));

describe('the rule language', () => {
  const value = (rule: Rule) =>
    holds(rule, { roles: ['yes'], values: { project_id: 'p', is_admin: false } }, { project_id: 'p' }, () => undefined);

  it('means what it says, however nested', () => {
    fc.assert(
      fc.property(rules, ([text, expected]) => {
        expect(value(parseRule(text))).toBe(expected);
      }),
    );
  });

  it('binds not before and before or', () => {
    fc.assert(
      fc.property(leaves, leaves, leaves, leaves, ([a, w], [b, x], [c, y], [d, z]) => {
        expect(value(parseRule(`${a} or ${b} and not ${c} or ${d}`))).toBe(w || (x && !y) || z);
      }),
    );
  });

  it('either is read or refused, and an unknown rule denies', () => {
    const words = fc.constantFrom('(', ')', 'and', 'or', 'not', 'role:x', '@', 'x', ':', 'a:');
    fc.assert(
      fc.property(fc.array(words), (tokens) => {
        try {
          value(parseRule(tokens.join(' ')));
        } catch (error) {
          expect((error as Error).message).toContain('the rule');
        }
      }),
    );
    expect(value(parseRule('rule:nowhere'))).toBe(false);
    expect(value(parseRule('project_id:%(nowhere)s'))).toBe(false);
    expect(value(parseRule(''))).toBe(true);
  });
});

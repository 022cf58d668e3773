import type { L7Rule, L7RuleCompareType } from '../../model/load-balancer.ts';
import { findPatternFault } from '../pcre/check-pattern.ts';
import { invalidRequest } from './api-errors.ts';
import { type CreationContext, changedRow, newRow } from './creation-context.ts';
import type { L7RulePatch, L7RuleSpec } from './spec.ts';

export function makeL7Rule(
  context: CreationContext,
  spec: L7RuleSpec,
  policy: { id: string; projectId: string },
): L7Rule {
  const rule: L7Rule = {
    ...newRow(context, policy.projectId, spec),
    l7PolicyId: policy.id,
    ...needed(spec),
    key: spec.key ?? null,
    invert: spec.invert ?? false,
  };
  check(rule);
  return rule;
}

export function changeL7Rule(rule: L7Rule, patch: L7RulePatch, now: string): L7Rule {
  const { type = rule.type, compareType = rule.compareType, value = rule.value } = patch;
  const kept = needed({ type, compareType, value });
  const changed: L7Rule = {
    ...changedRow(rule, patch, now),
    ...kept,
    key: typesWithoutKey.includes(kept.type) ? null : patch.key === undefined ? rule.key : patch.key,
    invert: patch.invert === undefined ? rule.invert : (patch.invert ?? false),
  };
  check(changed);
  return changed;
}

/** A change leaves no key on them, as in Octavia. */
const typesWithoutKey: readonly L7Rule['type'][] = ['HOST_NAME', 'PATH', 'FILE_TYPE'];

type Needed = Pick<L7Rule, 'type' | 'compareType' | 'value'>;

/** What no rule can be without, from a request that may have null there. */
function needed({ type, compareType, value }: { [Field in keyof Needed]: Needed[Field] | null }): Needed {
  if (type === null) throw invalidRule('invalid rule type');
  if (compareType === null) throw invalidRule('invalid comparison type for rule type');
  if (value === null) throw invalidRule('L7 rule type requires a value');
  return { type, compareType, value };
}

const invalidRule = (why: string) => invalidRequest(`Error parsing L7Rule: Invalid L7 Rule: ${why}`);
const invalidText = (what: string) => invalidRequest(`Error parsing L7Rule: Invalid characters in ${what}`);

/** RFC 7230 and 6265, as octavia/common/constants.py draws them. */
const headerName = /^[a-zA-Z0-9!#$%&'*+\-.^_`|~]+$/;
const headerValue = /^[a-zA-Z0-9!"#$%&'()*+,\-./:;<=>?@[\]^_`{|}~\\]+$/;
const quotedHeaderValue = /^"[a-zA-Z0-9 \t!"#$%&'()*+,\-./:;<=>?@[\]^_`{|}~\\]*"$/;
const cookieValue = /^[a-zA-Z0-9!#$%&'()*+\-./:<=>?@[\]^_`{}|~]+$/;
const distinguishedNameField = /^[a-zA-Z][A-Za-z0-9-]*$/;

/** What of a rule fits together (octavia/common/validate.py, l7rule_data). */
function check(rule: L7Rule): void {
  if (rule.value === '') throw invalidRule('L7 rule type requires a value');
  switch (rule.type) {
    case 'HEADER':
    case 'COOKIE':
      if (!rule.key) throw invalidRule('L7 rule type requires a key');
      if (!headerName.test(rule.key)) throw invalidText('key');
      checkValue(rule, rule.type === 'HEADER' ? 'header value' : 'cookie value');
      return;
    case 'HOST_NAME':
    case 'PATH':
      checkValue(rule, 'comparison value');
      return;
    case 'FILE_TYPE':
      if (rule.compareType !== 'REGEX' && rule.compareType !== 'EQUAL_TO') {
        throw invalidRule('invalid comparison type for rule type');
      }
      checkValue(rule, 'comparison value');
      return;
    case 'SSL_CONN_HAS_CERT':
      refuseKey(rule);
      if (rule.value.toLowerCase() !== 'true') {
        throw invalidRule(`L7rule value ${rule.value} is not a boolean True string.`);
      }
      demandComparison(rule, 'EQUAL_TO');
      return;
    case 'SSL_VERIFY_RESULT':
      refuseKey(rule);
      if (!/^\d+$/.test(rule.value)) throw invalidRule(`L7rule type ${rule.type} needs a int value, which is >= 0`);
      demandComparison(rule, 'EQUAL_TO');
      return;
    case 'SSL_DN_FIELD':
      if (!rule.key) throw invalidRule(`L7rule type ${rule.type} needs to specify a key and a value.`);
      if (!distinguishedNameField.test(rule.key)) throw invalidRule('Invalid L7rule distinguished name field.');
      if (rule.compareType === 'REGEX') checkExpression(rule.value);
  }
}

function checkValue(rule: L7Rule, what: string): void {
  if (rule.compareType === 'REGEX') {
    checkExpression(rule.value);
    return;
  }
  const valid =
    rule.type === 'COOKIE'
      ? cookieValue.test(rule.value)
      : headerValue.test(rule.value) || quotedHeaderValue.test(rule.value);
  if (!valid) throw invalidText(what);
}

/** HAProxy reads PCRE. */
function checkExpression(expression: string): void {
  const fault = findPatternFault(expression);
  if (!fault) return;
  throw invalidRequest(
    `Error parsing L7Rule: Unable to parse regular expression: value '${expression}', character ${fault.position}: ${fault.reason}`,
  );
}

function refuseKey(rule: L7Rule): void {
  if (rule.key) throw invalidRule(`L7rule type ${rule.type} does not use the "key" field.`);
}

function demandComparison(rule: L7Rule, only: L7RuleCompareType): void {
  if (rule.compareType !== only) throw invalidRule(`L7rule type ${rule.type} only supports the ${only} compare type.`);
}

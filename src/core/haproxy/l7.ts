import type { L7PolicyAction, L7Rule, L7RuleCompareType } from '../../model/load-balancer.ts';
import type { PlannedListener, PlannedPolicy } from './plan.ts';
import { quoteSample, quoteUrl, quoteWord } from './quote.ts';
import { linesOf, words } from './section.ts';

const methods: Record<L7RuleCompareType, string> = {
  REGEX: '-m reg',
  STARTS_WITH: '-m beg',
  ENDS_WITH: '-m end',
  CONTAINS: '-m sub',
  EQUAL_TO: '-m str',
};

/** What comes first, whatever the positions: Octavia's API promises it, and HAProxy does it in any order of lines. */
const ranks: Record<L7PolicyAction, number> = {
  REJECT: 1,
  REDIRECT_TO_URL: 2,
  REDIRECT_PREFIX: 2,
  REDIRECT_TO_POOL: 3,
};

/** The policies of a listener, in the order in which they are carried out. */
export function renderPolicies({ listener, policies }: PlannedListener): string[] {
  const inOrder = policies.toSorted((one, other) => ranks[one.policy.action] - ranks[other.policy.action]);
  return inOrder.flatMap((planned) =>
    linesOf(
      planned.rules.map((rule) => words('acl', rule.id, renderTest(rule))),
      renderAction(planned, listener.id),
    ),
  );
}

function renderAction({ policy, rules, redirectPool }: PlannedPolicy, listenerId: string): string | null {
  const condition = words('if', ...rules.map(({ id, invert }) => `${invert ? '!' : ''}${id}`));
  const code = policy.redirectHttpCode !== null && `code ${policy.redirectHttpCode}`;
  // `redirect`, unlike `http-request redirect`, takes its target as it stands: no log format, nothing is evaluated.
  switch (policy.action) {
    case 'REJECT':
      return words('http-request deny', condition);
    case 'REDIRECT_TO_URL':
      return words('redirect', code, 'location', quoteUrl(policy.redirectUrl ?? ''), condition);
    case 'REDIRECT_PREFIX':
      return words('redirect', code, 'prefix', quoteUrl(policy.redirectPrefix ?? ''), condition);
    case 'REDIRECT_TO_POOL':
      return redirectPool && words('use_backend', `${redirectPool.id}:${listenerId}`, condition);
  }
}

/** What of the request is compared, how, and with what. */
function renderTest({ type, compareType, key, value }: L7Rule): string {
  // `--`: what follows is a value, even one that looks like a flag such as `-f FILE`.
  const pattern = words(methods[compareType], '--', quoteWord(value));
  switch (type) {
    case 'HOST_NAME':
      return words('req.hdr(host) -i', pattern);
    case 'PATH':
      return words('path', pattern);
    case 'FILE_TYPE':
      // path_end compares by itself; `-m str` would make it compare the whole path.
      return compareType === 'EQUAL_TO' ? words('path_end --', quoteWord(value)) : words('path_end', pattern);
    case 'HEADER':
      return words(quoteSample('req.hdr', key ?? ''), pattern);
    case 'COOKIE':
      return words(quoteSample('req.cook', key ?? ''), pattern);
    case 'SSL_CONN_HAS_CERT':
      return 'ssl_c_used';
    case 'SSL_VERIFY_RESULT':
      // A result is a small number: nothing else is ever equal to it.
      return /^\d{1,9}$/.test(value) ? `ssl_c_verify eq ${Number(value)}` : 'always_false';
    case 'SSL_DN_FIELD':
      return words(quoteSample('ssl_c_s_dn', key ?? ''), pattern);
  }
}

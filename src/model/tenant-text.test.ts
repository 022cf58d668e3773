import { expect, it } from 'vitest';
import { errorCodeOf } from './errors.ts';
import { tenantReason } from './tenant-text.ts';

const written = { message: 'http://10.0.0.1:9696 answered nonsense', advice: 'look at 10.0.0.1' };

it('reads a code by its former name, as rows of an older version have it', () => {
  expect(errorCodeOf('SERVICE_ANSWERED_NONSENSE')).toBe('SERVICE_RESPONSE_INVALID');
  expect(errorCodeOf('constructor')).toBeNull();
  const now = tenantReason({ ...written, code: 'SERVICE_RESPONSE_INVALID' });
  expect(tenantReason({ ...written, code: 'SERVICE_ANSWERED_NONSENSE' }).message).toBe(now.message);
});

it('tells a tenant nothing of a code that only another version knows', () => {
  const { message, advice } = tenantReason({ ...written, code: 'FROM_THE_FUTURE' });
  expect(`${message} ${advice}`).not.toContain('10.0.0.1');
});

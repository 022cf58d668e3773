import { expect, it } from 'vitest';
import { examineSilence } from './examine-silence.ts';

it.each([
  [{ agent: 'well', compute: null, reloaded: false }, 'heartbeats-lost', 'send-configuration'],
  [{ agent: 'well', compute: null, reloaded: true }, 'heartbeats-lost', 'send-configuration'],
  [{ agent: 'sick', compute: null, reloaded: false }, 'service-sick', 'reload'],
  [{ agent: 'sick', compute: null, reloaded: true }, 'service-sick', 'failover'],
  [{ agent: 'silent', compute: 'running', reloaded: false }, 'cut-off', 'failover'],
  [{ agent: 'silent', compute: 'not-running', reloaded: false }, 'dead', 'failover'],
  [{ agent: 'silent', compute: 'no-answer', reloaded: true }, 'unknown', 'wait'],
] as const)('%j is %s: %s', (witnesses, finding, action) => {
  expect(examineSilence(witnesses)).toEqual({ finding, action });
});

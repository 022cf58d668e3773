import { expect, it } from 'vitest';
import { defaultApiSettings } from '../../../test/kit/api-settings.ts';
import { readBody } from '../../api/v2/read-body.ts';
import { healthMonitorCreateBody, healthMonitorUpdateBody } from '../../api/v2/schemas/health-monitor.ts';
import { makeHealthMonitor } from './health-monitor.ts';
import { checkCiphers } from './tls.ts';

const context = { now: '2026-11-28T00:00:00Z', newId: () => 'id', settings: defaultApiSettings };
const pool = { id: 'p', projectId: 'x', protocol: 'HTTP' } as const;
const needed = { type: 'HTTP', delay: 5, timeout: 3, maxRetries: 3 } as const;

it.each([0, -1, 2_147_484])('refuses the delay %d, which HAProxy keeps no rhythm of', (delay) => {
  const more = { type: 'HTTP', timeout: 3, max_retries: 3, pool_id: '10000000-0000-4000-8000-000000000001' };
  expect(() => readBody(healthMonitorCreateBody, { healthmonitor: { ...more, delay } })).toThrow(/attribute delay/);
  expect(() => readBody(healthMonitorUpdateBody, { healthmonitor: { delay } })).toThrow(/attribute delay/);
});

it('refuses codes whose range runs backwards', () => {
  expect(() => makeHealthMonitor(context, { ...needed, expectedCodes: '404-200' }, pool)).toThrow(
    /404-200 is not a valid/,
  );
  expect(makeHealthMonitor(context, { ...needed, expectedCodes: '200-404' }, pool).expectedCodes).toBe('200-404');
});

it.each(['TLS_AES_128_GCM_SHA256', 'nonsense', '!ALL', ':', 'HIGH:!HIGH', '@SECLEVEL=9', 'HIGH:-'])(
  'refuses the cipher list %s, in which HAProxy finds none',
  (ciphers) => {
    expect(() => checkCiphers(ciphers, defaultApiSettings)).toThrow(/TLS 1.3/);
  },
);

it.each(['HIGH:!aNULL', 'nonsense:HIGH', 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256', 'ALL:@SECLEVEL=0'])(
  'takes the cipher list %s',
  (ciphers) => checkCiphers(ciphers, defaultApiSettings),
);

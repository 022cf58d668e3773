/**
 * What is for administrators and the log alone never reaches a tenant, nor somebody without a token: every error that Kiln has
 * is thrown, with secrets planted in all that it carries.
 */
import { describe, expect, it } from 'vitest';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { type ErrorCode, errorKinds, KilnError } from '../../src/model/errors.ts';
import { tenantMessages } from '../../src/model/tenant-text.ts';
import { openApiHarness, openStoredApiHarness, ownProject, subnetId } from '../kit/api.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';

const planted = [
  '172.30.0.17:9443',
  'http://keystone.internal:5000/v3',
  '/etc/octavia/certs/client_ca.key.pem',
  'mysql+pymysql://octavia@db.internal:3306/octavia',
  'compute-17.internal',
];
const codes = Object.keys(errorKinds) as ErrorCode[];
const about = (code: ErrorCode) =>
  new KilnError(code, `it happened at ${planted.join(', ')}`, {
    advice: `Look at ${planted.join(' and ')}.`,
    details: { places: planted },
    cause: new Error(planted.join(' ')),
  });
const tenant = { 'x-roles': 'load-balancer_member', 'x-project-id': ownProject };
const administrator = { 'x-roles': 'admin', 'x-project-id': ownProject };
/** Of the request itself: the message was written for whoever sent it. */
const forTheCaller = codes.filter((code) => tenantMessages[code] === null);
const internal = codes.filter((code) => tenantMessages[code] !== null);

function expectNothingOf(text: string): void {
  for (const secret of planted) expect(text).not.toContain(secret);
}

it('every code says what a tenant may read; those that repeat the message are about the request', () => {
  expect(Object.keys(tenantMessages).sort()).toEqual([...codes].sort());
  expect(forTheCaller.sort()).toEqual(
    [
      ...['IMMUTABLE', 'OPTION_UNSUPPORTED', 'QUOTA_MET', 'REQUEST_FORBIDDEN', 'REQUEST_INVALID'],
      ...['REQUEST_UNAUTHENTICATED', 'RESOURCE_CONFLICT', 'RESOURCE_NOT_FOUND', 'TOO_MANY_STREAMS'],
    ].sort(),
  );
});

describe('an answer', () => {
  // CHANGE_OUTDATED is tried again, and then answered as the others.
  it.each(internal)('to %s names nothing internal, and the log has all of it', async (code) => {
    const log = createFakeLog();
    let thrown: unknown = about(code);
    const { call } = openApiHarness({
      log,
      networkReferences: {
        check: async () => {
          throw thrown;
        },
      },
    });
    const loadbalancer = { vip_subnet_id: subnetId };
    for (const error of [about(code), Object.assign(new Error(planted.join(' ')), { code })]) {
      thrown = error;
      const { status, body, headers } = await call('POST', '/lbaas/loadbalancers', { loadbalancer }, tenant);
      expectNothingOf(JSON.stringify([body, headers]));
      const requestId = String(headers['x-openstack-request-id']);
      expect(body.faultstring).toContain(requestId);
      if (status < 500) continue;
      const line = log.lines.find(
        ({ level, fields }) => level === 'error' && 'requestId' in fields && fields.requestId === requestId,
      );
      expect(line?.fields).toMatchObject({ status, err: error });
    }
  });

  it('of a database that comes back is 503, and says when to ask again', async () => {
    const fault = (retryable: boolean) => new KilnError('STATE_UNUSABLE', planted.join(' '), { retryable });
    let thrown = fault(true);
    const { call } = openApiHarness({
      quotas: {
        list: async () => {
          throw thrown;
        },
      } as never,
    });
    const answer = await call('GET', '/lbaas/quotas');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    thrown = fault(false);
    expect((await call('GET', '/lbaas/quotas')).status).toBe(500);
  });
});

describe('provisioning_reason', () => {
  it.each([...codes, 'OF_ANOTHER_VERSION'])('%s is whole for administrators alone', async (code) => {
    const harness = await openStoredApiHarness({ policy: createPolicy({}) });
    const loadbalancer = { vip_subnet_id: subnetId };
    const { body } = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer }, tenant);
    const { message, advice } = about('INTERNAL');
    const reason = { code, message, advice };
    await harness.database
      .updateTable('kiln_load_balancer')
      .set({ reason: JSON.stringify(reason) })
      .execute();
    const path = `/lbaas/loadbalancers/${body.loadbalancer.id}`;
    const shown = await harness.call('GET', path, undefined, tenant);
    if (!forTheCaller.includes(code as ErrorCode)) expectNothingOf(JSON.stringify(shown.body));
    expect(shown.body.loadbalancer.provisioning_reason.code).toBe(code);
    expect(shown.body.loadbalancer.provisioning_reason.advice).not.toBe('');
    const whole = await harness.call('GET', path, undefined, administrator);
    expect(whole.body.loadbalancer.provisioning_reason).toEqual(reason);
    await harness.close();
  });
});

it('each request has a line in the log, with its ID and without what a client may have hidden in it', async () => {
  const log = createFakeLog();
  const { call } = openApiHarness({ log });
  const { headers } = await call('GET', '/lbaas/loadbalancers?name=s3cr3t', undefined, { 'x-auth-token': 's3cr3t' });
  const lines = log.lines.filter(({ message }) => message === 'request');
  expect(lines).toHaveLength(1);
  expect(lines[0]?.fields).toMatchObject({
    requestId: headers['x-openstack-request-id'],
    method: 'GET',
    path: '/v2.0/lbaas/loadbalancers',
    status: 200,
    project: ownProject,
  });
  expect(JSON.stringify(log.lines)).not.toContain('s3cr3t');
});

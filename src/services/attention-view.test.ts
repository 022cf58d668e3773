import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../../test/kit/api.ts';
import { storedAmphora } from '../../test/kit/contract/amphora-store.ts';
import { aRelease } from '../../test/kit/releases.ts';
import { createAmphoraStore } from '../adapters/storage/amphora-store.ts';
import { createCertificateRotations } from '../adapters/storage/certificate-rotations.ts';
import { createJournal } from '../adapters/storage/journal.ts';
import { createSilenceStore } from '../adapters/storage/silence-store.ts';
import { tallyOf } from '../core/releases/tallies.ts';
import type { Fleet } from '../model/fleet.ts';
import { createAttentionView } from './attention-view.ts';

const quiet: Fleet = {
  at: '2026-11-23T12:00:00.000Z',
  tags: [],
  images: [],
  totals: { loadBalancers: 0, pairs: 0, mixedPairs: 0, amphorae: 0, behind: 0, inError: 0, silent: 0, imageGone: 0 },
  warnings: [],
};

let harness: StoredApiHarness;
beforeEach(async () => {
  harness = await openStoredApiHarness();
});
afterEach(() => harness.close());

function view(over: Partial<Parameters<typeof createAttentionView>[0]> = {}) {
  const { clock, overview } = harness.deps;
  const { database } = harness;
  const silences = createSilenceStore(database, clock);
  const moment = () => {
    const now = clock.now();
    return { now: now.toISOString(), silentBefore: new Date(now.getTime() - 60_000).toISOString() };
  };
  return createAttentionView({
    overview,
    journal: createJournal(database, clock),
    silence: {
      survey: () => silences.survey(moment(), moment().silentBefore),
      list: (limit) => silences.list(moment(), limit),
    },
    agentCertificates: createCertificateRotations(database, clock).troubled,
    ownCertificates: async () => [],
    fleet: async () => quiet,
    releases: { active: async () => [] },
    clock,
    ...over,
  });
}

const ago = (minutes: number) => new Date(harness.deps.clock.now().getTime() - minutes * 60_000).toISOString();

async function loadBalancer(name: string): Promise<string> {
  const body = { loadbalancer: { name, vip_subnet_id: subnetId } };
  const { id } = (await harness.call('POST', '/lbaas/loadbalancers', body)).body.loadbalancer;
  await harness.settleAll();
  await harness.database.deleteFrom('kiln_operation').execute();
  return id;
}

const change = (id: string, fields: object) =>
  harness.database.updateTable('kiln_load_balancer').set(fields).where('id', '=', id).execute();

it('says nothing where all is well', async () => {
  await loadBalancer('well');
  expect((await view()()).groups).toEqual([]);
});

it('names what is broken, worst first, with advice, and never asks more for more of it', async () => {
  const broken = await loadBalancer('broken');
  const pending = await loadBalancer('slow');
  const young = await loadBalancer('young');
  const mixed = await loadBalancer('');
  await change(broken, { provisioning_status: 'ERROR', updated_at: ago(3) });
  await change(pending, { provisioning_status: 'PENDING_UPDATE', updated_at: ago(11) });
  await change(young, { provisioning_status: 'PENDING_UPDATE', updated_at: ago(9) });
  await change(mixed, { topology: 'ACTIVE_STANDBY' });
  const amphorae = createAmphoraStore(harness.database, harness.deps.clock);
  const pair = { loadBalancerId: mixed, status: 'ALLOCATED' as const };
  await amphorae.insert(storedAmphora('m1', { ...pair, imageId: 'i1', certExpiration: ago(5) }));
  await amphorae.insert(storedAmphora('m2', { ...pair, imageId: 'i2' }));
  await harness.database
    .insertInto('kiln_amphora_health')
    .values({ amphora_id: 'm2', last_heard: ago(2) })
    .execute();

  const journal = createJournal(harness.database, harness.deps.clock);
  const input = { loadBalancerId: pending };
  await journal.enqueue({ id: 'op', flow: 'update-load-balancer', subject: pending, input, priority: 0 });
  const claimed = await journal.claim('op', 'w');
  const reason = { code: 'SERVICE_FAILED', message: 'Nova is down', advice: 'Wake it up.' };
  await journal.record('op', claimed?.operation.fence ?? 0, { kind: 'stuck', step: 'make', at: ago(7), reason });
  await harness.database
    .updateTable('kiln_operation')
    .set({ updated_at: ago(7) })
    .execute();

  const before = harness.statements();
  const warnings = [{ code: 'IMAGE_OLD' as const, message: 'image is old', advice: 'Build one.' }];
  const ownCertificates = async () => [
    { option: '[haproxy_amphora] client_cert', file: '/c.pem', notAfter: ago(-60), problem: null },
    { option: '[haproxy_amphora] server_ca', file: '/d.pem', notAfter: ago(-60 * 24 * 300), problem: null },
  ];
  const { groups } = await view({
    fleet: async () => ({ ...quiet, totals: { ...quiet.totals, mixedPairs: 1 }, warnings }),
    ownCertificates,
  })();
  expect(harness.statements() - before).toBeLessThanOrEqual(11);
  expect(groups.map(({ kind, total }) => [kind, total])).toEqual([
    ['load-balancer-error', 1],
    ['amphora-silent', 1],
    ['operation-stalled', 1],
    ['load-balancer-pending', 1],
    ['image', 1],
    ['certificate', 2],
    ['pair-mixed', 1],
  ]);
  const item = (kind: string) => groups.find((one) => one.kind === kind)?.items[0];
  expect(item('load-balancer-error')).toMatchObject({
    loadBalancerId: broken,
    message: 'load balancer broken is in ERROR',
  });
  expect(item('amphora-silent')).toMatchObject({ amphoraId: 'm2', loadBalancerId: mixed });
  expect(item('operation-stalled')).toMatchObject({
    operationId: 'op',
    loadBalancerId: pending,
    message: expect.stringContaining('Nova is down'),
    advice: expect.stringContaining('Wake it up.'),
  });
  expect(item('load-balancer-pending')).toMatchObject({ loadBalancerId: pending, since: expect.any(String) });
  expect(item('pair-mixed')?.message).toContain(mixed);
  expect(groups.find(({ kind }) => kind === 'certificate')?.items.map(({ message }) => message)).toEqual([
    expect.stringMatching(/client_cert ends soon/),
    expect.stringMatching(/amphora m1's agent has ended/),
  ]);
  const open = { openSince: ago(1), silentCount: 9, threshold: 3, listenUntil: null, resumedAt: null };
  const counts = { silent: 9, heartbeatsLost: 0, unexplained: 9, untried: 9, recentFailovers: 0, runningFailovers: 0 };
  const hold = {
    code: 'OPERATOR' as const,
    message: 'alice paused it',
    advice: 'Resume it.',
    sinceMs: 0,
    clears: 'operator' as const,
  };
  const release = { ...aRelease('r-1'), tallies: tallyOf([]), eventCount: 0, formerImageIds: [] };
  const active = async () => [{ ...release, progress: { ...release.progress, holds: [hold] } }];
  const held = (await view({ releases: { active } })()).groups.find(({ kind }) => kind === 'release-held');
  expect(held?.items).toMatchObject([
    { releaseId: 'r-1', message: 'the release of amphora-2 does not go on: alice paused it', advice: 'Resume it.' },
  ]);
  const stopped = await view({
    silence: { survey: async () => ({ breaker: open, ...counts }), list: async () => [] },
  })();
  expect(stopped.groups[0]).toMatchObject({ kind: 'breaker-open', severity: 'error', total: 1 });
});

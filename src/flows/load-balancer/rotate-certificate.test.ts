import { expect, it } from 'vitest';
import { storedAmphora } from '../../../test/kit/contract/amphora-store.ts';
import { createFakeAmphoraAgent } from '../../../test/kit/fakes/fake-amphora-agent.ts';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeJournal } from '../../../test/kit/fakes/fake-journal.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import type { Amphora } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { JournalEntry } from '../../model/operation.ts';
import { runFlow } from '../engine/run-flow.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { rotateAmphoraCertificate } from './rotate-certificate.ts';

const oldEnd = '2026-11-29T00:00:00.000Z';
const newEnd = '2026-12-29T00:00:00.000Z';
const running = new AbortController().signal;

async function setUp(status: Amphora['status'] = 'ALLOCATED') {
  const clock = createFakeClock({ start: '2026-11-28T12:00:00Z', autoAdvance: true });
  const agent = createFakeAmphoraAgent();
  const row = storedAmphora('a', { status, certExpiration: oldEnd, lbNetworkIp: '10.0.0.9' });
  let issued = 0;
  const deps = {
    clock,
    agent,
    certificates: {
      issueAgentCertificate: async () => {
        issued++;
        return { certificatePem: `CERTIFICATE ${issued}\n`, privateKeyPem: 'SECRET KEY\n', notAfter: newEnd };
      },
    },
    amphorae: {
      get: async () => row,
      update: async (_id: string, patch: Partial<Amphora>) => Object.assign(row, patch),
    },
    settings: () => ({ certificateValiditySeconds: 60 }),
  } as unknown as LoadBalancerDeps;
  const journal = createFakeJournal(clock);
  const limits = { attempts: 3, firstPauseMs: 100, longestPauseMs: 1000 };
  const engine = { journal, clock, log: createFakeLog(), doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
  const operation = {
    id: 'op',
    flow: rotateAmphoraCertificate.name,
    subject: 'a',
    input: { amphoraId: 'a' },
    priority: 0,
  };
  await journal.enqueue(operation);
  const run = async () => {
    const claimed = await journal.claim('op', 'w');
    if (!claimed) throw new Error('not claimed');
    return await runFlow(rotateAmphoraCertificate, deps, claimed, engine, running);
  };
  return { agent, journal, deps, row, run, issued: () => issued };
}

it('gives the agent a new certificate, sees it shown, and records its end last; no key is in the journal', async () => {
  const { agent, journal, row, run } = await setUp();
  expect(await run()).toBe('done');
  expect(agent.amphora('a').agentCertificate).toBe('CERTIFICATE 1\nSECRET KEY\n');
  expect(row.certExpiration).toBe(newEnd);
  expect(JSON.stringify(await journal.get('op'))).not.toContain('KEY');
});

it('leaves the row as it was while the agent does not show the new certificate', async () => {
  const { journal, deps, row, run } = await setUp();
  deps.agent.showsCertificate = async () => false;
  expect(await run()).toBe('undone');
  expect(row.certExpiration).toBe(oldEnd);
  expect((await journal.get('op'))?.operation.reason).toMatchObject({ code: 'AGENT_REFUSED' });
});

it('asks an agent that does not answer once: housekeeping tries it again', async () => {
  const { deps, row, run } = await setUp();
  let asked = 0;
  deps.agent.rotateAgentCertificate = async () => {
    asked++;
    throw new KilnError('AGENT_UNREACHABLE', 'does not answer', { retryable: true });
  };
  expect(await run()).toBe('undone');
  expect([asked, row.certExpiration]).toEqual([1, oldEnd]);
});

it.each<[string, (deps: LoadBalancerDeps, die: () => never) => void]>([
  ['before the agent has the certificate', (deps, die) => (deps.agent.rotateAgentCertificate = async () => die())],
  ['before the agent shows it', (deps, die) => (deps.clock.sleep = async () => die())],
  ['before the row says so', (deps, die) => (deps.amphorae.update = async () => die())],
])('a worker that is killed %s is replaced, and all ends well', async (_when, kill) => {
  const { agent, journal, deps, row, run } = await setUp();
  const whole = { agent: { ...deps.agent }, sleep: deps.clock.sleep, update: deps.amphorae.update };
  let slow = true;
  const shows = deps.agent.showsCertificate;
  deps.agent.showsCertificate = async (...all) => (slow ? false : await shows(...all));
  if (!_when.includes('shows')) slow = false;
  kill(deps, () => {
    throw new KilnError('FENCED', 'killed');
  });
  await expect(run()).rejects.toMatchObject({ code: 'FENCED' });
  expect(row.certExpiration).toBe(oldEnd);

  slow = false;
  Object.assign(deps.agent, whole.agent);
  deps.clock.sleep = whole.sleep;
  deps.amphorae.update = whole.update;
  expect(await run()).toBe('done');
  expect(row.certExpiration).toBe(newEnd);
  const entries: readonly JournalEntry[] = (await journal.get('op'))?.entries ?? [];
  expect(entries.filter(({ kind }) => kind === 'failed')).toEqual([]);
  expect(agent.amphora('a').agentCertificate).toContain('CERTIFICATE');
});

it('has nothing to do for an amphora that is gone', async () => {
  const { row, run, issued } = await setUp('DELETED');
  expect(await run()).toBe('done');
  expect([issued(), row.certExpiration]).toEqual([0, oldEnd]);
});

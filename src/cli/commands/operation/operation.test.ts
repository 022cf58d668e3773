import { describe, expect, it } from 'vitest';
import { cliNow, driveCli } from '../../../../test/kit/cli.ts';
import { createFakeJournal } from '../../../../test/kit/fakes/fake-journal.ts';
import { madeUpFlow } from '../../../../test/kit/made-up-flow.ts';
import { KilnError } from '../../../model/errors.ts';
import type { JournalEntry } from '../../../model/operation.ts';

const reason = { code: 'BOOT_FAILED', message: 'no valid host', advice: 'wait' };

/** Operations that have not moved for so many minutes. */
async function stand(operations: { id: string; flow: string; minutes: number; entries?: JournalEntry[] }[]) {
  let now = cliNow;
  const journal = createFakeJournal({ now: () => now });
  for (const { id, flow, minutes, entries = [] } of operations) {
    now = new Date(cliNow.getTime() - minutes * 60_000);
    await journal.enqueue({ id, flow: madeUpFlow(flow), subject: `lb-${id}`, input: {}, priority: 0 });
    if (entries.length === 0) continue;
    await journal.claim(id, 'w1');
    await journal.record(id, 1, ...entries);
  }
  const knownFlows = async () => new Map([[madeUpFlow('create'), new Set(['make'])]]);
  return { journal: async () => journal, knownFlows, fake: journal };
}

describe('kiln operation', () => {
  it('list and show say of what nobody has brought further for long that this version does not know it', async () => {
    const parts = await stand([
      { id: 'known', flow: 'create', minutes: 60, entries: [{ kind: 'started', step: 'make' }] },
      { id: 'flow', flow: 'of-the-future', minutes: 60 },
      { id: 'step', flow: 'create', minutes: 60, entries: [{ kind: 'started', step: 'mend' }] },
      { id: 'young', flow: 'of-the-future', minutes: 1 },
    ]);
    const { stdout } = await driveCli('operation list', parts, { columns: 200 });
    const lines = stdout.split('\n').filter((line) => line.includes('unknown to this version'));
    expect(lines.map((line) => line.split(/\s+/)[0]).sort()).toEqual(['flow', 'step']);
    const list = (await driveCli('operation list --json', parts)).json() as { id: string; unknown: string | null }[];
    expect(Object.fromEntries(list.map(({ id, unknown }) => [id, unknown]))).toEqual({
      known: null,
      flow: 'flow of-the-future',
      step: 'step mend of flow create',
      young: null,
    });
    expect(parts.fake.calls('get')).toBe(0);
    const shown = await driveCli('operation show step', parts);
    expect(shown.stdout).toContain('running, unknown to this version: step mend of flow create');
    expect(shown.stdout).toContain('kiln operation abort step');
    expect((await driveCli('operation show known', parts)).stdout).not.toContain('unknown');
  });

  it('show names what is stuck, and what was left behind, by ID', async () => {
    const parts = await stand([
      {
        id: 'op',
        flow: 'create',
        minutes: 0,
        entries: [
          { kind: 'started', step: 'make' },
          { kind: 'failed', step: 'make', reason },
          { kind: 'stuck', step: 'make', at: cliNow.toISOString(), reason: { ...reason, message: 'Nova is down' } },
          {
            kind: 'left',
            step: 'make',
            reason: { ...reason, message: 'Nova says no' },
            leftovers: [
              { kind: 'server', id: 'srv-1', name: 'amphora-1' },
              { kind: 'security group', id: null, name: 'lb-1' },
            ],
          },
        ],
      },
    ]);
    const { stdout } = await driveCli('operation show op', parts);
    expect(stdout).not.toContain('make: Nova is down');
    expect(stdout).toContain('make: Nova says no');
    expect(stdout).toMatch(/server +srv-1 +amphora-1/);
    expect(stdout).toMatch(/security group +\(ID unknown\) +lb-1/);
  });

  it('show says what a step waits for, until it waits no more', async () => {
    const entries: JournalEntry[] = [
      { kind: 'failed', step: 'make', reason },
      { kind: 'stuck', step: 'make', at: cliNow.toISOString(), reason: { ...reason, message: 'Nova is down' } },
    ];
    const parts = await stand([
      { id: 'waits', flow: 'create', minutes: 0, entries },
      { id: 'goes-on', flow: 'create', minutes: 0, entries: [...entries, { kind: 'undone', step: 'make' }] },
    ]);
    expect((await driveCli('operation show waits', parts)).stdout).toContain('make: Nova is down');
    expect((await driveCli('operation show goes-on', parts)).stdout).not.toContain('Nova is down');
  });

  it('abort says what it leaves, and who may still be at it', async () => {
    const parts = await stand([{ id: 'op', flow: 'create', minutes: 0, entries: [{ kind: 'started', step: 'make' }] }]);
    const abortOperation = async (id: string) => {
      const { operation } = (await parts.fake.get(id)) ?? expect.unreachable();
      const leftovers = [{ kind: 'port', id: 'p-1', name: null }];
      return { ...operation, status: 'undone' as const, leftovers, lastWorker: 'w1' };
    };
    const run = await driveCli('operation abort op', { abortOperation });
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain('Operation op (create) on lb-op is aborted.');
    expect(run.stdout).toMatch(/port +p-1/);
    expect(run.stdout).toContain('Worker w1');
    expect((await driveCli('operation abort op --json', { abortOperation })).json()).toMatchObject({
      id: 'op',
      leftovers: [{ kind: 'port', id: 'p-1' }],
    });
    expect((await driveCli('operation abort op --quiet', { abortOperation })).stdout).toBe('op\n');
    const help = await driveCli('operation abort --help');
    expect(help.stdout).toContain('kiln operation abort 3f0d6f2f');
    const refused = await driveCli('operation abort op', {
      abortOperation: async () => {
        throw new KilnError('OPERATION_ENDED', 'operation op has ended: it is done');
      },
    });
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('has ended');
  });
});

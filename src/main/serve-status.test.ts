import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { serveStatus } from './serve-status.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const facts = {
  resolver: { status: () => [] },
  configuration: () => ({ loadedAt: '2026-03-01T11:00:00Z', files: [] }),
  certificates: async () => [],
  self: { pid: 4711, version: '0.3.0' },
  startedAt: '2026-03-01T10:00:00Z',
};

it('knows its own memory while the database is silent or refuses, and says that it knows no more', async () => {
  const status = serveStatus({
    ...facts,
    countAmphorae: () => new Promise(() => {}),
    silence: () => Promise.reject(new Error('away')),
  });
  const answer = status();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await answer).toMatchObject({ pid: 4711, amphorae: null, silence: null, imageChoices: [] });
}, 1_500);

it('counts amphorae', async () => {
  const byStatus = { READY: 2, ERROR: 1 };
  const status = serveStatus({ ...facts, countAmphorae: async () => byStatus, silence: () => new Promise(() => {}) });
  const answer = status();
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await answer).amphorae).toEqual({ total: 3, byStatus });
});

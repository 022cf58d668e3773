import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OperationQueue } from '../../../src/ports/operation-queue.ts';

export interface OperationQueueSubject {
  /** @param pauseMs how long an operation rests after "later". */
  makeQueue(pauseMs: number): OperationQueue;
  /** Commits an operation, so that it may be announced. */
  commit(operation: { id: string; priority: number }): Promise<void>;
  /** Resolves when the word of all that is urgent has reached a process that takes. */
  urgentArrived(): Promise<void>;
  close(): Promise<void>;
}

type End = 'ended' | 'later' | 'full';

const eventually = { timeout: 60_000, interval: 20 };
const A_SHORT_PAUSE_MS = 20;
const AN_HOUR_MS = 3_600_000;

/** What workers may expect of a queue: it brings the word, perhaps more than once, and never twice at the same time. */
export function describeOperationQueueContract(name: string, makeSubject: () => Promise<OperationQueueSubject>): void {
  describe(`OperationQueue: ${name}`, () => {
    let subject: OperationQueueSubject;
    let queues: OperationQueue[];
    let finish: (() => void)[];
    beforeEach(async () => {
      subject = await makeSubject();
      queues = [];
      finish = [];
    });
    afterEach(async () => {
      for (const each of finish) each();
      await Promise.all(queues.map((queue) => queue.stop()));
      await subject.close();
    });

    function makeQueue(pauseMs = A_SHORT_PAUSE_MS): OperationQueue {
      const queue = subject.makeQueue(pauseMs);
      queues.push(queue);
      return queue;
    }
    async function announce(queue: OperationQueue, id: string, priority = 0): Promise<void> {
      await subject.commit({ id, priority });
      queue.announce({ id, priority });
    }

    /** Takes what comes and holds it until it is settled. */
    function createTaker() {
      const began: string[] = [];
      const open = new Map<string, (end: End) => void>();
      let most = 0;
      let besideItself = false;
      let over = false;
      const take = (id: string): Promise<End> => {
        began.push(id);
        if (over) return Promise.resolve('ended');
        besideItself ||= open.has(id);
        return new Promise((resolve) => {
          open.set(id, (end) => {
            open.delete(id);
            resolve(end);
          });
          most = Math.max(most, open.size);
        });
      };
      finish.push(() => {
        over = true;
        for (const end of open.values()) end('ended');
        expect(besideItself).toBe(false);
      });
      const end = (id: string, how: End = 'ended') => open.get(id)?.(how);
      return { take, began, open, end, most: () => most };
    }

    it('hands over what is announced, before its start and after', async () => {
      const queue = makeQueue();
      const taken: string[] = [];
      await announce(queue, 'before');
      await queue.start(async (id) => {
        taken.push(id);
        return 'ended';
      }, 2);
      await vi.waitFor(() => expect(taken).toContain('before'), eventually);
      await announce(queue, 'after');
      await vi.waitFor(() => expect(taken).toContain('after'), eventually);
    });

    it('takes no more than its capacity at once, and all in the end', async () => {
      const queue = makeQueue();
      const { take, began, open, end, most } = createTaker();
      await queue.start(take, 3);
      const ids = Array.from({ length: 12 }, (_, n) => `op-${n}`);
      for (const id of ids) await announce(queue, id, Number(id === 'op-7'));
      await vi.waitFor(() => expect(open.size).toBe(3), eventually);
      while (new Set(began).size < ids.length) {
        await vi.waitFor(() => expect(open.size).toBeGreaterThan(0), eventually);
        end([...open.keys()][0] ?? '');
      }
      expect(most()).toBeLessThanOrEqual(3);
    });

    it('the most urgent first, however late it was announced', async () => {
      const queue = makeQueue();
      const { take, began, open, end } = createTaker();
      await queue.start(take, 1);
      await announce(queue, 'first');
      await vi.waitFor(() => expect(open.size).toBe(1), eventually);
      await announce(queue, 'plain-1');
      await announce(queue, 'plain-2');
      await announce(queue, 'urgent', 10);
      await subject.urgentArrived();
      while (new Set(began).size < 4) {
        await vi.waitFor(() => expect(open.size).toBe(1), eventually);
        for (const id of [...open.keys()]) end(id);
      }
      const [, second] = new Set(began);
      expect(second).toBe('urgent');
    });

    it('announced while it runs, it is taken again, and never beside itself', async () => {
      const queue = makeQueue(AN_HOUR_MS);
      const { take, began, open, end } = createTaker();
      await queue.start(take, 5);
      await announce(queue, 'a');
      await vi.waitFor(() => expect(open.size).toBe(1), eventually);
      queue.announce({ id: 'a', priority: 0 });
      queue.announce({ id: 'a', priority: 0 });
      end('a');
      await vi.waitFor(() => expect(began.length).toBeGreaterThan(1), eventually);
    });

    it('comes again after "later", and no more after "ended"', async () => {
      const queue = makeQueue();
      const taken: Record<string, number> = { a: 0, b: 0 };
      await queue.start(async (id) => {
        taken[id] = (taken[id] ?? 0) + 1;
        return id === 'a' && taken[id] < 3 ? 'later' : 'ended';
      }, 2);
      await announce(queue, 'a');
      await vi.waitFor(() => expect(taken.a).toBeGreaterThanOrEqual(3), eventually);
      await announce(queue, 'b');
      await vi.waitFor(() => expect(taken.b).toBeGreaterThanOrEqual(1), eventually);
      // The word of it may have been on its way more than once; by itself it does not come again.
      await new Promise((resolve) => setTimeout(resolve, 50 * A_SHORT_PAUSE_MS));
      const settled = { ...taken };
      await new Promise((resolve) => setTimeout(resolve, 25 * A_SHORT_PAUSE_MS));
      expect(taken).toEqual(settled);
    });

    it('what rests holds no place, and is taken at once when it is announced', async () => {
      const queue = makeQueue(AN_HOUR_MS);
      const taken: string[] = [];
      await queue.start(async (id) => {
        taken.push(id);
        return id.startsWith('resting') ? 'later' : 'ended';
      }, 1);
      for (let n = 0; n < 5; n++) await announce(queue, `resting-${n}`);
      await announce(queue, 'other');
      await vi.waitFor(() => expect(new Set(taken).size).toBe(6), eventually);
      const before = taken.length;
      queue.announce({ id: 'resting-0', priority: 0 });
      await vi.waitFor(() => expect(taken.slice(before)).toContain('resting-0'), eventually);
    });

    it('stops when what it took has come back, and takes no more', async () => {
      const queue = makeQueue();
      const { take, began, open, end } = createTaker();
      await queue.start(take, 1);
      await announce(queue, 'a');
      await announce(queue, 'b');
      await vi.waitFor(() => expect(open.size).toBe(1), eventually);
      let stopped = false;
      const stop = queue.stop().then(() => {
        stopped = true;
      });
      queue.announce({ id: 'c', priority: 0 });
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(stopped).toBe(false);
      end(began[0] ?? '');
      await stop;
      expect(began).toHaveLength(1);
    });
  });
}

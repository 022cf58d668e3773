/**
 * One request holds nobody up: whatever fills a body costs in proportion to its size, so that no tenant stops the process
 * for everybody else. Counted is the processor's time, which other processes do not lengthen.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenApiDocument } from '../../src/api/v2/openapi/document.ts';
import { readBody } from '../../src/api/v2/read-body.ts';
import { body, closed } from '../../src/api/v2/schemas/fields.ts';
import { KilnError } from '../../src/model/errors.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { operationsOf, resolved } from '../kit/openapi.ts';

// biome-ignore lint/suspicious/noExplicitAny: schemas are read as whatever they are.
type Node = any;

/** `[oslo_middleware] max_request_body_size`, as it is where nobody changes it. */
const largestBody = 114_688;

let api: StoredApiHarness;
let document: OpenApiDocument;
beforeAll(async () => {
  api = await openStoredApiHarness();
  await api.app.ready();
  document = api.app.openApi();
});
afterAll(() => api.close());

async function cpuSecondsOf(work: () => unknown): Promise<number> {
  // Of this thread: other files compute beside it.
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e6;
}

describe('a text as long as a body', () => {
  /** The kinds of texts that bodies have, by what is asked of them. */
  function textSchemas(): Map<string, Node> {
    const found = new Map<string, Node>();
    const seen = new Set<Node>();
    const walk = (node: Node): void => {
      if (typeof node !== 'object' || node === null || seen.has(node)) return;
      seen.add(node);
      const one = resolved(document, node);
      if (one !== node) {
        walk(one);
        return;
      }
      const { type, format, pattern, enum: choices, maxLength } = one;
      if (type === 'string') found.set(JSON.stringify([format, pattern, choices !== undefined, maxLength]), one);
      for (const inner of Object.values(one)) walk(inner);
    };
    for (const { operation } of operationsOf(document)) walk(operation.requestBody?.content['application/json'].schema);
    return found;
  }

  const starts = ['', 'x', 'http://', '/'];
  const fillings = ['{', '-', 'a', '0', ' ', '.', ':', ',', '@', '?', 'a@', '1,', 'a.'];
  const ends = ['x', '"'];

  it('is read or refused at once, whatever it is made of', async () => {
    const schemas = [...textSchemas()];
    expect(schemas.length).toBeGreaterThan(10);
    for (const [kind, schema] of schemas) {
      const whole = body('any', 'any', closed({ text: schema }));
      const seconds = await cpuSecondsOf(() => {
        for (const start of starts) {
          for (const filling of fillings) {
            const middle = filling.repeat((largestBody - 100) / filling.length);
            for (const end of ends) {
              try {
                readBody(whole, { any: { text: start + middle + end } });
              } catch (error) {
                expect(error).toBeInstanceOf(KilnError);
              }
            }
          }
        }
      });
      // Some hundred texts: less than one that is gone through again from each of its characters.
      expect([kind, seconds < 4]).toEqual([kind, true]);
    }
  }, 300_000);
});

describe('as many objects as a body holds', () => {
  const pool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
  const filled = (one: (index: number) => object): object[] => {
    const objects: object[] = [];
    for (let left = largestBody - 500; left > 0; ) {
      objects.push(one(objects.length));
      left -= JSON.stringify(objects.at(-1)).length + 1;
    }
    return objects;
  };
  const members = filled((index) => ({ address: `fd00::${index.toString(16)}`, protocol_port: 1 }));
  const posted = (inside: object) => ({ loadbalancer: { vip_subnet_id: subnetId, ...inside } });

  it('members: made with their pool, then replaced by themselves', async () => {
    const asked = posted({ pools: [{ name: 'p', ...pool, members }] });
    let id = '';
    const making = await cpuSecondsOf(async () => {
      const made = await api.call('POST', '/lbaas/loadbalancers', asked);
      expect(made.status).toBe(201);
      id = made.body.loadbalancer.pools[0].id;
    });
    expect(making).toBeLessThan(12);
    await api.settleAll();
    const replacing = await cpuSecondsOf(async () => {
      const { status } = await api.call('PUT', `/lbaas/pools/${id}/members`, { members });
      expect(status).toBe(202);
    });
    expect(replacing).toBeLessThan(12);
  }, 300_000);
});

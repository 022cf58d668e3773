import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readCounters, type Totals } from './counters.ts';
import { toStatistics } from './statistics.ts';

/** `show stat -1 7 -1` of HAProxy 2.6, less the columns that nobody reads. */
const csv = `# pxname,svname,qcur,scur,stot,bin,bout,ereq,status,weight,last_chk,hrsp_5xx,econ,eresp,wretr,
l,FRONTEND,,3,7,100,200,1,OPEN,,,4,,,,
prometheus-exporter-internal,FRONTEND,,0,9,9,9,9,OPEN,,,
p:l,m1,0,0,0,0,0,,no check,1,,
p:l,m2,0,0,0,0,0,,UP,0,"a ""quoted"", word",
p:l,m3,0,0,0,0,0,,DOWN 1/3,1,,
p:l,BACKEND,0,0,0,0,0,,UP,1,,4,2,1,5,
q:l,BACKEND,0,0,0,0,0,,UP,1,,4,2,0,0,
unnamed,BACKEND,0,0,0,0,0,,UP,1,,
prometheus:l,BACKEND,0,0,0,0,0,,UP,1,,
`;

it('reads listeners, pools and members', () => {
  expect(toStatistics(csv)).toEqual({
    listeners: [
      {
        id: 'l',
        status: 'OPEN',
        activeConnections: 3,
        totals: {
          ...{ bytesIn: 100, bytesOut: 200, totalConnections: 7, requestErrors: 1 },
          ...{ serverErrors: 4, connectErrors: 4, responseErrors: 1, retries: 5 },
        },
      },
    ],
    pools: [
      {
        poolId: 'p',
        listenerId: 'l',
        status: 'UP',
        members: new Map([
          ['m1', 'no check'],
          ['m2', 'DRAIN'],
          ['m3', 'DOWN 1/3'],
        ]),
      },
      { poolId: 'q', listenerId: 'l', status: 'UP', members: new Map() },
    ],
  });
});

it('reads nothing out of nothing', () => {
  expect(toStatistics('')).toEqual({ listeners: [], pools: [] });
});

describe('counters', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kiln-counters-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  let files = 0;
  const newFile = () => join(directory, `${++files}.json`);
  const totals = (value: number): Totals => ({
    bytesIn: value,
    bytesOut: value,
    totalConnections: value,
    requestErrors: value,
    serverErrors: value,
    connectErrors: value,
    responseErrors: value,
    retries: value,
  });

  it('tell each thing once, whatever agent or HAProxy is started anew', async () => {
    // Growth of the totals; null is a new agent, "restart" a new HAProxy.
    const event = fc.oneof(fc.nat({ max: 1000 }), fc.constant('agent' as const), fc.constant('haproxy' as const));
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 12 }), async (events) => {
        const file = newFile();
        let counters = await readCounters(file);
        let [happened, reported, total, seen] = [0, 0, 0, 0];
        for (const one of events) {
          if (one === 'agent') {
            counters = await readCounters(file);
          } else if (one === 'haproxy') {
            total = 0;
          } else {
            total += one;
            happened += one;
            const { bytesIn, requestErrors } = counters.advance('l', totals(total));
            expect(requestErrors).toBe(bytesIn);
            // A HAProxy that was started anew and has counted past the old total can't be distinguished from the old one.
            if (total - one === 0 && total >= seen && seen > 0) happened -= seen;
            reported += bytesIn;
            seen = total;
            await counters.keep(new Set(['l']));
          }
        }
        expect(reported).toBe(happened);
      }),
      { numRuns: 50 },
    );
  });

  it('forget listeners that are gone', async () => {
    const file = newFile();
    const counters = await readCounters(file);
    counters.advance('gone', totals(5));
    counters.advance('stays', totals(5));
    await counters.keep(new Set(['stays']));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([['stays', totals(5)]]);
  });

  it('begin anew where the file is broken', async () => {
    const file = newFile();
    writeFileSync(file, '{');
    expect((await readCounters(file)).advance('l', totals(3))).toEqual(totals(3));
  });
});

import { expect, it } from 'vitest';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { createDroppedPackets } from './dropped-packets.ts';

it('tells the first at once, then a sum a minute, and the rest at the end', () => {
  const log = createFakeLog();
  let now = 0;
  const dropped = createDroppedPackets(log, () => now);
  for (let n = 0; n < 1_000; n++) dropped.note(n % 2 ? 'signature' : 'json', 'why', '192.0.2.1');
  expect(log.lines).toEqual([
    {
      level: 'warn',
      fields: { dropped: { json: 1 }, lastFrom: '192.0.2.1' },
      message: 'heartbeat packets dropped; the last one: why',
    },
  ]);
  now = 60_000;
  dropped.note('json', 'why', '192.0.2.2');
  dropped.note('json', 'why', '192.0.2.3');
  dropped.flush();
  dropped.flush();
  expect(log.lines.slice(1)).toMatchObject([
    { fields: { dropped: { json: 500, signature: 500 }, lastFrom: '192.0.2.2' } },
    { fields: { dropped: { json: 1 }, lastFrom: '192.0.2.3' } },
  ]);
  expect(dropped.counts).toEqual({ json: 502, signature: 500 });
});

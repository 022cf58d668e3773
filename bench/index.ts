/** `npm run bench`: every figure of the README. `npm run bench -- resolve` runs one part. */
import { startBenchCloud } from './bench-cloud.ts';
import { benchBoots } from './boots.ts';
import { benchGrowth } from './growth.ts';
import { benchHeartbeats } from './heartbeats.ts';
import { benchProcess } from './process.ts';
import { machine, table } from './report.ts';
import { benchResolve } from './resolve.ts';
import { benchStore } from './store.ts';

const parts = {
  resolve: ['The image choice', benchResolve],
  boots: ['Many boots at once', benchBoots],
  process: ['The process', benchProcess],
  store: ['The store with 10,000 load balancers', benchStore],
  heartbeats: ['Heartbeats of 16,000 amphorae', benchHeartbeats],
  growth: ['1,000 load balancers / 100,000 with 1,000,000 members, in MariaDB', benchGrowth],
} as const;

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}.`);
  process.exit(2);
}

const cloud = await startBenchCloud();
try {
  console.log(`${machine()}\n`);
  for (const [name, [title, run]] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) console.log(table(title, await run(cloud)));
  }
} finally {
  await cloud.close();
}

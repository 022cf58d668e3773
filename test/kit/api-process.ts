/** The API over a database that other processes use as well: `api-process.ts CONNECTION`. Says its port, ends at SIGTERM. */
import type { AddressInfo } from 'node:net';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { openStoredApiHarness } from './api.ts';

const [connection = ''] = process.argv.slice(2);
const { app, close } = await openStoredApiHarness({}, { connection, clock: createSystemClock() });
await app.listen({ host: '127.0.0.1', port: 0 });
process.once('SIGTERM', () => void close());
console.log((app.server.address() as AddressInfo).port);

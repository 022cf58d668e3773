import { findFreePort } from '../../src/dev-cloud/free-port.ts';

/** A port of loopback that was free a moment ago, of those that no connection and no `listen(0)` gets. */
export const freePort = (): Promise<number> => findFreePort('tcp', '127.0.0.1');

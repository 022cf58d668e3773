import type { LvsListeners, Outcome } from '../host.ts';

const refusal =
  'UDP and SCTP listeners are not carried by this amphora: they need IP_VS in the kernel and keepalived, and it is a ' +
  'local process without either. Use an amphora that is a virtual machine, or another protocol.';

/** None, ever: this amphora has no kernel of its own. It says so when it is given one, before anybody counts on it. */
export function createNoLvsListeners(): LvsListeners {
  const refuse = async (): Promise<Outcome> => refusal;
  return {
    ids: async () => [],
    configuration: async () => null,
    upload: refuse,
    act: refuse,
    remove: async () => null,
    status: async () => 'OFFLINE',
    isRunning: async () => false,
    statistics: async () => ({ listeners: [], pools: [] }),
    resume: async () => undefined,
  };
}

import type { Answer, Route } from '../router.ts';
import { apiVersion } from './discovery.ts';

/**
 * UDP and SCTP listeners. Octavia's agent has keepalived set up the kernel's IP_VS for them; this amphora is a process
 * that has no kernel of its own. It says so when it is given one, before anybody counts on it.
 */
export function lvsListenerRoutes(): Route[] {
  const refuse = async (): Promise<Answer> => ({
    status: 400,
    body: {
      message: 'Invalid request',
      details:
        'UDP and SCTP listeners are not carried by this amphora: they need IP_VS in the kernel and keepalived, and it is a ' +
        'local process without either. Use an amphora that is a virtual machine, or another protocol.',
    },
  });
  return [{ method: 'PUT', path: `/${apiVersion}/listeners/:amphora/:id/udp_listener`, handle: refuse }];
}

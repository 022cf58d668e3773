import { createHash } from 'node:crypto';
import { boundAddressesOf, listenersOf } from '../haproxy/listeners.ts';
import type { LoadBalancers } from '../haproxy/load-balancers.ts';
import { HaproxyMissingError } from '../haproxy/program.ts';
import type { AmphoraHost, LvsListeners } from '../host.ts';
import { lvsAddressesOf } from '../lvs-addresses.ts';
import type { Answer, Route } from '../router.ts';
import { apiVersion } from './discovery.ts';
import { objectId, unknownLoadBalancer } from './identifiers.ts';

/**
 * HAProxy's configuration, and HAProxy (octavia/amphorae/backends/agent/api_server/loadbalancer.py). What is done to a load balancer
 * is done to a UDP or SCTP listener by its own ID.
 */
export function loadBalancerRoutes(
  loadBalancers: LoadBalancers,
  { lvs, advertise }: Pick<AmphoraHost, 'lvs' | 'advertise'>,
): Route[] {
  return [
    {
      method: 'PUT',
      path: `/${apiVersion}/loadbalancer/:amphora/:id/haproxy`,
      handle: async (request) => {
        const body = await request.body();
        const id = objectId(request, 'id');
        return await orHaproxyMissing(async () => {
          const fault = await loadBalancers.upload(id, body.toString('utf8'));
          if (fault !== null) return { status: 400, body: { message: 'Invalid request', details: fault } };
          return { status: 202, body: { message: 'OK' }, headers: { ETag: md5(body) } };
        });
      },
    },
    {
      method: 'GET',
      path: `/${apiVersion}/loadbalancer/:id/haproxy`,
      handle: async (request) => {
        const id = objectId(request, 'id');
        const configuration = await loadBalancers.configuration(id);
        if (configuration === null) return unknownLoadBalancer(id);
        return { status: 200, body: configuration, headers: { ETag: md5(configuration) } };
      },
    },
    {
      method: 'PUT',
      path: `/${apiVersion}/loadbalancer/:id/:action`,
      handle: async (request) => {
        const action = request.parameter('action').toLowerCase();
        if (action !== 'start' && action !== 'reload' && action !== 'stop') {
          return { status: 400, body: { message: 'Invalid Request', details: `Unknown action: ${action}` } };
        }
        const id = objectId(request, 'id');
        const configuration = await loadBalancers.configuration(id);
        if (configuration !== null) {
          const answer = await orHaproxyMissing(() => act(loadBalancers, id, action));
          if (answer.status === 202 && action !== 'stop') await advertise(boundAddressesOf(configuration));
          return answer;
        }
        const ofLvs = await lvs.configuration(id);
        if (ofLvs === null) return unknownLoadBalancer(id);
        const answer = await actOnLvs(lvs, id, action);
        if (answer.status === 202 && action !== 'stop') await advertise(lvsAddressesOf(ofLvs));
        return answer;
      },
    },
    {
      method: 'DELETE',
      path: `/${apiVersion}/listeners/:id`,
      handle: async (request) => {
        const id = objectId(request, 'id');
        if ((await loadBalancers.configuration(id)) !== null) await loadBalancers.remove(id);
        else {
          const fault = (await lvs.configuration(id)) === null ? null : await lvs.remove(id);
          if (fault !== null) return { status: 500, body: { message: 'Error stopping keepalivedlvs', details: fault } };
        }
        return { status: 200, body: { message: 'OK' } };
      },
    },
    {
      method: 'GET',
      path: `/${apiVersion}/listeners`,
      handle: async () => ({ status: 200, body: await listListeners(loadBalancers, lvs) }),
    },
  ];
}

/** All listeners that are configured. Octavia's agent calls HAProxy's all ACTIVE, whether it runs or not. */
export async function listListeners(
  loadBalancers: LoadBalancers,
  lvs: LvsListeners,
): Promise<Array<{ status: string; uuid: string; type: string }>> {
  const configurations = await Promise.all((await loadBalancers.ids()).map((id) => loadBalancers.configuration(id)));
  const ofHaproxy = configurations.flatMap((configuration) =>
    listenersOf(configuration ?? '').map(({ id, type }) => ({ status: 'ACTIVE', uuid: id, type })),
  );
  const ofLvs = (await lvs.ids()).map(async (id) => ({ status: await lvs.status(id), uuid: id, type: 'UDP' }));
  return [...ofHaproxy, ...(await Promise.all(ofLvs))];
}

async function act(loadBalancers: LoadBalancers, id: string, action: 'start' | 'reload' | 'stop'): Promise<Answer> {
  const ran = await loadBalancers.isRunning(id);
  const fault = action === 'stop' ? await loadBalancers.stop(id) : await loadBalancers[action](id);
  if (typeof fault === 'string') {
    return { status: 500, body: { message: `Error ${action}ing haproxy`, details: `${fault}${privilegeHint(fault)}` } };
  }
  // The words are those of Octavia's agent, the spelling too.
  const details = {
    start: `Configuration file is valid\nhaproxy daemon for ${id} started`,
    reload: ran ? `Listener ${id} reloaded` : `Configuration file is valid\nhaproxy daemon for ${id} started`,
    stop: `Listener ${id} stoped`,
  }[action];
  return { status: 202, body: { message: 'OK', details } };
}

async function actOnLvs(lvs: LvsListeners, id: string, action: 'start' | 'reload' | 'stop'): Promise<Answer> {
  const fault = await lvs.act(id, action);
  if (fault !== null) {
    return { status: 500, body: { message: `Failed to ${action} keepalivedlvs listener ${id}`, details: fault } };
  }
  return { status: 202, body: { message: 'OK', details: `keepalivedlvs listener ${id} ${action}ed` } };
}

/** What a laptop's user runs into first. */
function privilegeHint(fault: string): string {
  if (!/Permission denied/.test(fault) || process.getuid?.() === 0) return '';
  return (
    '\nPorts below 1024 are for root: choose a higher one for the listener, or allow them to all with ' +
    'sysctl net.ipv4.ip_unprivileged_port_start=0.'
  );
}

async function orHaproxyMissing(action: () => Promise<Answer>): Promise<Answer> {
  try {
    return await action();
  } catch (thrown) {
    if (!(thrown instanceof HaproxyMissingError)) throw thrown;
    return { status: 500, body: { message: 'HAProxy is not installed', details: thrown.message } };
  }
}

function md5(content: string | Buffer): string {
  return createHash('md5').update(content).digest('hex');
}

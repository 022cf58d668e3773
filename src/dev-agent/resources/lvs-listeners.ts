import { createHash } from 'node:crypto';
import type { LvsListeners } from '../host.ts';
import type { Route } from '../router.ts';
import { apiVersion } from './discovery.ts';
import { objectId } from './identifiers.ts';

/** UDP and SCTP listeners: their files. They are started, stopped and forgotten as load balancers are. */
export function lvsListenerRoutes(lvs: LvsListeners): Route[] {
  return [
    {
      method: 'PUT',
      path: `/${apiVersion}/listeners/:amphora/:id/udp_listener`,
      handle: async (request) => {
        const id = objectId(request, 'id');
        const body = await request.body();
        const fault = await lvs.upload(id, body.toString('utf8'));
        if (fault !== null) return { status: 400, body: { message: 'Invalid request', details: fault } };
        const md5 = createHash('md5').update(body).digest('hex');
        return { status: 200, body: { message: 'OK' }, headers: { ETag: md5 } };
      },
    },
    {
      method: 'GET',
      path: `/${apiVersion}/listeners/:id/udp_listener`,
      handle: async (request) => {
        const id = objectId(request, 'id');
        const configuration = await lvs.configuration(id);
        if (configuration !== null) return { status: 200, body: configuration };
        const details = `No UDP listener with UUID: ${id}`;
        return { status: 404, body: { message: 'UDP Listener Not Found', details } };
      },
    },
  ];
}

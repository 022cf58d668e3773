import { createHash } from 'node:crypto';
import type { Vrrp } from '../host.ts';
import type { Route } from '../router.ts';
import { apiVersion } from './discovery.ts';

/** keepalived's VRRP (octavia/amphorae/backends/agent/api_server/keepalived.py). */
export function vrrpRoutes(vrrp: Vrrp): Route[] {
  return [
    {
      method: 'PUT',
      path: `/${apiVersion}/vrrp/upload`,
      handle: async (request) => {
        const body = await request.body();
        const fault = await vrrp.upload(body.toString('utf8'));
        // Octavia's agent takes anything, and keepalived then does not start.
        if (fault !== null) return { status: 400, body: { message: 'Invalid request', details: fault } };
        const md5 = createHash('md5').update(body).digest('hex');
        return { status: 200, body: { message: 'OK' }, headers: { ETag: md5 } };
      },
    },
    {
      method: 'PUT',
      path: `/${apiVersion}/vrrp/:action`,
      handle: async (request) => {
        const action = request.parameter('action').toLowerCase();
        if (action !== 'start' && action !== 'reload' && action !== 'stop') {
          return { status: 400, body: { message: 'Invalid Request', details: `Unknown action: ${action}` } };
        }
        const fault = await vrrp.act(action);
        if (fault !== null) {
          return { status: 500, body: { message: `Failed to ${action} octavia-keepalived service`, details: fault } };
        }
        return { status: 202, body: { message: 'OK', details: `keepalived ${action}ed` } };
      },
    },
  ];
}

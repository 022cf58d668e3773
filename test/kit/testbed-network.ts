import { request } from 'undici';
import type { TestbedAccess } from './testbed-access.ts';

export type CallNeutron = <Body>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<Body>;

/** Requests to the test bed's Neutron as one of its users; the path is below `/v2.0/`. A refusal throws with what Neutron said. */
export async function neutronOf(bed: TestbedAccess, user: keyof TestbedAccess['users']): Promise<CallNeutron> {
  return neutronAt(bed.endpoints.network, await bed.token(user));
}

/** The same, of any Neutron. */
export function neutronAt(endpoint: string, token: string): CallNeutron {
  const headers = { 'x-auth-token': token, 'content-type': 'application/json' };
  return async <Body>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const answer = await request(`${endpoint}/v2.0/${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Body;
  };
}

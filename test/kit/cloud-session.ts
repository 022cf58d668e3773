import type { CloudAccount } from '../../src/dev-cloud/cloud.ts';

export interface CloudAnswer {
  status: number;
  headers: Headers;
  /** JSON as a value, else text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

/** One user of the embedded cloud, bare HTTP: for what Kiln's own clients never ask. */
export interface CloudSession {
  token: string;
  /** `body`: a string or buffer as it is, anything else as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<CloudAnswer>;
}

/** Logs in with the password, scoped to the account's project. */
export async function openCloudSession(cloudUrl: string, account: CloudAccount): Promise<CloudSession> {
  const user = { name: account.userName, domain: { id: 'default' }, password: account.password };
  const auth = {
    identity: { methods: ['password'], password: { user } },
    scope: { project: { name: account.projectName, domain: { id: 'default' } } },
  };
  const answer = await request(cloudUrl, '', 'POST', '/identity/v3/auth/tokens', { auth });
  const token = answer.headers.get('X-Subject-Token');
  if (!token) throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
  return { token, call: (...args) => request(cloudUrl, token, ...args) };
}

async function request(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<CloudAnswer> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const answer = await fetch(url + path, {
    method,
    headers: {
      'X-Auth-Token': token,
      ...(!raw && body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('Content-Type')?.startsWith('application/json') && text !== '';
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

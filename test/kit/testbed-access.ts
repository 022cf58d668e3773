import { readFileSync } from 'node:fs';
import { request } from 'undici';

export interface TestbedUser {
  name: string;
  password: string;
  domainName: string;
  projectId: string;
  projectName: string;
}

/** What testbed/up.sh wrote into testbed.json, and tokens for its users. */
export interface TestbedAccess {
  region: string;
  endpoints: Record<'identity' | 'image' | 'compute' | 'network' | 'placement', string>;
  users: Record<'kiln' | 'demo' | 'admin' | 'observer' | 'operator', TestbedUser>;
  /** Where amphorae have their agent, and what protects it. */
  network: { id: string };
  securityGroup: { id: string };
  database: { host: string; port: number; user: string; password: string };
  files: { cloudsYaml: string; octaviaConf: string; certificates: string; sshPrivateKey: string };
  /** A token of that user in its project; the same one each time. */
  token(user: keyof TestbedAccess['users']): Promise<string>;
}

export function readTestbed(): TestbedAccess {
  const folder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';
  const bed = JSON.parse(readFileSync(`${folder}/testbed.json`, 'utf8')) as Omit<TestbedAccess, 'token'>;
  const tokens = new Map<string, Promise<string>>();
  return {
    ...bed,
    token(name) {
      const token = tokens.get(name) ?? logIn(bed.endpoints.identity, bed.users[name]);
      tokens.set(name, token);
      return token;
    },
  };
}

/** @param identity Keystone, with its version. @returns a token in the user's project */
export async function logIn(
  identity: string,
  user: Pick<TestbedUser, 'name' | 'password' | 'domainName' | 'projectName'>,
): Promise<string> {
  const domain = { name: user.domainName };
  const auth = {
    identity: { methods: ['password'], password: { user: { name: user.name, domain, password: user.password } } },
    scope: { project: { name: user.projectName, domain } },
  };
  const answer = await request(`${identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  const body = await answer.body.text();
  const token = answer.headers['x-subject-token'];
  if (typeof token !== 'string') throw new Error(`Keystone gives ${user.name} no token: ${answer.statusCode} ${body}`);
  return token;
}

/** Where the test bed's Octavia answers after `testbed/up.sh octavia`: so many ports behind Keystone (testbed/settings.sh). */
export function octaviaEndpoint(): string {
  const { port } = new URL(readTestbed().endpoints.identity);
  return `http://127.0.0.1:${Number(port) + 876}`;
}

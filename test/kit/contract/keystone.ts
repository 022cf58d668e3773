import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { OpenStackAuthSettings } from '../../../src/adapters/openstack/settings.ts';
import { connectClients } from '../openstack-clients.ts';

export interface KeystoneSubject {
  /** With the version: `…/v3`. */
  authUrl: string;
  userName: string;
  password: string;
  projectName: string;
  /** Of user and project. */
  domainName: string;
}

/** Every way to log in, at a Keystone that speaks HTTP: the real one and the embedded one. */
export function describeKeystoneContract(name: string, findSubject: () => KeystoneSubject): void {
  describe(`Keystone: ${name}`, () => {
    const password = (fields: Partial<OpenStackAuthSettings> = {}): OpenStackAuthSettings => {
      const subject = findSubject();
      return {
        authUrl: subject.authUrl,
        authType: 'password',
        username: subject.userName,
        userDomainName: subject.domainName,
        password: subject.password,
        projectName: subject.projectName,
        projectDomainName: subject.domainName,
        ...fields,
      };
    };
    const connect = (auth: OpenStackAuthSettings) => {
      const { session, close } = connectClients(auth);
      onTestFinished(close);
      return session;
    };
    const login = (auth: OpenStackAuthSettings) => connect(auth).authenticatedAs();

    it('takes a password, by names and by IDs, and the URL with and without its version', async () => {
      const { authUrl, userName, projectName } = findSubject();
      const who = await login(password());
      expect(who).toMatchObject({ userName, projectName });
      const { username: _name, projectName: _project, ...rest } = password();
      expect(await login({ ...rest, userId: who.userId, projectId: who.projectId })).toMatchObject({
        userName,
        projectName,
      });
      for (const url of [authUrl.replace(/\/v3$/, ''), authUrl.replace(/\/v3$/, '/'), `${authUrl}/`]) {
        expect(await login(password({ authUrl: url, authType: 'v3password' }))).toMatchObject({ userName });
      }
    });

    it('takes a token', async () => {
      const { authUrl, projectName, domainName } = findSubject();
      const token = await connect(password()).token();
      const auth = { authUrl, authType: 'v3token', token, projectName, projectDomainName: domainName };
      expect(await login(auth)).toMatchObject({ projectName });
    });

    it('takes an application credential, by ID and by name', async () => {
      const { authUrl, userName, domainName, projectName } = findSubject();
      const session = connect(password());
      const [who, token] = [await session.authenticatedAs(), await session.token()];
      const url = `${authUrl}/users/${who.userId}/application_credentials`;
      const credentialName = `kiln-${randomUUID()}`;
      const headers = { 'x-auth-token': token, 'content-type': 'application/json' };
      const body = JSON.stringify({ application_credential: { name: credentialName } });
      const answer = await request(url, { method: 'POST', headers, body });
      expect(answer.statusCode).toBe(201);
      const made = (await answer.body.json()) as { application_credential: { id: string; secret: string } };
      const { id, secret } = made.application_credential;
      onTestFinished(async () => {
        await (await request(`${url}/${id}`, { method: 'DELETE', headers: { 'x-auth-token': token } })).body.dump();
      });
      const byId = { authUrl, authType: 'v3applicationcredential', applicationCredentialSecret: secret };
      expect(await login({ ...byId, applicationCredentialId: id })).toMatchObject({ userName, projectName });
      const byName = {
        ...byId,
        applicationCredentialName: credentialName,
        username: userName,
        userDomainName: domainName,
      };
      expect(await login(byName)).toMatchObject({ userName, projectName });
      const wrong = login({ ...byId, applicationCredentialId: id, applicationCredentialSecret: 'wrong' });
      await expect(wrong).rejects.toMatchObject({ code: 'SERVICE_UNAUTHORIZED' });
    });

    it('refuses a wrong password, with its own words and without ours', async () => {
      const error = await login(password({ password: 'not-this-one' })).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'SERVICE_UNAUTHORIZED',
        call: { service: 'identity', status: 401, requestId: expect.stringMatching(/^req-/) },
      });
      expect(JSON.stringify(error)).not.toContain('not-this-one');
    });

    it('gives a token that was refused back renewed', async () => {
      const session = connect(password());
      const first = await session.token();
      const answers = await Promise.all(Array.from({ length: 50 }, () => session.tokenAfterRefusal(first)));
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).not.toBe(first);
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IdentityService } from '../../../src/ports/identity.ts';

export interface IdentitySubject {
  identity: IdentityService;
  expected: { userName: string; projectName: string; projectId: string; role: string };
  close?(): Promise<void>;
}

/** What every IdentityService does, whatever is behind it. */
export function describeIdentityContract(name: string, makeSubject: () => Promise<IdentitySubject>): void {
  describe(`IdentityService: ${name}`, () => {
    let subject: IdentitySubject;
    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(async () => subject?.close?.());

    it('says whom Kiln is', async () => {
      const { role, ...expected } = subject.expected;
      const who = await subject.identity.authenticatedAs();
      expect(who).toMatchObject(expected);
      expect(who.roles).toContain(role);
      expect(who.userId).not.toBe('');
      expect(Date.parse(who.expiresAt)).toBeGreaterThan(Date.now());
    });

    it('knows the URL of each service that Kiln uses', async () => {
      for (const type of ['image', 'compute', 'network']) {
        const url = await subject.identity.endpoint(type);
        expect(URL.canParse(url), `${type}: ${url}`).toBe(true);
        expect(url).not.toMatch(/\/$/);
      }
    });

    it('says that a service is not in the catalog', async () => {
      const missing = subject.identity.endpoint('no-such-service');
      await expect(missing).rejects.toMatchObject({
        code: 'CONFIGURATION_INVALID',
        message: expect.stringContaining('no-such-service'),
      });
    });
  });
}

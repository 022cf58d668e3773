import { describe, expect, it } from 'vitest';
import { inspectCertificate } from './inspect.ts';

describe('a certificate that can not be read', () => {
  it('is described in words, and its path is left to whoever prints it', async () => {
    const nothing = { keyFile: null, keyPassphrase: null, issuedBy: null, mustVerify: null };
    const seen = await inspectCertificate({ ...nothing, file: '/nowhere/ca.pem' });
    expect(seen).toMatchObject({ file: '/nowhere/ca.pem', problem: 'there is no such file' });
  });
});

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { CertificateInspection } from '../../model/certificate.ts';
import { describeCertificate } from './describe.ts';

export interface InspectionRequest {
  /** PEM file; the first certificate in it is described, the earliest end of all of them counts. */
  file: string;
  /** PEM file with its private key, which may be the same file; null where there is none to check. */
  keyFile: string | null;
  keyPassphrase: string | null;
  /** PEM file with the authority that must have issued it; null where nobody must. */
  issuedBy: string | null;
  /** PEM file with a certificate that it must verify, being an authority; null where none. */
  mustVerify: string | null;
}

const nothingKnown = {
  subject: null,
  notBefore: null,
  notAfter: null,
  isCa: null,
  matchesKey: null,
  keyProblem: null,
  trusted: null,
};

/** Describes a certificate file and what hangs on it. Never throws for what is wrong with it. */
export async function inspectCertificate(request: InspectionRequest): Promise<CertificateInspection> {
  const { file, keyFile } = request;
  let chain: X509Certificate[];
  let description: ReturnType<typeof describeCertificate>;
  try {
    const pem = await readFile(file, 'utf8');
    chain = certificatesIn(pem);
    if (chain.length === 0) return { file, problem: 'has no PEM certificate in it', ...nothingKnown };
    description = describeCertificate(pem);
  } catch (error) {
    return { file, problem: inWords(error), ...nothingKnown };
  }

  let matchesKey: boolean | null = null;
  let keyProblem: string | null = null;
  if (keyFile) {
    try {
      const [pem, key] = await Promise.all([readFile(file, 'utf8'), readFile(keyFile, 'utf8')]);
      matchesKey = describeCertificate(pem, { pem: key, passphrase: request.keyPassphrase }).matchesKey;
    } catch (error) {
      keyProblem = `${keyFile}: ${inWords(error)}`;
    }
  }
  return {
    file,
    problem: null,
    subject: description.subject,
    notBefore: description.notBefore,
    notAfter: chain.map((one) => one.validToDate.toISOString()).sort()[0] ?? description.notAfter,
    isCa: description.isCa,
    matchesKey,
    keyProblem,
    trusted: await isTrusted(chain, request),
  };
}

/** Without the path, which whoever prints this names already. */
function inWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'this user may not read it';
  return /bad decrypt/i.test(message) ? `the passphrase does not open it (${message})` : message;
}

/** Null where nothing has to hold, or where the other file can't be read: that one has a finding of its own. */
async function isTrusted(chain: readonly X509Certificate[], request: InspectionRequest): Promise<boolean | null> {
  const other = request.issuedBy ?? request.mustVerify;
  if (other === null) return null;
  try {
    const others = certificatesIn(await readFile(other, 'utf8'));
    const [issuers, [issued]] = request.issuedBy ? [others, chain] : [chain, others];
    if (!issued) return null;
    return issuers.some((issuer) => issuer.fingerprint256 === issued.fingerprint256 || hasIssued(issuer, issued));
  } catch {
    return null;
  }
}

function hasIssued(issuer: X509Certificate, issued: X509Certificate): boolean {
  return issued.checkIssued(issuer) && issued.verify(issuer.publicKey);
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

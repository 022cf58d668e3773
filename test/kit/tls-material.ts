/** Certificates, keys and lists as `openssl` makes them, for tests of what users hand in. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KeyKind = 'rsa' | 'ec';

/** A certificate with its key, in files. */
export interface MadeCertificate {
  certificateFile: string;
  keyFile: string;
  certificate: string;
  /** PKCS#8. */
  key: string;
}

export interface TlsWorkshop {
  folder: string;
  /** Runs openssl in the folder. */
  openssl(...command: string[]): Buffer;
  /** Signed by `issuer`; by itself without one. */
  make(name: string, options?: MakeOptions): MadeCertificate;
  /** A PKCS#12 file, DER. Without a passphrase if `options` don't say otherwise. */
  pkcs12(leaf: MadeCertificate, others: readonly MadeCertificate[], options?: readonly string[]): Buffer;
  /** A revocation list with nothing on it, PEM. */
  revocationList(authority: MadeCertificate): string;
  close(): void;
}

export interface MakeOptions {
  kind?: KeyKind;
  issuer?: MadeCertificate;
  isCa?: boolean;
  /** "/CN=…"; absent: the name. */
  subject?: string;
  dnsNames?: readonly string[];
  /** Negative: ended before today. */
  days?: number;
}

export function openTlsWorkshop(): TlsWorkshop {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-tls-'));
  const file = (name: string) => join(folder, name);
  const read = (name: string) => readFileSync(file(name), 'utf8');
  const openssl = (...command: string[]) =>
    execFileSync('openssl', command, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  let made = 0;
  return {
    folder,
    openssl,
    make(name, { kind = 'ec', issuer, isCa = false, subject = `/CN=${name}`, dnsNames = [], days = 30 } = {}) {
      const key = kind === 'rsa' ? ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] : ['EC', ...curve];
      openssl('genpkey', '-algorithm', ...key, '-out', `${name}.key`);
      openssl('req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
      const extensions = [`basicConstraints=critical,CA:${isCa ? 'TRUE' : 'FALSE'}`];
      if (dnsNames.length > 0) extensions.push(`subjectAltName=${dnsNames.map((dns) => `DNS:${dns}`).join(',')}`);
      writeFileSync(file(`${name}.ext`), `${extensions.join('\n')}\n`);
      const signer = issuer ? ['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile] : ['-signkey', `${name}.key`];
      const number = ['-set_serial', `${1000 + made++}`];
      const span = ['-days', `${days}`, '-extfile', `${name}.ext`];
      openssl('x509', '-req', '-in', `${name}.csr`, ...signer, ...number, ...span, '-out', `${name}.pem`);
      return {
        certificateFile: file(`${name}.pem`),
        keyFile: file(`${name}.key`),
        certificate: read(`${name}.pem`),
        key: read(`${name}.key`),
      };
    },
    pkcs12(leaf, others, options = []) {
      writeFileSync(file('others.pem'), others.map(({ certificate }) => certificate).join(''));
      const passphrase = options.includes('-passout') ? [] : ['-passout', 'pass:'];
      const chain = others.length > 0 ? ['-certfile', 'others.pem'] : [];
      const pair = ['-in', leaf.certificateFile, '-inkey', leaf.keyFile];
      return openssl('pkcs12', '-export', ...pair, ...chain, ...passphrase, ...options);
    },
    revocationList({ certificateFile, keyFile }) {
      writeFileSync(file('index.txt'), '');
      writeFileSync(file('ca.cnf'), `[ca]\ndefault_ca=it\n[it]\ndatabase=${file('index.txt')}\ndefault_md=sha256\n`);
      const authority = ['-config', 'ca.cnf', '-cert', certificateFile, '-keyfile', keyFile];
      return openssl('ca', '-gencrl', ...authority, '-crldays', '30').toString();
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const curve = ['-pkeyopt', 'ec_paramgen_curve:prime256v1', '-pkeyopt', 'ec_param_enc:named_curve'];

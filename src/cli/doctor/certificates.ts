import { alarmOf, judgeEnd } from '../../core/tls/certificate-end.ts';
import type { CertificateInspection } from '../../model/certificate.ts';
import { exitCodes } from '../../model/errors.ts';
import type { CertificateRole } from '../context.ts';
import { daysBetween, plural } from '../format/duration.ts';
import { type Check, type CheckGroup, type Finding, fail, ok, warn } from './check.ts';

interface RoleRules {
  title: string;
  option: string;
  /** What is broken while this one is. */
  use: string;
  mustBeCa: boolean;
  /** What `trusted: false` means for this role, and what to do. */
  untrusted?: readonly [finding: string, advice: string];
}

const roles: Record<CertificateRole, RoleRules> = {
  authority: {
    title: 'authority for amphorae',
    option: '[certificates] ca_certificate',
    use: 'no amphora can be given a certificate',
    mustBeCa: true,
  },
  'client-ca': {
    title: 'authority that agents trust',
    option: '[controller_worker] client_ca',
    use: 'agents would not know whom to trust',
    mustBeCa: true,
  },
  client: {
    title: "Kiln's own certificate",
    option: '[haproxy_amphora] client_cert',
    use: 'agents would refuse Kiln',
    mustBeCa: false,
    untrusted: [
      'it was not issued by [controller_worker] client_ca: agents would refuse Kiln',
      'Issue it from that authority, or name the authority that did issue it.',
    ],
  },
  'server-ca': {
    title: 'authority that Kiln trusts',
    option: '[haproxy_amphora] server_ca',
    use: 'Kiln would refuse every agent',
    mustBeCa: true,
    untrusted: [
      'what [certificates] ca_certificate issues is not verified by it: Kiln would refuse every agent',
      'Name the certificate (chain) of the authority that issues the certificates of amphorae.',
    ],
  },
};

function judge(rules: RoleRules, seen: CertificateInspection, now: Date): readonly Finding[] {
  const { option, use } = rules;
  if (seen.file === null) return [fail(`${option} is not set: ${use}`, 'Set it to a PEM file.')];
  if (seen.problem !== null) {
    return [fail(`${seen.file}: ${seen.problem}: ${use}`, `Correct ${option}, or the file and its permissions.`)];
  }
  const findings: Finding[] = [];
  if (rules.mustBeCa && seen.isCa === false) {
    findings.push(
      fail(`${seen.file} is not the certificate of an authority`, `${option} needs one (basicConstraints CA:TRUE).`),
    );
  }
  if (seen.keyProblem !== null) {
    findings.push(
      fail(`its private key can't be used: ${seen.keyProblem}`, 'Correct the key’s file, permissions or passphrase.'),
    );
  } else if (seen.matchesKey === false) {
    findings.push(
      fail('the private key belongs to another certificate', 'Use the key that the certificate was made for.'),
    );
  }
  if (seen.trusted === false && rules.untrusted) findings.push(fail(...rules.untrusted));
  findings.push(...judgeTime(seen, now));
  return findings.length > 0 ? findings : [ok(`${seen.subject ?? seen.file}, ${timeLeft(seen, now)}`)];
}

function judgeTime(seen: CertificateInspection, now: Date): readonly Finding[] {
  const renew = 'Issue a new one before it ends, and put it in place of the file.';
  if (seen.notBefore !== null && Date.parse(seen.notBefore) > now.getTime()) {
    return [fail(`it begins only on ${seen.notBefore}`, 'Check the clock of this host, or issue it again.')];
  }
  if (seen.notAfter === null) return [];
  const end = judgeEnd(seen.notAfter, now);
  if (end === 'ended') return [fail(`it ended on ${seen.notAfter}`, renew)];
  return end === 'soon' ? [warn(`${seen.subject ?? seen.file}, ${timeLeft(seen, now)}`, renew)] : [];
}

function timeLeft({ notAfter }: CertificateInspection, now: Date): string {
  return notAfter === null ? 'no end' : `ends in ${plural(daysBetween(now, notAfter), 'day')} (${notAfter})`;
}

/** Of whatever the configuration names besides those of the four roles. */
const connections: Check = {
  id: 'certificates.connections',
  title: 'files of TLS connections',
  needs: ['configuration.valid'],
  async run({ context, now }) {
    const known = Object.values(roles).map(({ option }) => option);
    const files = (await (await context.controller()).ownCertificates()).filter(
      ({ option }) => !known.includes(option),
    );
    const renew = 'Get a new one before it ends, and put it in place of the file.';
    const findings = files.flatMap((one): Finding[] => {
      const alarm = alarmOf(one, now);
      const where = `${one.option} = ${one.file}`;
      if (alarm === 'unreadable')
        return [fail(`${where}: ${one.problem}`, 'Correct the option, or the file and its permissions.')];
      if (alarm === 'ended') return [fail(`${where} ended on ${one.notAfter}`, renew)];
      return alarm === 'soon' ? [warn(`${where} ends on ${one.notAfter}`, renew)] : [];
    });
    if (findings.length > 0) return findings;
    return ok(files.length === 0 ? 'none is configured' : files.map(({ option }) => option).join(', '));
  },
};

export const certificatesChecks: CheckGroup = {
  title: 'Certificates',
  exitCode: exitCodes.usageOrConfiguration,
  checks: [
    ...Object.entries(roles).map(
      ([role, rules]): Check => ({
        id: `certificates.${role}`,
        title: rules.title,
        needs: ['configuration.valid'],
        async run({ context, now }) {
          return judge(rules, await context.inspectCertificate(role as CertificateRole), now);
        },
      }),
    ),
    connections,
  ],
};

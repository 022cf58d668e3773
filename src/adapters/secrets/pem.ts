import { secretInvalid } from './limits.ts';

/** A block of a PEM file (RFC 7468). */
export interface PemBlock {
  /** Such as "CERTIFICATE". */
  label: string;
  /** All of it, from BEGIN to END, without a line feed at the end. */
  text: string;
}

const first = /^-----BEGIN ([A-Z0-9 ]{1,40})-----$/;

export function looksLikePem(content: string): boolean {
  return content.includes('-----BEGIN ');
}

/** The blocks of `content`, in order; text between them is passed over. SECRET_INVALID for a block without an end. */
export function pemBlocks(content: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | null = null;
  for (const line of content.split(/\r\n|\r|\n/).map((text) => text.trim())) {
    const label = first.exec(line)?.[1];
    if (label !== undefined) {
      if (open) throw secretInvalid(`has a ${open.label} block without an end`);
      open = { label, lines: [line] };
    } else if (open) {
      open.lines.push(line);
      if (line !== `-----END ${open.label}-----`) continue;
      blocks.push({ label: open.label, text: open.lines.join('\n') });
      open = null;
    }
  }
  if (open) throw secretInvalid(`has a ${open.label} block without an end`);
  return blocks;
}

/** DER as a PEM block, without a line feed at the end: the form in which Octavia names and composes files. */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n');
}

import type { Listener, Pool } from '../../model/load-balancer.ts';

/** Headers about a client's certificate and what they hold; `%{+Q}`: in quotes, whatever the certificate says. */
const certificateHeaders = {
  'X-SSL-Client-Verify': '%[ssl_c_verify]',
  'X-SSL-Client-Has-Cert': '%[ssl_c_used]',
  'X-SSL-Client-DN': '%{+Q}[ssl_c_s_dn]',
  'X-SSL-Client-CN': '%{+Q}[ssl_c_s_dn(cn)]',
  'X-SSL-Issuer': '%{+Q}[ssl_c_i_dn]',
  'X-SSL-Client-SHA1': '%{+Q}[ssl_c_sha1,hex]',
  'X-SSL-Client-Not-Before': '%{+Q}[ssl_c_notbefore]',
  'X-SSL-Client-Not-After': '%{+Q}[ssl_c_notafter]',
} as const;

/** Lines of a backend that add the headers that its listener asks for. Names that are not Octavia's add nothing. */
export function renderInsertHeaders({ insertHeaders, protocol }: Listener, pool: Pool): string[] {
  const isWanted = (name: string) =>
    Object.hasOwn(insertHeaders, name) && `${insertHeaders[name]}`.toLowerCase() === 'true';
  const lines: string[] = [];
  const set = (name: string, format: string) => lines.push(`http-request set-header ${name} ${format}`);

  if (pool.protocol === 'HTTP') {
    if (isWanted('X-Forwarded-For')) lines.push('option forwardfor');
    if (isWanted('X-Forwarded-Port')) set('X-Forwarded-Port', '%[dst_port]');
  }
  if (isWanted('X-Forwarded-Proto')) {
    if (protocol === 'HTTP') set('X-Forwarded-Proto', 'http');
    if (protocol === 'TERMINATED_HTTPS') set('X-Forwarded-Proto', 'https');
  }
  if (protocol === 'TERMINATED_HTTPS') {
    for (const [name, format] of Object.entries(certificateHeaders)) if (isWanted(name)) set(name, format);
  }
  return lines;
}

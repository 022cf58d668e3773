import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { UiFiles } from '../../ports/ui-files.ts';

/** Nothing of a page but what stands here is loaded or run, and nobody may frame it. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** Unless its weight is nought (RFC 9110, 12.5.3). */
const takesGzip = /(?:^|[\s,])gzip\s*(?:,|$|;(?!\s*q=0(?:\.0*)?\s*(?:,|$)))/i;

/** The page's files under `/ui`; all answers of this scope get the page's headers. */
export function pageFiles(app: FastifyInstance, files: UiFiles): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(securityHeaders);
  });

  // Relative, so that it holds behind a proxy with a path of its own.
  app.get('/ui', (request, reply) =>
    request.url.split('?')[0]?.endsWith('/') ? send('index.html', request, reply) : reply.redirect('ui/'),
  );
  app.get<{ Params: { name: string } }>('/ui/:name', (request, reply) => send(request.params.name, request, reply));

  async function send(name: string, { headers }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const file = (await files()).get(name);
    if (!file) return reply.code(404).type('text/plain; charset=utf-8').send('There is no such file.\n');
    const gzipped = takesGzip.test(headers['accept-encoding'] ?? '') ? file.gzipped : null;
    const etag = gzipped ? file.etag.replace(/"$/, '-gzip"') : file.etag;
    reply.header('etag', etag).header('cache-control', 'no-cache').header('vary', 'accept-encoding');
    if (headers['if-none-match']?.split(',').some((one) => one.trim() === etag)) return reply.code(304).send();
    if (gzipped) reply.header('content-encoding', 'gzip');
    return reply.type(file.type).send(gzipped ?? file.content);
  }
}

import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { preferred } from '../accept.ts';
import type { ApiDeps } from '../deps.ts';

/** In oslo.middleware's order: the first one is also for who wants none of them. */
const types = ['text/plain', 'text/html', 'application/json'] as const;

type Health = NonNullable<ApiDeps['health']>;

/** Answers as oslo.middleware's healthcheck does, which Octavia has at this path. */
export function healthCheckRoute(app: FastifyInstance, { health, clock }: Pick<ApiDeps, 'health' | 'clock'>): void {
  if (!health) return;
  const schema = { response: { 200: Type.String(), 503: Type.String() } };
  app.get('/healthcheck', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const problems = await health.problems();
    const reasons = problems.length > 0 ? problems : ['OK'];
    reply.code(problems.length > 0 ? 503 : 200);
    const type = preferred(request.headers.accept, types) ?? 'text/plain';
    if (type === 'text/plain') return reply.type('text/plain; charset=UTF-8').send(reasons.join('\n'));
    const now = clock.now().toISOString();
    if (type === 'text/html') return reply.type('text/html; charset=UTF-8').send(htmlOf(reasons, health, now));
    return reply.type('application/json').send(JSON.stringify(jsonOf(reasons, health, now), null, 4));
  });
  app.head('/healthcheck', async (_request, reply) =>
    reply.code((await health.problems()).length > 0 ? 503 : 204).send(),
  );
}

/**
 * `[healthcheck] detailed` gives the fields that it gives in Octavia. What would tell callers without a token of the
 * process, its host and its code stays empty: the log has it.
 */
function jsonOf(reasons: readonly string[], { detailed }: Health, now: string): object {
  if (!detailed) return { detailed, reasons };
  return {
    detailed,
    gc: { counts: [], threshold: [] },
    greenthreads: [],
    now,
    platform: '',
    python_version: '',
    reasons: reasons.map((reason) => ({ class: 'OctaviaDBCheckResult', details: '', reason })),
    threads: [],
  };
}

/** The texts are ours: nothing in them is to be escaped. */
function htmlOf(reasons: readonly string[], { detailed }: Health, now: string): string {
  const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
    [
      '<TABLE bgcolor="#ffffff" border="1"><TBODY>',
      `<TR>${head.map((cell) => `<TH>${cell}</TH>`).join('')}</TR>`,
      ...rows.map((row) => `<TR>${row.map((cell) => `<TD>${cell}</TD>`).join('')}</TR>`),
      '</TBODY></TABLE>',
    ].join('\n');
  const results = detailed
    ? table(
        ['Kind', 'Reason', 'Details'],
        reasons.map((reason) => ['OctaviaDBCheckResult', reason, '']),
      )
    : table(
        ['Reason'],
        reasons.map((reason) => [reason]),
      );
  return [
    '<HTML>',
    '<HEAD><TITLE>Healthcheck Status</TITLE></HEAD>',
    '<BODY>',
    ...(detailed ? ['<H1>Server status</H1>', `<B>Current time:</B><PRE>${now}</PRE>`, '<HR></HR>'] : []),
    ...(detailed ? ['<H2>Garbage collector:</H2>', '<HR></HR>'] : []),
    `<H2>Result of ${reasons.length} checks:</H2>`,
    results,
    '</BODY>',
    '</HTML>',
  ].join('\n');
}

import type { FastifyInstance } from 'fastify';
import { KilnError } from '../../model/errors.ts';

/**
 * Has a server listen; one that can't is closed.
 * @param place.isShared others that say so as well may listen there beside it; the kernel spreads connections over them.
 * @param taken what to say when another program listens there: whose port it is to be, and what to do.
 */
export async function listen(
  app: FastifyInstance,
  { host, port, isShared = false }: { host: string; port: number; isShared?: boolean },
  taken: { where: string; advice: string },
): Promise<{ url: string; close(): Promise<void> }> {
  try {
    const url = await app.listen({ host, port, ...(isShared && { reusePort: true }) });
    return { url, close: () => app.close() };
  } catch (error) {
    await app.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new KilnError('CONFIGURATION_INVALID', `port ${port} of ${host}, where ${taken.where}, is taken`, {
      advice: taken.advice,
      cause: error,
    });
  }
}

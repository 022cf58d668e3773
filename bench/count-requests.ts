import { subscribe, unsubscribe } from 'node:diagnostics_channel';

type Created = { request: { method: string; path: string } };

/** Counts the HTTP requests that this process sends while `work` runs, by the first part of their path. */
export async function countRequests<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; requests: Record<string, number> }> {
  const requests: Record<string, number> = {};
  const count = (message: unknown) => {
    const service = (message as Created).request.path.split(/[/?]/)[1] ?? '';
    requests[service] = (requests[service] ?? 0) + 1;
  };
  subscribe('undici:request:create', count);
  try {
    return { result: await work(), requests };
  } finally {
    unsubscribe('undici:request:create', count);
  }
}

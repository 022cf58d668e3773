import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Dispatcher, Pool } from 'undici';
import type { Amphora } from '../../model/amphora.ts';
import type { BootLine, ServeProcess, ServeStatus } from '../../model/control.ts';
import { errorCodeOf, KilnError } from '../../model/errors.ts';
import type { AbortedOperation } from '../../model/operation.ts';
import type { AmphoraOperations } from '../../ports/amphora-operations.ts';
import type { RelayPublicApi } from '../../ports/public-api-relay.ts';

/** A running `kiln serve`, as the command line sees it. */
export interface ControlClient {
  pid: number;
  amphorae: AmphoraOperations;
  status(): Promise<ServeStatus>;
  abortOperation(operationId: string): Promise<AbortedOperation>;
  close(): Promise<void>;
}

/** A process that is alive answers in time: it is asked its own memory, and has less patience with its database. */
const ANSWER_SECONDS = 3;

/**
 * Connects to the control socket.
 * @returns null when no `kiln serve` answers there: none runs, or one that died left its socket behind.
 * @throws STATE_UNUSABLE when the socket is there and may not be opened by this user.
 */
export async function connectControl(socketPath: string): Promise<ControlClient | null> {
  if (!statSync(socketPath, { throwIfNoEntry: false })?.isSocket()) return null;
  // A boot may be silent for as long as Nova builds; the flow has the limits, not the socket.
  const dispatcher = new Pool('http://kiln', { socketPath, bodyTimeout: 0, headersTimeout: 0 });

  async function ask<Answer>(method: 'GET' | 'DELETE' | 'POST', path: string, signal?: AbortSignal): Promise<Answer> {
    const answer = await dispatcher.request({ path, method, ...(signal ? { signal } : {}) });
    const body = (await answer.body.json()) as Answer & { error?: ReturnType<KilnError['toJSON']> };
    if (answer.statusCode !== 200) throw fromWire(body.error);
    return body;
  }
  async function askBriefly<Answer>(path: string): Promise<Answer> {
    try {
      return await ask<Answer>('GET', path, AbortSignal.timeout(ANSWER_SECONDS * 1000));
    } catch (cause) {
      if (!(cause instanceof DOMException)) throw cause;
      throw new KilnError('STATE_UNUSABLE', `kiln serve at ${socketPath} has not answered in ${ANSWER_SECONDS} s`, {
        cause,
        advice: 'It is there, and hangs: see what its host lacks and what its log says; then restart it.',
        retryable: true,
      });
    }
  }
  const status = () => askBriefly<ServeStatus>('/status');
  // Kiln 0.3 and before have no other answer than their status.
  const ping = () =>
    askBriefly<ServeProcess>('/ping').catch((error: unknown) => {
      if (error instanceof KilnError && error.code === 'USAGE') return status();
      throw error;
    });

  let self: ServeProcess;
  try {
    self = await ping();
  } catch (cause) {
    await dispatcher.destroy();
    if (cause instanceof KilnError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return null;
    throw new KilnError('STATE_UNUSABLE', `cannot talk to kiln serve at ${socketPath}: ${(cause as Error).message}`, {
      cause,
      advice: 'Run this command as the user that runs `kiln serve`, or set [kiln] control_socket.',
    });
  }

  return {
    pid: self.pid,
    status,
    close: () => dispatcher.close(),
    abortOperation: (operationId) =>
      ask<AbortedOperation>('POST', `/operations/${encodeURIComponent(operationId)}/abort`),
    amphorae: {
      list: ({ includeDeleted }) => ask<Amphora[]>('GET', `/amphorae?deleted=${includeDeleted}`),
      get: (amphoraId) => ask<Amphora>('GET', `/amphorae/${encodeURIComponent(amphoraId)}`),
      delete: (amphoraId) => ask<Amphora>('DELETE', `/amphorae/${encodeURIComponent(amphoraId)}`),
      async boot(body, onEvent, signal) {
        const answer = await dispatcher.request({
          path: '/amphorae',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          ...(signal ? { signal } : {}),
        });
        if (answer.statusCode !== 200) {
          throw fromWire(((await answer.body.json()) as { error?: ReturnType<KilnError['toJSON']> }).error);
        }
        try {
          for await (const text of createInterface({ input: answer.body })) {
            const line = JSON.parse(text) as BootLine;
            if ('event' in line) onEvent(line.event);
            else if ('amphora' in line) return line.amphora;
            else throw fromWire(line.error);
          }
        } catch (cause) {
          if (cause instanceof KilnError) throw cause;
          throw signal?.aborted ? interrupted(cause) : servedNoMore(cause);
        }
        throw servedNoMore(null);
      },
    },
  };
}

function interrupted(cause: unknown): KilnError {
  return new KilnError('CANCELLED', 'the boot was interrupted', {
    cause,
    advice: '`kiln serve` undoes it; `kiln amphora list` shows how it ended.',
  });
}

function servedNoMore(cause: unknown): KilnError {
  return new KilnError('CANCELLED', 'kiln serve ended while the amphora was being booted', {
    cause,
    advice: 'When it runs again it goes on with the boot by itself; `kiln amphora list` shows how it ended.',
  });
}

/** An error that came over the socket, as the error it was. */
function fromWire(error: ReturnType<KilnError['toJSON']> | undefined): KilnError {
  const code = error && errorCodeOf(error.code);
  if (!code) return new KilnError('INTERNAL', 'kiln serve answered without saying why');
  const { message, advice, retryable, details } = error;
  return new KilnError(code, message, { advice, retryable, details });
}

/**
 * The public API of the `kiln serve` behind a control socket, as an administrator. It may be restarted meanwhile.
 * @param who for what is kept of changes: who asked for them.
 */
export function relayPublicApi(socketPath: string, who: string): { relay: RelayPublicApi; close(): Promise<void> } {
  const dispatcher = new Pool('http://kiln', { socketPath, bodyTimeout: 0 });
  const identity = { 'x-user-name': who, 'x-roles': 'admin', 'openstack-system-scope': 'all' };
  return {
    async relay({ method, path, headers, body, signal }) {
      // As it is: a path that were resolved first (`/v2/../status`) would lead elsewhere.
      const answer = await dispatcher.request({
        method: method as Dispatcher.HttpMethod,
        path,
        headers: { ...headers, ...identity },
        body,
        signal,
      });
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    },
    close: () => dispatcher.destroy(),
  };
}

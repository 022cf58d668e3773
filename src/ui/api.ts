import { connection, session, signedOut } from './state.ts';
import type { Permissions, SignedIn } from './wire.ts';

/** A refusal, or no answer at all (status 0). */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Where the API is: the page is at `ui/` below it, also behind a proxy. */
const base = new URL('..', document.baseURI);

/** Longer than any answer takes that is still to come: Glance is asked for some. */
const LONGEST_READ_MS = 30_000;
/** A stream has a sign of life every 15 s. */
const LONGEST_SILENCE_MS = 40_000;

/** One request to the public API, as whoever has signed in. */
export async function ask<Answer>(method: 'POST' | 'PUT', path: string, body?: object): Promise<Answer> {
  return await read<Answer>(await sendSignedIn(method, path, body));
}

/** Reads from the public API. */
export type Get = <Answer>(path: string) => Promise<Answer>;

/** What is so now. */
export const getNow: Get = async (path) => await read(await sendSignedIn('GET', path));

/** What it was for whoever has asked in the last seconds; so many pages cost the server what one does. */
export const getShared: Get = async (path) =>
  await read(await sendSignedIn('GET', path, undefined, undefined, { 'cache-control': 'max-age=5' }));

/** An answer of lines of JSON, when all of it is there. */
export async function sendForLines<Line>(path: string): Promise<Line[]> {
  const all: Line[] = [];
  await followLines<Line>(path, new AbortController().signal, (lines) => all.push(...lines));
  return all;
}

/**
 * Reads an answer of lines of JSON as they come, until it ends.
 * @throws ApiError; with status 0 also where it breaks off, or falls silent.
 */
export async function followLines<Line>(
  path: string,
  signal: AbortSignal,
  onLines: (lines: Line[]) => void,
): Promise<void> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const end = () => ended.abort();
  signal.addEventListener('abort', end);
  let silence = setTimeout(end, LONGEST_SILENCE_MS);
  try {
    const answer = await sendSignedIn('GET', path, undefined, ended.signal);
    if (!answer.ok || !answer.body) return await read(answer);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(end, LONGEST_SILENCE_MS);
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      // An empty line is a sign of life.
      onLines(lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line));
    }
  } catch (thrown) {
    if (signal.aborted || thrown instanceof ApiError) throw thrown;
    return lost();
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', end);
    end();
  }
}

async function sendSignedIn(
  method: string,
  path: string,
  body?: object,
  signal?: AbortSignal,
  more: Record<string, string> = {},
): Promise<Response> {
  const { token } = session.value ?? {};
  const headers = token === undefined ? more : { ...more, 'x-auth-token': token };
  const answer = await send(method, path, body, headers, signal);
  if (answer.status === 401 && token !== undefined) {
    // Unless somebody has signed in meanwhile.
    if (session.value?.token === token) {
      session.value = null;
      signedOut.value = 'Your session has ended. Sign in again to go on where you were.';
    }
  }
  return answer;
}

function lost(): never {
  connection.value = 'lost';
  throw new ApiError(0, 'The server does not answer.');
}

async function send(
  method: string,
  path: string,
  body: object | undefined,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Response> {
  // What was asked to be done may be done however long it takes; a read is asked again.
  const limit = signal ?? (method === 'GET' ? AbortSignal.timeout(LONGEST_READ_MS) : null);
  try {
    const answer = await fetch(new URL(path, base), {
      method,
      headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: limit,
    });
    // A proxy that speaks for a server that is gone.
    if (answer.status === 502 || answer.status === 504) throw new TypeError('no answer');
    if (connection.value === 'lost') connection.value = 'restored';
    return answer;
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    return lost();
  }
}

async function read<Answer>(answer: Response): Promise<Answer> {
  const text = await answer.text().catch(lost);
  let content: unknown = null;
  try {
    content = text === '' ? null : JSON.parse(text);
  } catch {
    throw new ApiError(answer.status, `The server answered ${answer.status}, and no JSON.`);
  }
  if (answer.ok) return content as Answer;
  const { faultstring } = (content ?? {}) as { faultstring?: unknown };
  throw new ApiError(
    answer.status,
    typeof faultstring === 'string' ? faultstring : `The server answered ${answer.status}.`,
  );
}

/** `address`: of `kiln ui`, which has no Keystone behind it. */
export const signsInBy =
  document.querySelector<HTMLMetaElement>('meta[name="kiln-sign-in"]')?.content === 'address' ? 'address' : 'keystone';

export type Credentials =
  | { method: 'code'; code: string }
  | { method: 'password'; user_name: string; user_domain: string; password: string }
  | { method: 'application-credential'; id: string; secret: string }
  | { method: 'token'; token: string; project_id: string };

/** Signs in at Keystone, through Kiln; with a code, at `kiln ui`. Where there are several projects to choose from, nobody has signed in yet. */
export async function signIn(credentials: Credentials): Promise<SignedIn> {
  const signedIn = await read<SignedIn>(await send('POST', 'ui/sign-in', credentials, {}));
  if (signedIn.projects.length > 0) return signedIn;
  const answer = await send('GET', 'v2/kiln/permissions', undefined, { 'x-auth-token': signedIn.token });
  const { permissions } = await read<{ permissions: Permissions }>(answer);
  session.value = { token: signedIn.token, expiresAt: new Date(signedIn.expires_at), permissions };
  signedOut.value = null;
  return signedIn;
}

/** Forgets the token. */
export function signOut(): void {
  session.value = null;
  signedOut.value = 'You have signed out.';
}

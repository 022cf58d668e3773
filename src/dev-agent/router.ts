import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a resource answers: a string goes out as plain text, anything else as JSON. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** What a resource is asked. */
export interface Request {
  /** The value of a part of the path that the route names with a colon. Decoded; never empty. */
  parameter(name: string): string;
  /** The whole body. Throws a Refusal when it is longer than `longestBodyBytes`. */
  body(): Promise<Buffer>;
}

/** One method of one path of the agent's API. HEAD is answered by the GET of the same path. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Deps that begin with a colon match anything: `/1.0/interface/:ip`. */
  path: string;
  handle(request: Request): Promise<Answer>;
}

/** Thrown by a resource: an answer that ends the request. */
export class Refusal extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(`answered ${answer.status}`);
    this.answer = answer;
  }
}

/** Configurations of HAProxy are the largest bodies: some thousand members make one of a few megabytes. */
const longestBodyBytes = 16 * 1024 * 1024;

/**
 * Answers requests by `routes`, the first that fits. Errors have the bodies that Octavia's agent gives them (those of
 * Flask's error pages, as JSON). `onFault` is called when a route throws; the caller sees no more than a 500.
 */
export function createRequestHandler(
  routes: readonly Route[],
  onFault: (request: IncomingMessage, thrown: unknown) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  const known = routes.map((route) => ({ route, match: matcher(route.path) }));

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Answer> => {
    // Flask strips what slashes a path has too many in front, and Octavia's driver asks for `//`.
    const path = (request.url ?? '').split('?', 1)[0]?.replace(/^\/*/, '/') ?? '/';
    const here = known.flatMap(({ route, match }) => {
      const parameters = match(path);
      return parameters ? [{ route, parameters }] : [];
    });
    if (here.length === 0) return errorPages.notFound;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const found = here.find(({ route }) => route.method === method);
    if (!found) {
      response.setHeader('Allow', [...new Set(here.map(({ route }) => route.method))].join(', '));
      return errorPages.methodNotAllowed;
    }
    try {
      return await found.route.handle({
        parameter: (name) => found.parameters.get(name) ?? '',
        body: () => readBody(request),
      });
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.answer;
      onFault(request, thrown);
      return errorPages.internal;
    }
  };
  return (request, response) => {
    void answer(request, response).then(({ status, body, headers }) => {
      const plain = typeof body === 'string';
      const text = plain ? body : JSON.stringify(body);
      response.writeHead(status, {
        ...headers,
        'Content-Type': plain ? 'text/plain; charset=UTF-8' : 'application/json',
        'Content-Length': Buffer.byteLength(text),
      });
      response.end(text);
      // What the client still sends of a body that nobody read must not hold the connection up.
      request.resume();
    });
  };
}

/** The JSON object in a request's body. Throws what Octavia's agent answers else: a 400 with `description`. */
export async function readObject(request: Request, description: string): Promise<Readonly<Record<string, unknown>>> {
  const body = await request.body();
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal(badRequest(description));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Refusal(badRequest(description));
}

export function badRequest(description: string): Answer {
  return errorPage(400, 'Bad Request', description);
}

function matcher(pattern: string): (path: string) => ReadonlyMap<string, string> | null {
  const wanted = pattern.split('/');
  return (path) => {
    const parts = path.split('/');
    if (parts.length !== wanted.length) return null;
    const parameters = new Map<string, string>();
    for (const [index, part] of wanted.entries()) {
      const value = parts[index] ?? '';
      if (!part.startsWith(':')) {
        if (part !== value) return null;
        continue;
      }
      const decoded = decode(value);
      if (!decoded) return null;
      parameters.set(part.slice(1), decoded);
    }
    return parameters;
  };
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestBodyBytes) throw new Refusal(errorPages.tooLarge);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function errorPage(status: number, title: string, text: string): Answer {
  return { status, body: { error: `${status} ${title}: ${text}`, http_code: status } };
}

const errorPages = {
  notFound: errorPage(
    404,
    'Not Found',
    'The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.',
  ),
  methodNotAllowed: errorPage(405, 'Method Not Allowed', 'The method is not allowed for the requested URL.'),
  tooLarge: errorPage(413, 'Request Entity Too Large', `The agent takes at most ${longestBodyBytes} bytes.`),
  internal: errorPage(500, 'Internal Server Error', 'The agent failed to answer; its log says why.'),
};

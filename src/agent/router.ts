import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a resource answers: a body that goes out as JSON. */
export interface Answer {
  status: number;
  body: unknown;
}

/** One method of one path of the agent's API. HEAD is answered by the GET of the same path. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  handle(request: IncomingMessage): Promise<Answer>;
}

/**
 * Answers requests by `routes`. Errors have the bodies that Octavia's agent gives them (those of Flask's error pages,
 * as JSON). `onFault` is told when a route throws; the caller sees no more than a 500.
 */
export function createRequestHandler(
  routes: readonly Route[],
  onFault: (request: IncomingMessage, thrown: unknown) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Answer> => {
    const path = (request.url ?? '/').split('?', 1)[0];
    const here = routes.filter((route) => route.path === path);
    if (here.length === 0) return errorPages.notFound;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = here.find((candidate) => candidate.method === method);
    if (!route) {
      response.setHeader('Allow', here.map((candidate) => candidate.method).join(', '));
      return errorPages.methodNotAllowed;
    }
    try {
      return await route.handle(request);
    } catch (thrown) {
      onFault(request, thrown);
      return errorPages.internal;
    }
  };
  return (request, response) => {
    void answer(request, response).then(({ status, body }) => {
      const text = JSON.stringify(body);
      response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
      response.end(text);
      // What the client still sends of a body that nobody read must not hold the connection up.
      request.resume();
    });
  };
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
  internal: errorPage(500, 'Internal Server Error', 'The agent failed to answer; its log says why.'),
};

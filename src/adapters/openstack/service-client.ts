import { KilnError } from '../../model/errors.ts';
import type { Reader } from './answers.ts';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { isTokenRefusal, type OpenStackSession } from './keystone.ts';

export interface ServiceRequest extends Omit<HttpRequest, 'service' | 'url'> {
  /** Below the base, beginning with a slash; parts that come from outside go through `segment`. */
  path: string;
  /** In order; a name may come several times. */
  query?: readonly (readonly [name: string, value: string])[];
}

/** Where a service is, and the token that it is called with. */
export type ServiceSession = Pick<OpenStackSession, 'token' | 'tokenAfterRefusal' | 'endpoint'>;

/** Calls to one service, with a token. */
export interface ServiceClient {
  call<T>(request: ServiceRequest, read: Reader<T>): Promise<T>;
  /** For calls whose answer has no content that matters. */
  send(request: ServiceRequest): Promise<void>;
}

/**
 * @param options.base makes the URL that paths are appended to from the catalog's endpoint, which has the API version in
 * some clouds and lacks it in others.
 */
export function createServiceClient(options: {
  serviceType: string;
  session: ServiceSession;
  http: Http;
  base: (endpoint: string) => string;
}): ServiceClient {
  const { serviceType, session, http, base } = options;

  async function request({ path, query, headers, ...rest }: ServiceRequest): Promise<HttpAnswer> {
    const token = await session.token(rest.signal);
    const search =
      query && query.length > 0
        ? `?${new URLSearchParams(query.map(([name, value]): [string, string] => [name, value]))}`
        : '';
    const url = `${base(await session.endpoint(serviceType))}${path}${search}`;
    const sendWith = (value: string) =>
      http.request({ ...rest, service: serviceType, url, headers: { ...headers, 'x-auth-token': value } });
    try {
      return await sendWith(token);
    } catch (error) {
      // A stream is spent by now. Anything else was refused before it was looked at, a create too.
      if (!isTokenRefusal(error) || rest.stream) throw error;
      return sendWith(await session.tokenAfterRefusal(token, rest.signal));
    }
  }

  return {
    call: async (one, read) => read(await request(one)),
    send: async (one) => {
      await request(one);
    },
  };
}

/** A value as one part of a path. An empty one, or one that means "here" or "up", would call something else. */
export function segment(what: string, value: string): string {
  if (value === '' || value === '.' || value === '..') {
    throw new KilnError('USAGE', `${what} must not be ${value === '' ? 'empty' : `"${value}"`}`);
  }
  return encodeURIComponent(value);
}

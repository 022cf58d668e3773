/**
 * Limits and defaults of Octavia's API that no option changes (octavia/common/constants.py, octavia_lib constants):
 * the one home for schemas and rules alike.
 */

export const port = { minimum: 1, maximum: 65_535 } as const;
export const weight = { minimum: 0, maximum: 256, default: 1 } as const;
export const connectionLimit = { minimum: -1, default: -1 } as const;
/** Of a listener, milliseconds: 24 days. */
export const timeoutMs = { minimum: 0, maximum: 2_073_600_000 } as const;
/** Of a health monitor; HAProxy counts milliseconds in 31 bits, and keeps no rhythm of 0. */
export const healthMonitorDelaySeconds = { minimum: 1, maximum: 2_147_483 } as const;
export const healthMonitorTimeoutSeconds = { minimum: 0, maximum: 2_147_483 } as const;
/** Of a health monitor that keepalived carries out: it counts microseconds in 32 bits. */
export const datagramTimeoutSeconds = { minimum: 1, maximum: 4293 } as const;
/** Characters of the path that a health monitor asks for. */
export const urlPathLength = 2048;
/** Of the path as keepalived's configuration has it, percent-encoded: keepalived reads no more than 1024 bytes of a line. */
export const datagramUrlPathBytes = 900;
export const healthMonitorRetries = { minimum: 1, maximum: 10, downDefault: 3 } as const;
export const policyPosition = { minimum: 1, maximum: 2_147_483_647 } as const;
export const rulesPerPolicy = 50;
/** What a column of the database holds; larger numbers were an error 500 in Octavia. */
export const largestInteger = 2_147_483_647;

export const quota = { minimum: -1, maximum: 2_000_000_000 } as const;
/** Characters of a project's ID. */
export const quotaProjectLength = 36;
/** Characters of a profile's JSON text. */
export const profileDataLength = 4096;

export const httpMethods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS', 'CONNECT', 'PATCH'] as const;
export const httpVersions = [1.0, 1.1] as const;
export const redirectHttpCodes = [301, 302, 303, 307, 308] as const;
export const defaultRedirectHttpCode = 302;
export const clientAuthenticationModes = ['NONE', 'OPTIONAL', 'MANDATORY'] as const;
export const alpnProtocols = ['h2', 'http/1.1', 'http/1.0'] as const;

/** What a health monitor of type HTTP or HTTPS asks by default. */
export const httpCheck = { method: 'GET', urlPath: '/', expectedCodes: '200' } as const;

export const insertableHeaders = ['X-Forwarded-For', 'X-Forwarded-Port', 'X-Forwarded-Proto'] as const;
/** Only a listener that ends TLS knows these. */
export const insertableTlsHeaders = [
  'X-SSL-Client-Verify',
  'X-SSL-Client-Has-Cert',
  'X-SSL-Client-DN',
  'X-SSL-Client-CN',
  'X-SSL-Issuer',
  'X-SSL-Client-SHA1',
  'X-SSL-Client-Not-Before',
  'X-SSL-Client-Not-After',
] as const;

/**
 * Settings of the OpenStack clients. Adapters don't read configuration: `main/` maps octavia.conf to these,
 * and clouds-yaml.ts maps clouds.yaml and OS_* variables to them.
 */

/**
 * Who to be at Keystone: names are those of keystoneauth options, in camel case. What the method doesn't use is ignored.
 */
export interface OpenStackAuthSettings {
  /** With or without the version: `http://host:5000`, `https://host/identity/v3`. */
  authUrl: string;
  /** password, token or applicationcredential, each with or without keystoneauth's prefix `v3`. */
  authType: string;
  username?: string | null;
  userId?: string | null;
  userDomainName?: string | null;
  userDomainId?: string | null;
  password?: string | null;
  token?: string | null;
  applicationCredentialId?: string | null;
  applicationCredentialName?: string | null;
  applicationCredentialSecret?: string | null;
  projectName?: string | null;
  projectId?: string | null;
  projectDomainName?: string | null;
  projectDomainId?: string | null;
  /** Scope to a domain instead of a project. */
  domainName?: string | null;
  domainId?: string | null;
  /** `all` scopes to the system instead of a project. */
  systemScope?: string | null;
  /** Used for user and project where no domain of their own is given. */
  defaultDomainName?: string | null;
  defaultDomainId?: string | null;
}

/** How to find one service. */
export interface ServiceEndpointSettings {
  /** Type in the catalog: image, compute, network. */
  serviceType: string;
  /** Only a catalog entry with this name; null takes any of the type. */
  serviceName?: string | null;
  /** Null takes the first region that the catalog has for the service. */
  regionName?: string | null;
  /** In order of preference: public, internal, admin (also in the old spelling, publicURL). Empty means public. */
  interfaces?: readonly string[];
  /** URL that is used instead of the catalog's. */
  endpointOverride?: string | null;
}

/** How to speak HTTP with a service. One transport is made from each distinct value of these. */
export interface TransportSettings {
  /** PEM file of authorities that are trusted instead of the system's. */
  caFile?: string | null;
  /** Don't verify certificates at all. Warned about. */
  insecure?: boolean;
  /** PEM files of a client certificate and its key. */
  certFile?: string | null;
  keyFile?: string | null;
  connectTimeoutSeconds?: number;
  /** Until the whole answer is there, for each try. Uploads have a limit of silence instead. */
  requestTimeoutSeconds?: number;
  /** Longest silence while data is sent to Glance, and until it answers afterwards. */
  uploadSilenceSeconds?: number;
  maxAnswerBytes?: number;
  /** Connections to one host and port. */
  maxConnections?: number;
  retry?: Partial<RetrySettings>;
}

export interface RetrySettings {
  /** The first try included. */
  maxAttempts: number;
  /** Doubled with each try, and taken at random from its upper half. */
  firstDelaySeconds: number;
  /** No wait is shorter. */
  minDelaySeconds: number;
  maxDelaySeconds: number;
  /** No try starts later than this after the first one; a longer `Retry-After` ends the call at once. */
  maxTotalSeconds: number;
}

const transportDefaults = {
  connectTimeoutSeconds: 10,
  requestTimeoutSeconds: 60,
  uploadSilenceSeconds: 300,
  maxAnswerBytes: 64 * 1024 * 1024,
  maxConnections: 32,
};

const retryDefaults: RetrySettings = {
  maxAttempts: 5,
  firstDelaySeconds: 0.5,
  minDelaySeconds: 0,
  maxDelaySeconds: 8,
  maxTotalSeconds: 60,
};

export type CompleteTransportSettings = TransportSettings & typeof transportDefaults & { retry: RetrySettings };

export function withDefaults(settings: TransportSettings): CompleteTransportSettings {
  return { ...transportDefaults, ...settings, retry: { ...retryDefaults, ...settings.retry } };
}

/**
 * Every error that Kiln itself raises: its code, the HTTP status an API answers with, the exit status of the command
 * line, whether trying again may help, and what the operator should do next. One home; nothing else decides these.
 */

/** Exit statuses of `kiln`. Documented in docs/generated/errors.md, which is made from this file. */
export const exitCodes = {
  done: 0,
  usageOrConfiguration: 2,
  noUsableImage: 3,
  severalImages: 4,
  cloudUnreachable: 5,
  bootFailed: 6,
  releaseNotCompleted: 7,
  releaseHeld: 8,
} as const;

interface ErrorKind {
  readonly httpStatus: number;
  readonly exitCode: number;
  readonly retryable: boolean;
  /** The next step, in words an operator can act on. A thrower that knows more overrides it. */
  readonly advice: string;
}

const { usageOrConfiguration, noUsableImage, severalImages, cloudUnreachable, bootFailed } = exitCodes;

/** The catalogue. Keep it sorted by subject; `docs/generated/errors.md` lists it in this order. */
export const errorKinds = {
  USAGE: { httpStatus: 400, exitCode: usageOrConfiguration, retryable: false, advice: 'Run the command with --help.' },
  CONFIGURATION_INVALID: {
    httpStatus: 500,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Correct the options named above; `kiln config show` prints what is in force and where it comes from.',
  },
  CREDENTIALS_MISSING: {
    httpStatus: 500,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Give credentials in [service_auth] of octavia.conf, in clouds.yaml (--os-cloud) or in OS_* variables.',
  },
  STATE_UNUSABLE: {
    httpStatus: 500,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'See that [database] connection and [kiln] state_path name places that Kiln may write to.',
  },
  CERTIFICATE_AUTHORITY_UNUSABLE: {
    httpStatus: 500,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice:
      'Check [certificates] ca_certificate, ca_private_key and ca_private_key_passphrase; `kiln doctor` tests them.',
  },

  IMAGE_NOT_CONFIGURED: {
    httpStatus: 500,
    exitCode: noUsableImage,
    retryable: false,
    advice: 'Set [controller_worker] amp_image_tag to the tag that your amphora images carry.',
  },
  IMAGE_NOT_FOUND: {
    httpStatus: 500,
    exitCode: noUsableImage,
    retryable: true,
    advice:
      'Tag an active image that the right project owns: `kiln image tag IMAGE TAG`; `kiln image push FILE --tag TAG` brings a new one.',
  },
  IMAGE_DOES_NOT_FIT: {
    httpStatus: 500,
    exitCode: noUsableImage,
    retryable: false,
    advice: 'Use a larger compute flavor ([controller_worker] amp_flavor_id) or move the tag to an image that fits it.',
  },
  IMAGE_AMBIGUOUS: {
    httpStatus: 500,
    exitCode: severalImages,
    retryable: false,
    advice: 'Take the tag off all but one image (`kiln image untag IMAGE TAG`), or set amp_image_tag_policy = newest.',
  },
  IMAGE_GONE: {
    httpStatus: 500,
    exitCode: noUsableImage,
    retryable: true,
    advice: 'The image vanished or was deactivated while the amphora was built. Boot again.',
  },
  IMAGE_BROKEN: {
    httpStatus: 500,
    exitCode: noUsableImage,
    retryable: false,
    advice: 'Build or upload the image again; the tag was not set.',
  },
  BUILD_HOST_UNSUITABLE: {
    httpStatus: 500,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Build the image on Debian 12, amd64, as root.',
  },
  IMAGE_BUILD_FAILED: {
    httpStatus: 500,
    exitCode: noUsableImage,
    retryable: true,
    advice: "The tool's own words say why; nothing of the image is left.",
  },
  IMAGE_CHECK_FAILED: {
    httpStatus: 500,
    exitCode: bootFailed,
    retryable: true,
    advice: 'The console log of the image says how far it came.',
  },

  SERVICE_UNREACHABLE: {
    httpStatus: 503,
    exitCode: cloudUnreachable,
    retryable: true,
    advice: 'Check that the service runs and that its endpoint can be reached from here; `kiln doctor` tries each one.',
  },
  SERVICE_TIMEOUT: {
    httpStatus: 504,
    exitCode: cloudUnreachable,
    retryable: true,
    advice: 'The service did not answer in time. Check its load, then try again.',
  },
  SERVICE_REJECTED_REQUEST: {
    httpStatus: 500,
    exitCode: cloudUnreachable,
    retryable: false,
    advice: 'The service refused what Kiln asked; its own message says why.',
  },
  SERVICE_UNAUTHORIZED: {
    httpStatus: 500,
    exitCode: cloudUnreachable,
    retryable: false,
    advice: 'Check user name, password, project and domain of the service credentials.',
  },
  SERVICE_FORBIDDEN: {
    httpStatus: 500,
    exitCode: cloudUnreachable,
    retryable: false,
    advice: 'The service user lacks a role in its project that this call needs.',
  },
  SERVICE_NOT_FOUND: {
    httpStatus: 404,
    exitCode: cloudUnreachable,
    retryable: false,
    advice: 'Check the ID; the object may have been deleted, or belong to another project.',
  },
  SERVICE_CONFLICT: {
    httpStatus: 409,
    exitCode: cloudUnreachable,
    retryable: true,
    advice: 'The object is being changed by someone else, or is in use. Try again.',
  },
  SERVICE_LIMIT: {
    httpStatus: 503,
    exitCode: cloudUnreachable,
    retryable: true,
    advice: 'A quota or rate limit of the service was reached. Raise it, or wait.',
  },
  SERVICE_FAILED: {
    httpStatus: 502,
    exitCode: cloudUnreachable,
    retryable: true,
    advice: "The service failed inside; look for the request ID in the service's own log.",
  },
  SERVICE_RESPONSE_INVALID: {
    httpStatus: 502,
    exitCode: cloudUnreachable,
    retryable: true,
    advice: 'The answer is not what this service sends: check that the endpoint in the catalog is the right one.',
  },

  AMPHORA_NOT_FOUND: {
    httpStatus: 404,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: '`kiln amphora list` shows the amphorae that Kiln knows.',
  },
  BOOT_FAILED: {
    httpStatus: 500,
    exitCode: bootFailed,
    retryable: true,
    advice: "Nova's fault says why; the server was deleted again.",
  },
  BOOT_TIMEOUT: {
    httpStatus: 500,
    exitCode: bootFailed,
    retryable: true,
    advice:
      'Look at the console log of such a server; a slow cloud wants a larger [controller_worker] amp_active_retries.',
  },
  AGENT_UNREACHABLE: {
    httpStatus: 500,
    exitCode: bootFailed,
    retryable: true,
    advice:
      'Check that this host reaches the management network on [haproxy_amphora] bind_port, and the security group.',
  },
  AGENT_REFUSED: {
    httpStatus: 500,
    exitCode: bootFailed,
    retryable: false,
    advice:
      'Check that [haproxy_amphora] client_cert and server_ca belong to the same authorities as [certificates] do.',
  },
  REQUEST_INVALID: {
    httpStatus: 400,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Correct what the message names and ask again.',
  },
  OPTION_UNSUPPORTED: {
    httpStatus: 501,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Ask for one of those that the documentation of the amphora provider lists.',
  },
  REQUEST_UNAUTHENTICATED: {
    httpStatus: 401,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Send a token of Keystone that is still valid in X-Auth-Token.',
  },
  REQUEST_FORBIDDEN: {
    httpStatus: 403,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'The roles of the token do not allow this; policy.yaml and docs say which do.',
  },
  QUOTA_MET: {
    httpStatus: 403,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: "Delete what is not needed, or have the project's quota raised.",
  },
  RESOURCE_NOT_FOUND: {
    httpStatus: 404,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Check the ID; the object may have been deleted, or belong to another project.',
  },
  RESOURCE_CONFLICT: {
    httpStatus: 409,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Something else has what this request asks for; the message names it.',
  },
  SECRET_NOT_FOUND: {
    httpStatus: 400,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Check the reference, and that the service user may read what it names.',
  },
  SECRET_INVALID: {
    httpStatus: 400,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'Store a certificate with its key, as PKCS#12 without a passphrase or as PEM, and refer to that.',
  },
  OPERATION_NOT_FOUND: {
    httpStatus: 404,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: '`kiln operation list` shows the operations that Kiln knows.',
  },
  OPERATION_ENDED: {
    httpStatus: 409,
    exitCode: usageOrConfiguration,
    retryable: false,
    advice: 'There is nothing to abort; `kiln operation show ID` says how it ended.',
  },
  OPERATION_ABORTED: {
    httpStatus: 409,
    exitCode: 1,
    retryable: false,
    advice: 'Fail the load balancer over, or delete it.',
  },
  OPERATION_LOST: {
    httpStatus: 409,
    exitCode: 1,
    retryable: false,
    advice: 'Fail the load balancer over, or delete it.',
  },
  IMMUTABLE: {
    httpStatus: 409,
    exitCode: 1,
    retryable: true,
    advice: 'The object is being changed; wait until its provisioning status is ACTIVE or ERROR, then try again.',
  },
  FENCED: {
    httpStatus: 409,
    exitCode: 1,
    retryable: false,
    advice: 'Another worker has taken this operation over; nothing is to be done here.',
  },
  TOO_MANY_STREAMS: {
    httpStatus: 429,
    exitCode: 1,
    retryable: true,
    advice: 'Read events without follow, or try again when others have gone.',
  },
  CANCELLED: { httpStatus: 503, exitCode: bootFailed, retryable: true, advice: 'Kiln was asked to stop. Try again.' },
  CHANGE_OUTDATED: {
    httpStatus: 409,
    exitCode: 1,
    retryable: true,
    advice: 'The load balancer was changed by somebody else at the same moment. Look at it, and ask again.',
  },
  INTERNAL: {
    httpStatus: 500,
    exitCode: 1,
    retryable: false,
    advice: 'This is a fault in Kiln. Please report it with the log line that has the same request ID.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface ErrorOptions {
  /** Replaces the advice of the catalogue where the thrower knows better. */
  advice?: string;
  /** Overrides whether trying again may help. */
  retryable?: boolean;
  /** Facts for machines (`--json`, API `debuginfo`). Never secrets. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** Codes by which older versions called what has another name now: rows and other processes may still have them. */
const formerCodes: Readonly<Record<string, ErrorCode>> = { SERVICE_ANSWERED_NONSENSE: 'SERVICE_RESPONSE_INVALID' };

/** A code that was written down or sent, perhaps by another version. @returns null for one that this version does not know. */
export function errorCodeOf(code: string): ErrorCode | null {
  if (Object.hasOwn(errorKinds, code)) return code as ErrorCode;
  return (Object.hasOwn(formerCodes, code) && formerCodes[code]) || null;
}

/** An error of Kiln's: what happened (message), what it is (code), what to do (advice). */
export class KilnError extends Error {
  readonly code: ErrorCode;
  readonly advice: string;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KilnError';
    this.code = code;
    this.advice = options.advice ?? errorKinds[code].advice;
    this.retryable = options.retryable ?? errorKinds[code].retryable;
    this.details = options.details ?? {};
  }

  get httpStatus(): number {
    return errorKinds[this.code].httpStatus;
  }

  get exitCode(): number {
    return errorKinds[this.code].exitCode;
  }

  /** The form in which an error leaves Kiln: `--json`, the control API, the amphora's recorded reason. */
  toJSON(): { code: ErrorCode; message: string; advice: string; retryable: boolean; details: Record<string, unknown> } {
    return {
      code: this.code,
      message: this.message,
      advice: this.advice,
      retryable: this.retryable,
      details: this.details,
    };
  }
}

/** What a client knows of a call that failed. `status` and what follows are null when no answer came. */
export interface ServiceCall {
  /** Octavia's and the catalog's word: identity, image, compute, network, amphora-agent. */
  service: string;
  method: string;
  /** Path and query, without host and without secrets. */
  path: string;
  status: number | null;
  /** The service's own words, out of whichever error format it answered with. */
  serviceMessage: string | null;
  /** `x-openstack-request-id` of the answer. */
  requestId: string | null;
  /** From `Retry-After`. */
  retryAfterSeconds: number | null;
  /** True when the service may have carried the request out although no proper answer came. */
  outcomeUnknown: boolean;
}

/** A call to a service of the cloud (or to an amphora's agent) that did not succeed. */
export class ServiceError extends KilnError {
  readonly call: ServiceCall;

  constructor(code: ErrorCode, message: string, call: ServiceCall, options: ErrorOptions = {}) {
    super(code, message, { ...options, details: { ...call, ...options.details } });
    this.name = 'ServiceError';
    this.call = call;
  }
}

/** Turns whatever was thrown into a KilnError; what is not one is a fault in Kiln. */
export function toKilnError(thrown: unknown): KilnError {
  if (thrown instanceof KilnError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new KilnError('INTERNAL', message, { cause: thrown });
}

/** For `catch`: what is gone is null. @throws any other error, as it is. */
export function noneIfGone(error: unknown): null {
  if (error instanceof KilnError && error.code === 'SERVICE_NOT_FOUND') return null;
  throw error;
}

import { type ErrorCode, errorCodeOf, type KilnError } from './errors.ts';
import type { OperationReason } from './operation.ts';

/**
 * What whoever asks may read of an error. Messages name servers, addresses, paths and other services' words, for operators;
 * a tenant reads what happened and what to do. Null: the error is about the request itself, and its message was written for
 * whoever sent it.
 */
export const tenantMessages: Readonly<Record<ErrorCode, string | null>> = {
  USAGE: 'The load-balancer service failed inside.',
  CONFIGURATION_INVALID: 'The load-balancer service is not configured properly.',
  CREDENTIALS_MISSING: 'The load-balancer service is not configured properly.',
  STATE_UNUSABLE: 'The load-balancer service can not reach its database at the moment.',
  CERTIFICATE_AUTHORITY_UNUSABLE: 'The load-balancer service is not configured properly.',
  IMAGE_NOT_CONFIGURED: 'There is no image for amphorae.',
  IMAGE_NOT_FOUND: 'There is no image for amphorae.',
  IMAGE_DOES_NOT_FIT: 'The image for amphorae does not fit their flavor.',
  IMAGE_AMBIGUOUS: 'There are several images for amphorae where there should be one.',
  IMAGE_GONE: 'The image for amphorae is gone.',
  IMAGE_BROKEN: 'The image for amphorae can not be used.',
  BUILD_HOST_UNSUITABLE: 'The load-balancer service failed inside.',
  IMAGE_BUILD_FAILED: 'The load-balancer service failed inside.',
  IMAGE_CHECK_FAILED: 'The load-balancer service failed inside.',
  SERVICE_UNREACHABLE: 'A service of the cloud that load balancers need can not be reached.',
  SERVICE_TIMEOUT: 'A service of the cloud that load balancers need did not answer in time.',
  SERVICE_REJECTED_REQUEST: 'A service of the cloud that load balancers need refused what was asked of it.',
  SERVICE_UNAUTHORIZED: 'The load-balancer service is not let in by another service of the cloud.',
  SERVICE_FORBIDDEN: 'The load-balancer service may not do what it has to in another service of the cloud.',
  SERVICE_NOT_FOUND: 'Something in the cloud that the load balancer needs is gone.',
  SERVICE_CONFLICT: 'Something in the cloud that the load balancer needs is in use or being changed.',
  SERVICE_LIMIT: 'The cloud has no room for what the load balancer needs.',
  SERVICE_FAILED: 'A service of the cloud that load balancers need failed.',
  SERVICE_RESPONSE_INVALID: 'A service of the cloud that load balancers need failed.',
  AMPHORA_NOT_FOUND: 'The amphora is gone.',
  BOOT_FAILED: 'The amphora could not be booted.',
  BOOT_TIMEOUT: 'The amphora was not booted in time.',
  AGENT_UNREACHABLE: 'The amphora can not be reached.',
  AGENT_REFUSED: 'The amphora did not take its configuration.',
  REQUEST_INVALID: null,
  OPTION_UNSUPPORTED: null,
  REQUEST_UNAUTHENTICATED: null,
  REQUEST_FORBIDDEN: null,
  QUOTA_MET: null,
  RESOURCE_NOT_FOUND: null,
  RESOURCE_CONFLICT: null,
  SECRET_NOT_FOUND: 'A certificate, or another secret, that the load balancer refers to can not be read.',
  SECRET_INVALID: 'A certificate, or another secret, that the load balancer refers to can not be used.',
  OPERATION_NOT_FOUND: 'The operation is gone.',
  OPERATION_ENDED: 'The operation has ended.',
  OPERATION_ABORTED: 'An administrator ended the operation.',
  OPERATION_LOST: 'The operation on the load balancer was lost.',
  IMMUTABLE: null,
  FENCED: 'The load-balancer service failed inside.',
  TOO_MANY_STREAMS: null,
  CANCELLED: 'The load-balancer service was asked to stop.',
  CHANGE_OUTDATED: 'The load balancer was changed by somebody else at the same moment.',
  INTERNAL: 'The load-balancer service failed inside.',
};

/** @param requestId by which an administrator finds the rest in the log. */
export function tenantMessage(error: KilnError, requestId: string): string {
  const text = tenantMessages[error.code];
  return text === null ? error.message : `${text} An administrator finds more in the log, under ${requestId}.`;
}

/** Why something was not done, without what only an administrator may read. Codes of other versions are reported as an internal error. */
export function tenantReason({ code, message, advice }: OperationReason): OperationReason {
  const text = tenantMessages[errorCodeOf(code) ?? 'INTERNAL'];
  if (text === null) return { code, message, advice };
  return {
    code,
    message: text,
    advice: secretCodes.has(code)
      ? 'Look at the secrets that its listeners and pools refer to, then change what refers to them, or ask for a failover.'
      : 'Try again later. If it stays so, tell an administrator the ID of the load balancer.',
  };
}

const secretCodes: ReadonlySet<string> = new Set(['SECRET_NOT_FOUND', 'SECRET_INVALID']);

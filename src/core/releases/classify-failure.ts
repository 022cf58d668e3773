import { type ErrorCode, errorCodeOf } from '../../model/errors.ts';
import type { FailureClass } from '../../model/release.ts';

/** Those that are not here are Kiln's own (CONTROL). */
const classes: Partial<Record<ErrorCode, FailureClass>> = {
  IMAGE_DOES_NOT_FIT: 'IMAGE',
  IMAGE_BROKEN: 'IMAGE',
  AGENT_REFUSED: 'IMAGE',
  AGENT_UNREACHABLE: 'PLACE',
  BOOT_FAILED: 'PLACE',
  BOOT_TIMEOUT: 'PLACE',
  SERVICE_UNREACHABLE: 'CLOUD',
  SERVICE_TIMEOUT: 'CLOUD',
  SERVICE_UNAUTHORIZED: 'CLOUD',
  SERVICE_FORBIDDEN: 'CLOUD',
  SERVICE_CONFLICT: 'CLOUD',
  SERVICE_LIMIT: 'CLOUD',
  SERVICE_FAILED: 'CLOUD',
  SERVICE_RESPONSE_INVALID: 'CLOUD',
  QUOTA_MET: 'CLOUD',
  RESOURCE_NOT_FOUND: 'TENANT',
  // Somebody has replaced it meanwhile.
  AMPHORA_NOT_FOUND: 'TENANT',
  RESOURCE_CONFLICT: 'TENANT',
  IMMUTABLE: 'TENANT',
  CHANGE_OUTDATED: 'TENANT',
  SECRET_NOT_FOUND: 'TENANT',
  SECRET_INVALID: 'TENANT',
  IMAGE_GONE: 'INTERFERENCE',
  IMAGE_NOT_FOUND: 'INTERFERENCE',
  IMAGE_AMBIGUOUS: 'INTERFERENCE',
  OPERATION_ABORTED: 'INTERFERENCE',
};

/**
 * Whose fault it is that an operation was undone.
 * @param tries how often it failed, this time included: what fails on two hosts is no longer the host's fault.
 */
export function classifyFailure(error: { code: string; message: string } | null, tries: number): FailureClass {
  const code = error && errorCodeOf(error.code);
  const found = (code && classes[code]) || 'CONTROL';
  // Nova says in its fault, and in no other way, that it had no room.
  if (code === 'BOOT_FAILED' && isNoRoom(error)) return 'CLOUD';
  return found === 'PLACE' && tries > 1 ? 'IMAGE' : found;
}

/** The cloud has no host, address or quota left. */
export function isNoRoom(error: { code: string; message: string } | null): boolean {
  if (!error) return false;
  if (error.code === 'QUOTA_MET' || error.code === 'SERVICE_LIMIT') return true;
  return error.code === 'BOOT_FAILED' && /no valid host|quota|no more (ip )?addresses|exceeded/iu.test(error.message);
}

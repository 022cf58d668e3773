import { errorCodeOf, KilnError } from '../../model/errors.ts';
import type { JsonObject, OperationReason } from '../../model/operation.ts';

/** An error that was written down, as the error it was. */
export function errorOf(reason: OperationReason | null, details: JsonObject = {}): KilnError {
  const code = reason && errorCodeOf(reason.code);
  if (!code) return new KilnError('INTERNAL', reason?.message ?? 'the operation was undone, and nothing says why');
  return new KilnError(code, reason.message, { advice: reason.advice, details });
}

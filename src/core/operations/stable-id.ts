import { createHash } from 'node:crypto';

/**
 * A UUID that is always the same for an operation and a purpose: who goes on after a killed process makes no second one.
 */
export function stableId(operationId: string, purpose: string): string {
  const hex = createHash('sha256').update(`${operationId}/${purpose}`).digest('hex');
  // Version 8: of one's own making (RFC 9562).
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

import { randomUUID } from 'node:crypto';

/** A request ID as every OpenStack service sends one in `x-openstack-request-id`. */
export function newRequestId(): string {
  return `req-${randomUUID()}`;
}

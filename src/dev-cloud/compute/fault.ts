/** An error in Nova's format: one key that names the kind of error, with `code` and `message` inside. */
export class ComputeFault extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Names that Nova gives statuses (nova/api/openstack/wsgi.py); what has none is a computeFault. */
const names: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};

export function renderFault(status: number, message: string) {
  return { [names[status] ?? 'computeFault']: { code: status, message } };
}

export const badRequest = (message: string) => new ComputeFault(400, message);
export const conflict = (message: string) => new ComputeFault(409, message);
export const notFound = (message: string) => new ComputeFault(404, message);

/** @param action Nova's name of the policy, without its prefix. */
export function policyFault(action: string): ComputeFault {
  return new ComputeFault(403, `Policy doesn't allow os_compute_api:${action} to be performed.`);
}

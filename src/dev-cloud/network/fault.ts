/** An error in Neutron's format: `{"NeutronError": {"type", "message", "detail"}}`. */
export class NetworkFault extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409;
  /** Neutron's name of the exception, such as `PortNotFound`: clients tell errors apart by it. */
  readonly type: string;

  constructor(status: NetworkFault['status'], type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

/** What neutron-lib raises for a body or query that breaks its rules. */
export function badRequest(message: string): NetworkFault {
  return new NetworkFault(400, 'HTTPBadRequest', message);
}

export function invalidInput(message: string): NetworkFault {
  return new NetworkFault(400, 'InvalidInput', `Invalid input for operation: ${message}.`);
}

export function renderFault(type: string, message: string) {
  return { NeutronError: { type, message, detail: '' } };
}

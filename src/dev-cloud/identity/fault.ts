/** An error in Keystone's format: `{"error": {"code", "message", "title"}}`. */
export class IdentityFault extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409;

  constructor(status: IdentityFault['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/** Keystone never says what was wrong with credentials. */
export function unauthorized(): IdentityFault {
  return new IdentityFault(401, 'The request you have made requires authentication.');
}

export function forbidden(action: string): IdentityFault {
  return new IdentityFault(403, `You are not authorized to perform the requested action: ${action}.`);
}

export function notFound(kind: string, id: string): IdentityFault {
  return new IdentityFault(404, `Could not find ${kind}: ${id}.`);
}

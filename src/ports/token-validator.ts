/** Whom a token speaks for. */
export interface Caller {
  userId: string | null;
  userName: string | null;
  userDomainId: string | null;
  /** Null for a token that is not scoped to a project. */
  projectId: string | null;
  projectName: string | null;
  roles: readonly string[];
  /** True for a token scoped to the whole deployment. */
  systemScope: boolean;
}

/** Checks the tokens that requests bring. */
export interface TokenValidator {
  /**
   * Null for a token that is unknown, ended or revoked. A token that is revoked may count as valid for a short while
   * longer; how long is the adapter's promise.
   * Throws SERVICE_UNREACHABLE and the like when it cannot be found out.
   */
  validate(token: string): Promise<Caller | null>;
}

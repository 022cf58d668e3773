/** How somebody shows who they are. Secrets: never stored, never logged. */
export type SignInRequest =
  | { method: 'password'; userName: string; userDomain: string; password: string }
  | { method: 'application-credential'; id: string; secret: string }
  /** Another project, for who has signed in. */
  | { method: 'token'; token: string; projectId: string };

export interface SignedIn {
  /** A secret. For no project where there are several to choose from. */
  token: string;
  /** ISO 8601 UTC. */
  expiresAt: string;
  project: { id: string; name: string } | null;
  /** To choose from; empty where the token has a project. */
  projects: readonly { id: string; name: string }[];
}

/** Signs people in at Keystone. */
export interface SignIn {
  /** @throws REQUEST_UNAUTHENTICATED when Keystone refuses it; SERVICE_UNREACHABLE and the like when it can't be asked. */
  signIn(request: SignInRequest): Promise<SignedIn>;
}

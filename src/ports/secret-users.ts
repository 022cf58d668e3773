/** What refers to a secret. */
export interface SecretUser {
  kind: 'listener' | 'pool';
  id: string;
  name: string;
  loadBalancerId: string;
  projectId: string;
}

/** Finds who needs a secret. */
export interface SecretUsers {
  /** Listeners and pools with a reference that ends in this UUID, in any of their fields. By kind and ID. */
  usersOf(secretId: string): Promise<SecretUser[]>;
}

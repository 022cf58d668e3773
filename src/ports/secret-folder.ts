/** What stands in the folder of `[certificates] cert_manager = local_cert_manager`. Never the secret itself. */
export interface StoredSecret {
  /** A UUID: what the API's `…_container_ref` take. */
  reference: string;
  /** Given when it was stored; null: none. */
  name: string | null;
  /** Whose load balancers may refer to it; null: nobody's, until it is adopted. */
  projectId: string | null;
  kind: 'certificate' | 'ca-certificates' | 'revocation-list' | 'unusable';
  /** Of a certificate: its common name, else the first DNS name. */
  subject: string | null;
  /** Of a certificate, ISO 8601 UTC. */
  notAfter: string | null;
  /** Why an unusable one is none of the three; null for the others. */
  problem: string | null;
  /** ISO 8601 UTC. */
  storedAt: string;
}

/** Puts secrets where the SecretStore finds them. Anyone who may use the folder may use all of it. */
export interface SecretFolder {
  /** Checks `content` (SECRET_INVALID when it is of no use) and keeps it under a new reference, for this project. */
  store(content: Uint8Array, name: string | null, projectId: string): Promise<StoredSecret>;
  /** Gives an owner to one that has none. RESOURCE_CONFLICT where another project owns it; SECRET_NOT_FOUND where there is none. */
  adopt(reference: string, projectId: string): Promise<StoredSecret>;
  /** By time of storing. */
  list(): Promise<StoredSecret[]>;
  /** SECRET_NOT_FOUND where there is none. */
  get(reference: string): Promise<StoredSecret>;
  /** SECRET_NOT_FOUND where there is none. */
  delete(reference: string): Promise<StoredSecret>;
}

export interface DatagramHandlers {
  /** The bytes are the handler's own only until it returns. */
  packet(bytes: Uint8Array, fromAddress: string): void;
  /** The socket failed while it was open; it stays open. */
  fault(error: Error): void;
}

/** A place where UDP packets arrive. They may be lost, come twice, come late, and come from anybody. */
export interface Datagrams {
  /** CONFIGURATION_INVALID when the place can't be had. Resolves when packets come in. */
  open(handlers: DatagramHandlers): Promise<{ address: string; port: number }>;
  /** No packet comes after it. Idempotent. */
  close(): Promise<void>;
}

/** What `GET /1.0/info` of an amphora's agent says. */
export interface AgentInfo {
  hostname: string;
  /** API version the agent speaks: "1.0" or "0.5". */
  apiVersion: string;
  haproxyVersion: string;
  /** Version of the agent, where it tells (ours does); else null. */
  agentVersion: string | null;
  /** Name and version of the image that the agent runs from, where it tells (ours does, inside an image); else null. */
  imageName: string | null;
  imageVersion: string | null;
}

/** The REST API of the agent inside an amphora, over mutual TLS. */
export interface AmphoraAgent {
  /**
   * Asks one agent who it is. AGENT_UNREACHABLE when nothing answers (try again while it boots),
   * AGENT_REFUSED when it answers but TLS or the certificate's name is wrong.
   * @param amphora.id must be the CN of the certificate that the agent shows.
   */
  getInfo(amphora: { id: string; address: string }, signal?: AbortSignal): Promise<AgentInfo>;
}

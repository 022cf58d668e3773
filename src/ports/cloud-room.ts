/** How much of something may still be used; null: no limit. */
export type Left = number | null;

/** What an administrator may ask Nova about room for more servers. */
export interface CloudRoom {
  /** The project that a server belongs to. */
  projectOf(serverId: string): Promise<string>;
  /** Null: Nova does not tell. */
  quotaOf(projectId: string): Promise<{ instances: Left; cores: Left; ramMiB: Left } | null>;
  /** Hosts on which servers can be started now. */
  hostsUp(): Promise<number>;
}

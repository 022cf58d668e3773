/** What keepalived's configuration is rendered with, besides the load balancer itself. */
export interface LvsSettings {
  /** [haproxy_amphora] base_path: where the agent keeps its check script. */
  basePath: string;
}

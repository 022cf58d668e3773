import type { FlowName } from '../model/flow-name.ts';
import type { SilenceFinding } from '../model/silence.ts';

/** What the page reads of the public API's answers. Times are UTC without a zone, as Octavia prints them. */

export interface Reason {
  code: string;
  message: string;
  advice: string;
}

export interface Permissions {
  user_name: string | null;
  project_id: string | null;
  project_name: string | null;
  system_scope: boolean;
  roles: string[];
  actions: string[];
}

export interface SignedIn {
  token: string;
  expires_at: string;
  project: { id: string; name: string } | null;
  projects: { id: string; name: string }[];
}

export interface AttentionItem {
  message: string;
  advice: string;
  since: string | null;
  loadbalancer_id: string | null;
  amphora_id: string | null;
  operation_id: string | null;
  release_id: string | null;
}

export interface Attention {
  at: string;
  groups: { kind: string; severity: 'error' | 'warning'; total: number; items: AttentionItem[] }[];
}

export interface FleetImage {
  image_id: string | null;
  name: string | null;
  created_at: string | null;
  presence: 'present' | 'gone' | 'unknown';
  current_for_tags: (string | null)[];
  load_balancers: number;
  amphorae: number;
  in_error: number;
  silent: number;
  behind: number;
  behind_seconds: number | null;
}

export interface Fleet {
  at: string;
  tags: {
    tag: string | null;
    image_id: string | null;
    image_name: string | null;
    image_created_at: string | null;
    candidates: number;
    load_balancers: number;
    error: Reason | null;
  }[];
  images: FleetImage[];
  totals: {
    load_balancers: number;
    pairs: number;
    mixed_pairs: number;
    amphorae: number;
    behind: number;
    in_error: number;
    silent: number;
    image_gone: number;
  };
}

export interface LoadBalancer {
  id: string;
  name: string;
  description: string;
  project_id: string;
  vip_address: string;
  provider: string;
  flavor_id: string | null;
  availability_zone: string | null;
  provisioning_status: string;
  operating_status: string;
  created_at: string;
  updated_at: string | null;
  /** Only when it is asked for alone, and something is wrong. */
  provisioning_reason?: Reason;
}

export interface StatusNode {
  id: string;
  name: string;
  provisioning_status: string;
  operating_status: string;
}
export interface MemberNode extends StatusNode {
  address: string;
  protocol_port: number;
}
export interface PoolNode extends StatusNode {
  members: MemberNode[];
  health_monitor?: (StatusNode & { type: string }) | Record<string, never>;
}
export interface ListenerNode extends StatusNode {
  pools: PoolNode[];
}
export interface StatusTree extends StatusNode {
  listeners: ListenerNode[];
  pools?: PoolNode[];
}

export interface Amphora {
  id: string;
  loadbalancer_id: string | null;
  role: string | null;
  status: string;
  image_id: string | null;
  image_name: string | null;
  cached_zone: string | null;
  cert_expiration: string | null;
  last_heartbeat_at: string | null;
  is_silent: boolean;
  finding: SilenceFinding | null;
  reason: Reason | null;
}

export interface Operation {
  id: string;
  flow: FlowName;
  loadbalancer_id: string | null;
  subject: string;
  status: 'queued' | 'running' | 'undoing' | 'done' | 'undone';
  worker: string | null;
  reason: Reason | null;
  created_at: string;
  updated_at: string;
}

export interface JournalEntry {
  step: string;
  kind: 'started' | 'done' | 'failed' | 'undone' | 'stuck' | 'left' | 'note';
  reason: Reason | null;
  message: string | null;
  leftovers: { kind: string; id: string | null; name: string | null }[];
}

export type Want = 'run' | 'pause' | 'abort' | 'rollback';

export interface ReleaseSummary {
  id: string;
  tag: string;
  image: { id: string; name: string };
  phase: string;
  has_ended: boolean;
  intent: { want: Want; by: string; at: string; reason: string; revision: number };
  holds: { code: string; message: string; advice: string; since: string; clears: 'operator' | 'itself' }[];
  wave: number;
  last_wave: number;
  load_balancers: number;
  counts: Record<string, number>;
  failures: number;
  allowed_failures: number;
  created_at: string;
  updated_at: string;
  ended_at: string | null;
}

export interface Release extends ReleaseSummary {
  started_by: string | null;
  /** How many there are. */
  events: number;
  start_reason: string | null;
  waves: { wave: number; open: number; passed: number; failed: number; no_data: number }[];
  /** With the newest judgement; null: there was none that compares. */
  error_comparison: {
    at: string;
    wave: number;
    moved: ErrorCount;
    not_moved: ErrorCount;
    /** How likely by chance; null: too few connections to tell. */
    p: number | null;
  } | null;
}

export interface ErrorCount {
  connections: number;
  errors: number;
  error_percent: number;
}

export interface Target {
  load_balancer_id: string;
  wave: number;
  position: number;
  state: string;
  reason: string;
}

/** An image of the project whose images are trusted. */
export interface GlanceImage {
  id: string;
  name: string | null;
  tags: string[];
  created_at: string;
}

/** That an image carried a tag; times are of Kiln's looks at Glance. */
export interface TaggedImage {
  tag: string;
  image_id: string;
  image_name: string | null;
  seen_at: string;
  was_there: boolean;
  gone_at: string | null;
}

export interface Plan {
  digest: string;
  tag: string;
  image: { id: string; name: string };
  load_balancers: number;
  probes: unknown[];
  /** 0 is the canary. */
  waves: { wave: number; load_balancers: number; pairs: number; seconds: number }[];
  skipped: { reason: string; load_balancers: number; examples: string[] }[];
  expected_move_seconds: number;
  expected_seconds: number;
}

/** Where a rollback would lead; `problem`: why it can't. */
export interface WayBack {
  load_balancers: number;
  images: { image_id: string; load_balancers: number; problem: string | null }[];
}

/** What happened, wherever in Kiln. */
export interface KilnEvent {
  id: string;
  at: string;
  source: 'release' | 'operation' | 'tag';
  kind: string;
  actor: string | null;
  load_balancer_id: string | null;
  release_id: string | null;
  operation_id: string | null;
  reason: string;
  data: Record<string, unknown>;
}

/** An event of one release. */
export interface ReleaseEvent {
  n: number;
  at: string;
  kind: string;
  data: { comparison?: Omit<Judgement, 'at'> };
}

/** What a judgement found. */
export interface Judgement {
  at: string;
  moved: Pick<ErrorCount, 'connections' | 'errors'>;
  notMoved: Pick<ErrorCount, 'connections' | 'errors'>;
}

export interface StatisticsInterval {
  /** Its end. */
  at: string;
  seconds: number;
  bytes_in: number;
  bytes_out: number;
  connections: number;
  request_errors: number;
  active_connections: number;
}

export interface Statistics {
  step_seconds: number;
  intervals: StatisticsInterval[];
}

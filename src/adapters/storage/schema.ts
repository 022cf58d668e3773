import type { Generated, Kysely } from 'kysely';
import type { FlowName } from '../../model/flow-name.ts';

/**
 * Tables of Kiln, prefixed so that they can stand in the database that Octavia used. Structured values are JSON text;
 * times are ISO 8601 UTC text: the same on every engine, and their order as text is their order in time.
 */
export interface Schema {
  kiln_amphora: {
    id: string;
    load_balancer_id: string | null;
    role: string | null;
    vrrp_port_id: string | null;
    vrrp_ip: string | null;
    ha_port_id: string | null;
    ha_ip: string | null;
    status: string;
    server_name: string;
    compute_id: string | null;
    lb_network_ip: string | null;
    image_id: string | null;
    image_choice: string | null;
    compute_flavor: string | null;
    cached_zone: string | null;
    cert_expiration: string | null;
    /** Before then the certificate is not renewed, or the renewal not tried again. */
    cert_rotation_after: Generated<string | null>;
    /** Renewals that were begun for the certificate that is there now. */
    cert_rotation_attempts: Generated<number>;
    /** The newest of them. */
    cert_rotation_operation: Generated<string | null>;
    agent_version: string | null;
    /** Of the heartbeat settings that the agent was given last: core/amphora/heartbeat-digest.ts. */
    agent_config_digest: Generated<string | null>;
    /** Not before then is it sent others. */
    agent_config_after: Generated<string | null>;
    /** Since the last one that it took. */
    agent_config_attempts: Generated<number>;
    agent_config_operation: Generated<string | null>;
    timings: string;
    worker: string | null;
    reason: string | null;
    created_at: string;
    updated_at: string;
  };
  kiln_operation: {
    id: string;
    flow: FlowName;
    subject: string;
    input: string;
    priority: number;
    status: string;
    fence: number;
    worker: string | null;
    reason: string | null;
    /** The subject while the operation is under way, else null: unique, so that there is one at a time. */
    busy_subject: string | null;
    /** The flavor that its input names, while it has not ended in use as if a load balancer had it. */
    held_flavor_id: Generated<string | null>;
    /** Its place among the operations under way, from 1: unique, so that no two have one. Only while a worker has it. */
    run_place: Generated<number | null>;
    /** Of the journal. Every entry that is written changes this row, as a claim does: they never pass each other unseen. */
    entry_count: number;
    /** 1 once the broker has confirmed its message; where there is no broker it stays 0. */
    announced: Generated<number>;
    created_at: string;
    updated_at: string;
  };
  /** Amphorae that are being built, or wait for their turn to be. What no worker is at any more doesn't count. */
  kiln_build_place: {
    amphora_id: string;
    operation_id: string;
    /** 1: it is being built. 0: it waits. */
    admitted: number;
  };
  /** Rows that transactions write so that they wait for each other, by what they are about. */
  kiln_turn: {
    name: string;
    turns: number;
  };
  /** Jobs of housekeeping: see ports/job-store.ts. */
  kiln_job: {
    name: string;
    fence: number;
    holder: string | null;
    /** 1: the last run left something to the next one, which need not wait for the interval. */
    more: number;
    started_at: string | null;
    ended_at: string | null;
    succeeded_at: string | null;
    /** JSON. */
    result: string | null;
    /** JSON: code, message and advice of the last run's error; null when it succeeded. */
    failure: string | null;
  };
  /** IDs that were given out and whose rows are gone: see docs/decisions/0029-orphans-in-the-cloud.md. */
  kiln_former_id: {
    id: string;
    gone_at: string;
  };
  /** Objects in the cloud that have lost their owner, as looks have found them. */
  kiln_orphan: {
    kind: string;
    id: string;
    name: string;
    first_seen_at: string;
    looks: number;
  };
  kiln_worker: {
    id: string;
    host: string;
    role: string;
    /** Beats so far. Others look whether it grows, by their own clocks. */
    beats: number;
    /** For people, and for forgetting rows of long ago: clocks of hosts differ. */
    beat_at: string;
    started_at: string;
  };
  kiln_journal_entry: {
    operation_id: string;
    /** From 1. */
    position: number;
    entry: string;
  };
  kiln_listener_statistics: {
    listener_id: string;
    /** The listener's ID where amphorae that are forgotten are added up. */
    amphora_id: string;
    bytes_in: number;
    bytes_out: number;
    active_connections: number;
    total_connections: number;
    request_errors: number;
    /** Of the pools behind it; null: its agents don't tell. */
    failures: Generated<number | null>;
  };
  /** Counters as they were, added up over amphorae. A slot is written anew when its time has come again. */
  kiln_traffic_sample: {
    load_balancer_id: string;
    listener_id: string;
    slot: number;
    at_ms: number;
    bytes_in: number;
    bytes_out: number;
    active_connections: number;
    total_connections: number;
    request_errors: number;
  };
  /** The columns from `finding` on are about its silence; a heartbeat clears them. */
  kiln_amphora_health: {
    amphora_id: string;
    last_heard: string;
    /** Heartbeats that were recorded. */
    beats: Generated<number>;
    /** Times that its agent began to count anew. */
    restarts: Generated<number>;
    /** What was found when it was last examined. */
    finding: Generated<string | null>;
    /** How often something was done about it. */
    attempts: Generated<number>;
    /** Not to be examined before; while it is being examined, until when the examiner has it. */
    examine_after: Generated<string | null>;
    /** Of one examination: what it has claimed. */
    examiner: Generated<string | null>;
  };
  /** Failovers that followed from silence, of about the last day: the circuit breaker counts them. */
  kiln_silence_failover: {
    operation_id: string;
    amphora_id: string;
    last_heard: string;
    requested_at: string;
  };
  kiln_circuit_breaker: {
    name: string;
    /** Null: closed. */
    open_since: string | null;
    /** When it opened: how many were silent, and what they reached. */
    silent_count: number | null;
    threshold: number | null;
    /** Nothing is judged before. */
    listen_until: string | null;
    /** What was silent by then no longer counts. */
    resumed_at: string | null;
  };
  kiln_vip_reservation: {
    load_balancer_id: string;
    reserved_at: string;
    /** 1: it can't be made any more, and its port goes. */
    given_up: number;
  };
  /** A row for each project with limits: its changes wait for each other by it. */
  kiln_quota_lock: {
    project_id: string;
    changes: number;
  };
  /** Ports that users brought as VIPs. */
  kiln_vip_port: {
    port_id: string;
    load_balancer_id: string;
  };
  /** Images that amphorae booted. */
  kiln_amphora_image: {
    id: string;
    name: string | null;
    /** In Glance. */
    created_at: string | null;
    first_used_at: string;
  };
  kiln_release: {
    id: string;
    /** Its tag while it has not ended, else null: unique, so that there is one at a time. */
    active_tag: string | null;
    tag: string;
    image_id: string;
    phase: string;
    /** Raised by everything that is decided, and by every word of the operator. */
    fence: number;
    event_count: number;
    spec: string;
    progress: string;
    intent: string;
    /** How many targets are in which state, and how waves went: so that nobody has to count rows. */
    tallies: string;
    /** IDs of the images that its load balancers ran when it was planned. */
    former_images: string;
    created_ms: number;
    updated_ms: number;
    ended_ms: number | null;
  };
  /** The load balancers of a release. */
  kiln_release_target: {
    release_id: string;
    load_balancer_id: string;
    wave: number;
    position: number;
    topology: string;
    from_image_id: string;
    from_hash: string | null;
    state: string;
    state_since_ms: number;
    attempt: number;
    waits: number;
    not_before_ms: number;
    operation_id: string | null;
    watch_until_ms: number | null;
    mixed_since_ms: number | null;
    health_before: string | null;
    health_after: string | null;
    verdict: string | null;
    badness: number;
    failure_class: string | null;
    reason: string;
  };
  kiln_release_event: {
    release_id: string;
    /** From 1. */
    n: number;
    at_ms: number;
    actor: string;
    kind: string;
    load_balancer_id: string | null;
    reason: string;
    data: string;
  };
  /** The newest probe of each place. */
  kiln_release_probe: {
    release_id: string;
    /** JSON. */
    place: string;
    attempt: number;
    image_faults: number;
    operation_id: string;
    started_ms: number;
  };
  /** What was seen of the health of a load balancer at one moment. */
  kiln_release_sample: {
    release_id: string;
    load_balancer_id: string;
    at_ms: number;
    data: string;
  };
  /** A row for each while that an image carries a tag, as looks at Glance have found it. */
  kiln_tagged_image: {
    tag: string;
    image_id: string;
    seen_at: string;
    image_name: string | null;
    /** 1: at the first look at this tag. */
    was_there: number;
    gone_at: string | null;
  };
  /** Images that were rejected, by what is in them. */
  kiln_rejected_image: {
    hash_algo: string;
    hash: string;
    release_id: string;
    at_ms: number;
  };
  kiln_load_balancer: ResourceRow;
  kiln_listener: ResourceRow;
  kiln_pool: ResourceRow;
  kiln_member: ResourceRow;
  kiln_health_monitor: ResourceRow;
  kiln_l7_policy: ResourceRow;
  kiln_l7_rule: ResourceRow;
  /** Which resources have a tag, for filters; the tags of a resource are in its own row, too. */
  kiln_tag: {
    resource_id: string;
    tag: string;
  };
  kiln_flavor_profile: ResourceValues;
  kiln_flavor: ResourceValues;
  kiln_availability_zone_profile: ResourceValues;
  kiln_availability_zone: ResourceValues;
  kiln_quota: { [column: string]: string | number | null; project_id: string };
}

/** The columns of a resource are named after the fields of its model: see resource-tables.ts. */
export type ResourceValues = Record<string, string | number | null>;
export type ResourceRow = ResourceValues & { id: string };

export type KilnDatabase = Kysely<Schema>;

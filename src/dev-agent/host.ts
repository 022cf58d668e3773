import type { HaproxyFiles } from './haproxy/process.ts';
import type { Statistics } from './heartbeat/statistics.ts';
import type { FirewallRule, NetworkPlug, VipPlug } from './plug.ts';

/** What an action came to: null when it was done, else why not. */
export type Outcome = string | null;

/**
 * What the agent's API acts on. Two implementations: `process-host`, an amphora of the embedded cloud, which is a process among
 * others and can change nothing of its machine; `system-host`, a virtual machine with a kernel of its own.
 */
export interface AmphoraHost {
  interfaces: Interfaces;
  haproxy: HaproxyRunner;
  vrrp: Vrrp;
  lvs: LvsListeners;
  /** Tells the network where addresses are now. Failing does no harm: neighbours ask again. */
  advertise(addresses: readonly string[]): Promise<void>;
  /** Counters of the interfaces that carry the load balancer's traffic, in the format of /proc/net/dev. */
  readNetworkCounters(): Promise<string>;
  /** False: heartbeats are withheld, so that the controller sees a part of the amphora that does not run. */
  isFitForHeartbeat(): Promise<boolean>;
}

/** A port could not be plugged, for a reason of the machine. The message says why. */
export class PlugError extends Error {}

export interface Interfaces {
  /** The name of the interface that has an address (in canonical spelling); null when none has. */
  byAddress(address: string): Promise<string | null>;
  /** "plugged already": nothing was done; "absent": the machine has no such interface (yet). @throws PlugError */
  plugVip(vip: VipPlug): Promise<{ name: string } | 'plugged already' | 'absent'>;
  /** An interface that is plugged is changed to what is asked for now. @throws PlugError */
  plugNetwork(network: NetworkPlug): Promise<{ name: string; isNew: boolean } | 'absent'>;
  /** From now on the amphora filters the interface of an address, and lets in what the rules name. False: none has it. @throws PlugError */
  setFirewall(address: string, rules: readonly FirewallRule[]): Promise<boolean>;
}

/** How HAProxy is run for a load balancer. Calls for one load balancer do not overlap. */
export interface HaproxyRunner {
  files(id: string): HaproxyFiles;
  /** Has a configuration checked and, if it will do, puts what HAProxy reads at the next start or reload in place. */
  prepare(id: string, configuration: string): Promise<Outcome>;
  /** Starts what was prepared, and waits until it answers. */
  start(id: string): Promise<Outcome>;
  /** Connections are cut. */
  stop(id: string, master: number): Promise<void>;
  /** The agent ends: what becomes of a HAProxy that runs. */
  leave(id: string, master: number): Promise<void>;
}

/** keepalived, or what takes its place: decides with the other amphora of a pair which of the two has the VIPs. */
export interface Vrrp {
  /** Keeps a configuration for the next start or reload. */
  upload(configuration: string): Promise<Outcome>;
  act(action: 'start' | 'stop' | 'reload'): Promise<Outcome>;
  /** Runs what ran when the last agent ended. */
  resume(): Promise<void>;
  /** The agent ends. */
  close(): Promise<void>;
}

/** UDP and SCTP listeners, which keepalived has the kernel's IP_VS balance. */
export interface LvsListeners {
  ids(): Promise<string[]>;
  /** What was uploaded; null when nothing was. */
  configuration(id: string): Promise<string | null>;
  upload(id: string, configuration: string): Promise<Outcome>;
  act(id: string, action: 'start' | 'stop' | 'reload'): Promise<Outcome>;
  /** Stops and forgets it. */
  remove(id: string): Promise<Outcome>;
  status(id: string): Promise<'ACTIVE' | 'OFFLINE' | 'ERROR'>;
  isRunning(id: string): Promise<boolean>;
  /** Of those that run. */
  statistics(): Promise<Statistics>;
  resume(): Promise<void>;
}

import { Counter, type Registry } from 'prom-client';

/** Of HealthManagerStats. */
export interface HeartbeatCounts {
  packets: number;
  recorded: number;
  unknownAmphorae: number;
  underPreviousKey: number;
  dropped: Readonly<Record<string, number>>;
}

const figures: readonly { name: string; help: string; of(counts: HeartbeatCounts): number }[] = [
  {
    name: 'kiln_heartbeats_received_total',
    help: 'Packets that this health manager has received.',
    of: ({ packets }) => packets,
  },
  {
    name: 'kiln_heartbeats_recorded_total',
    help: 'Heartbeats that it has recorded; several of one amphora that wait are one.',
    of: ({ recorded }) => recorded,
  },
  {
    name: 'kiln_heartbeats_unknown_amphorae_total',
    help: 'Heartbeats of amphorae that the database does not have.',
    of: ({ unknownAmphorae }) => unknownAmphorae,
  },
  {
    name: 'kiln_heartbeats_under_previous_key_total',
    help: 'Heartbeats that were signed with one of [kiln] previous_heartbeat_keys.',
    of: ({ underPreviousKey }) => underPreviousKey,
  },
];

/** Of the process with the role health-manager. */
export function heartbeatMetrics(registry: Registry, stats: () => HeartbeatCounts): void {
  for (const { name, help, of } of figures) {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(of(stats()));
      },
    });
  }
  new Counter({
    name: 'kiln_heartbeats_refused_total',
    help: 'Packets that were refused, by why: signature, replayed, shape, full …',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(stats().dropped)) this.inc({ reason }, count);
    },
  });
}

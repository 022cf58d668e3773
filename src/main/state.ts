import { createAmphoraStore } from '../adapters/storage/amphora-store.ts';
import { openDatabase } from '../adapters/storage/database.ts';
import { createFlavorStore } from '../adapters/storage/flavor-store.ts';
import { createFleetStore } from '../adapters/storage/fleet-store.ts';
import { createHealthStore } from '../adapters/storage/health-store.ts';
import { createJournal } from '../adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../adapters/storage/load-balancer-store.ts';
import { createQuotaStore } from '../adapters/storage/quota-store.ts';
import { createReleaseStore } from '../adapters/storage/release-store.ts';
import { createSilenceStore } from '../adapters/storage/silence-store.ts';
import { createVipReservations } from '../adapters/storage/vip-reservations.ts';
import type { AmphoraRegister, AmphoraStore } from '../ports/amphora-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { FlavorStore } from '../ports/flavor-store.ts';
import type { FleetStore } from '../ports/fleet-store.ts';
import type { HealthStore } from '../ports/health-store.ts';
import type { Journal } from '../ports/journal.ts';
import type { LoadBalancerStore } from '../ports/load-balancer-store.ts';
import type { QuotaStore } from '../ports/quota-store.ts';
import type { ReleaseStore } from '../ports/release-store.ts';
import type { SilenceStore } from '../ports/silence-store.ts';
import type { VipReservations } from '../ports/vip-reservations.ts';

/** Everything that Kiln must not forget, in one database. */
export interface State {
  database: Awaited<ReturnType<typeof openDatabase>>;
  amphorae: AmphoraStore & AmphoraRegister;
  loadBalancers: LoadBalancerStore;
  journal: Journal;
  flavors: FlavorStore;
  quotas: QuotaStore;
  health: HealthStore;
  silences: SilenceStore;
  fleet: FleetStore;
  releases: ReleaseStore;
  vipReservations: VipReservations;
  close(): Promise<void>;
}

/**
 * @param connection as SQLAlchemy writes it. STATE_UNUSABLE when it can't be opened.
 * @param stopping of a process that lives on; and `watch`: see openDatabase.
 */
export async function openState(
  connection: string,
  clock: Clock,
  stopping?: AbortSignal,
  watch?: Parameters<typeof openDatabase>[2],
): Promise<State> {
  const database = await openDatabase(connection, clock, watch, { stopping });
  return {
    database,
    amphorae: createAmphoraStore(database, clock),
    loadBalancers: createLoadBalancerStore(database, clock),
    journal: createJournal(database, clock),
    flavors: createFlavorStore(database, clock),
    quotas: createQuotaStore(database, clock),
    health: createHealthStore(database, clock),
    silences: createSilenceStore(database, clock),
    fleet: createFleetStore(database, clock),
    releases: createReleaseStore(database, clock),
    vipReservations: createVipReservations(database, clock),
    close: () => database.destroy(),
  };
}

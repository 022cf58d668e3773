import { type BootInput, firstStepOfBoot } from '../core/amphora/plan-boot.ts';
import { planAmphoraDeletion } from '../core/lbaas/changes.ts';
import { stableId } from '../core/operations/stable-id.ts';
import type { Amphora } from '../model/amphora.ts';
import type { JournalEntry, JsonObject, Operation } from '../model/operation.ts';
import type { AmphoraRegister, AmphoraStore } from '../ports/amphora-store.ts';
import type { Log } from '../ports/log.ts';
import type { WorkerIdentity } from '../ports/worker-identity.ts';

export interface AdoptionDeps {
  amphorae: Pick<AmphoraStore & AmphoraRegister, 'listWithoutOperation' | 'adopt'>;
  worker: WorkerIdentity;
  settings: () => { flavorId: string; topology: string };
  /** To workers. */
  announce(operation: Pick<Operation, 'id' | 'priority'>): void;
  log: Log;
}

/**
 * Kiln 0.2 and before booted the amphorae of `kiln amphora boot` without an operation. What a process of theirs left when it died gets
 * one, and ends as all do: a boot goes on, an undoing or a deletion is finished. What a living process has is left alone. Safe
 * to run at any time, and by several at once. No job: each host's workers know who of that host is dead.
 * @returns how many were taken up.
 */
export async function adoptAmphorae(deps: AdoptionDeps): Promise<number> {
  let adopted = 0;
  for (const amphora of await deps.amphorae.listWithoutOperation()) {
    if (amphora.worker !== null && deps.worker.isAlive(amphora.worker)) continue;
    const { operation, entries } = operationOf(amphora, deps.settings());
    if (!(await deps.amphorae.adopt(operation, entries))) continue;
    adopted++;
    deps.log.warn(
      { amphora: amphora.id, status: amphora.status, operation: operation.id, flow: operation.flow },
      `taking up an amphora that a dead process left: ${amphora.id}`,
    );
    deps.announce(operation);
  }
  return adopted;
}

/** What the row says, as an operation and its journal. Its ID is made from the row: whoever else finds that makes the same. */
function operationOf(amphora: Amphora, { flavorId, topology }: { flavorId: string; topology: string }) {
  const { id, serverName, imageId, reason, computeFlavor, status, updatedAt } = amphora;
  const operationId = stableId(id, `adopted ${status} ${updatedAt}`);
  // A deletion that somebody asked for has no reason; an undoing has that of the boot.
  if (status === 'PENDING_DELETE' && reason === null) {
    return { operation: planAmphoraDeletion({ newId: () => operationId }, id, null), entries: [] };
  }
  const computeFlavorId = computeFlavor ?? flavorId;
  const isAsked = amphora.imageChoice?.rule === 'requested-id';
  const input: BootInput = {
    amphoraId: id,
    serverName,
    loadBalancerId: null,
    requestedImageId: isAsked ? imageId : null,
    flavorTag: amphora.imageChoice?.tagSource === 'flavor' ? amphora.imageChoice.tag : null,
    computeFlavorId,
  };
  const entries = entriesOf(amphora, { computeFlavorId, topology });
  if (reason !== null) {
    const step = entries.findLast(({ kind }) => kind === 'started')?.step ?? '';
    entries.push({ kind: 'failed', step, reason });
  }
  return {
    operation: { id: operationId, flow: 'boot-amphora' as const, subject: id, input, priority: 0 },
    entries: entries satisfies JournalEntry[],
  };
}

/** Nova was asked only after the image was on record, and what it answered was recorded at once. */
function entriesOf(
  { id, serverName, imageId, imageChoice, computeId, lbNetworkIp, timings }: Amphora,
  { computeFlavorId, topology }: { computeFlavorId: string; topology: string },
): JournalEntry[] {
  const started = (step: string): JournalEntry => ({ kind: 'started', step });
  const done = (step: string, output: JsonObject = {}): JournalEntry[] => [
    started(step),
    { kind: 'done', step, output },
  ];
  const first = done(firstStepOfBoot);
  if (imageId === null) return [...first, started('resolve-amphora')];
  const choices = {
    amphoraId: id,
    serverName,
    imageId,
    imageChoice,
    computeFlavorId,
    topology,
    computeZone: null,
    managementNetworkId: null,
    timings,
  };
  const chosen = [...first, ...done('resolve-amphora', choices), ...done('mark-amphora-booting')];
  if (computeId === null) return [...chosen, started('create-server')];
  const created = [...chosen, ...done('create-server', { serverId: computeId, timings })];
  if (lbNetworkIp === null) return [...created, started('wait-for-server')];
  const reached = done('wait-for-server', { address: lbNetworkIp, serverId: computeId, timings });
  return [...created, ...reached, started('wait-for-agent')];
}

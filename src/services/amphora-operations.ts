import { firstStepOfBoot, planBoot } from '../core/amphora/plan-boot.ts';
import { nameServer } from '../core/amphora/server-name.ts';
import { planAmphoraDeletion } from '../core/lbaas/changes.ts';
import { errorOf } from '../core/operations/error-of-reason.ts';
import type { Amphora, AmphoraStatus } from '../model/amphora.ts';
import { KilnError } from '../model/errors.ts';
import { hasEnded, type Operation } from '../model/operation.ts';
import type { AmphoraOperations, BootRequest } from '../ports/amphora-operations.ts';
import type { AmphoraRegister, AmphoraStore } from '../ports/amphora-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { ClaimedOperation, Journal } from '../ports/journal.ts';
import { bootEventsOf } from './boot-events.ts';

export interface AmphoraOperationsDeps {
  amphorae: AmphoraStore & AmphoraRegister;
  journal: Journal;
  clock: Clock;
  settings: () => { flavorId: string; randomNameLength: number };
  newId: () => string;
  randomInteger: (exclusiveMax: number) => number;
  /** This process, as workers name themselves. */
  self: string;
  /** To workers. */
  announce(operation: Pick<Operation, 'id' | 'priority'>): void;
  /** If a worker of this process has the operation: its flow goes back at once. */
  turnAround(operationId: string, reason: KilnError): void;
  /** Aborted when nobody is to wait any longer. What was asked for stays asked for. */
  stopping: AbortSignal;
  /** How often an operation that is waited for is looked at. */
  lookEveryMs: number;
}

const TURN_TRIES = 5;
const deletable: readonly AmphoraStatus[] = ['BOOTING', 'READY', 'ERROR', 'PENDING_DELETE'];

/** What one can ask Kiln to do with amphorae that serve nobody. Each is an operation; who asked follows its journal. */
export function createAmphoraOperations(deps: AmphoraOperationsDeps): AmphoraOperations {
  const { amphorae, journal, clock, stopping } = deps;

  async function get(amphoraId: string): Promise<Amphora> {
    const amphora = await amphorae.get(amphoraId);
    if (!amphora) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
    return amphora;
  }

  /** Whoever has the operation, or has it next, undoes it. Nothing happens to one that goes back already, or has ended. */
  async function turnAround(operationId: string, reason: KilnError): Promise<void> {
    deps.turnAround(operationId, reason);
    for (let tries = 1; ; tries++) {
      const found = await journal.get(operationId);
      if (!found || !['queued', 'running'].includes(found.operation.status)) return;
      const { id, fence } = found.operation;
      const step = found.entries.findLast(({ kind }) => kind === 'started')?.step ?? firstStepOfBoot;
      const { code, message, advice } = reason;
      try {
        await journal.record(id, fence, { kind: 'failed', step, reason: { code, message, advice } });
        deps.announce(found.operation);
        return;
      } catch (error) {
        // Somebody has claimed it in between, or it has ended.
        if (!(error instanceof KilnError) || error.code !== 'FENCED' || tries >= TURN_TRIES) throw error;
      }
    }
  }

  /**
   * Until the operation has ended, or is stuck on its way back.
   * @param onLook called with what there is, each time.
   * @throws why it was undone.
   */
  async function follow(operationId: string, onLook: (found: ClaimedOperation) => Promise<void>): Promise<void> {
    for (;;) {
      const found = await journal.get(operationId);
      if (!found) throw new KilnError('OPERATION_NOT_FOUND', `operation ${operationId} is no longer on record`);
      const { operation, entries } = found;
      await onLook(found);
      if (operation.status === 'done') return;
      if (operation.status === 'undone') throw whyUndone(found);
      if (operation.status === 'undoing' && entries.some(({ kind }) => kind === 'stuck')) throw whyUndone(found);
      if (stopping.aborted) throw leftAlone(operation);
      await clock.sleep(deps.lookEveryMs, stopping).catch(() => {});
    }
  }

  return {
    async boot(request, onEvent, signal) {
      const { amphora, operation } = planRequestedBoot(deps, request);
      await amphorae.requestBoot(amphora, operation);
      onEvent({ kind: 'started', amphoraId: amphora.id, serverName: amphora.serverName });
      deps.announce(operation);
      let isAskedBack = false;
      let reported = 0;
      await follow(operation.id, async ({ entries }) => {
        for (const event of bootEventsOf(entries.slice(reported))) onEvent(event);
        reported = entries.length;
        if (!signal?.aborted || isAskedBack) return;
        isAskedBack = true;
        await turnAround(operation.id, new KilnError('CANCELLED', 'the boot was cancelled'));
      });
      return await get(amphora.id);
    },

    async delete(amphoraId) {
      const amphora = await get(amphoraId);
      const { loadBalancerId, status } = amphora;
      if (status === 'DELETED') return amphora;
      // In ERROR it serves nobody; whatever builds or serves is its load balancer's, as in Octavia's API.
      if (loadBalancerId !== null && status !== 'ERROR') {
        throw new KilnError(
          'RESOURCE_CONFLICT',
          `amphora ${amphoraId} is ${status} and belongs to load balancer ${loadBalancerId}`,
          {
            advice:
              'Delete the load balancer, or fail it over: `openstack loadbalancer failover ID` replaces the amphora.',
          },
        );
      }
      const underWay = (await journal.list({ subject: amphoraId, limit: 10 })).filter(
        ({ status }) => !hasEnded(status),
      );
      for (const { id, flow } of underWay) {
        if (flow !== 'boot-amphora') continue;
        await turnAround(id, new KilnError('CANCELLED', 'the amphora was deleted while it was being booted'));
      }
      const operation = planAmphoraDeletion(deps, amphoraId, loadBalancerId);
      await amphorae.requestDeletion(amphoraId, operation, loadBalancerId === null ? deletable : ['ERROR']);
      deps.announce(operation);
      await follow(operation.id, async () => {});
      return await get(amphoraId);
    },

    list: (options) => amphorae.list(options),
    get,
  };
}

function planRequestedBoot(deps: AmphoraOperationsDeps, { imageId, capabilities }: BootRequest) {
  const settings = deps.settings();
  const amphoraId = deps.newId();
  return planBoot(
    { newId: deps.newId, worker: deps.self, now: deps.clock.now().toISOString() },
    {
      amphoraId,
      serverName: nameServer(amphoraId, settings.randomNameLength, deps.randomInteger),
      requestedImageId: imageId,
      flavorTag: capabilities?.amp_image_tag || null,
      computeFlavorId: capabilities?.compute_flavor || settings.flavorId,
    },
  );
}

function whyUndone({ operation, entries }: ClaimedOperation): KilnError {
  const failed = entries.find((entry) => entry.kind === 'failed');
  return errorOf(operation.reason, failed?.details);
}

function leftAlone({ id, flow }: Operation): KilnError {
  return new KilnError('CANCELLED', `Kiln stops while operation ${id} (${flow}) is under way`, {
    advice: 'It goes on when Kiln runs again; `kiln operation show` tells how far it is.',
  });
}

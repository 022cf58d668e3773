import { heartbeatDigest } from '../../core/amphora/heartbeat-digest.ts';
import { buildServerSpec } from '../../core/amphora/server-spec.ts';
import type { BootTimings } from '../../model/amphora.ts';
import type { Server } from '../../model/compute.ts';
import { KilnError } from '../../model/errors.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import { staysForNextTry } from '../lib/probe-hosts.ts';
import { removeServers } from '../lib/remove-servers.ts';
import { waitSignal, whileWorking } from '../lib/wait-signal.ts';
import { waitUntil } from '../lib/wait-until.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { type AmphoraChoices, chooseImageFor, elapsedMs } from './resolve-amphora.ts';

export type ServerCreated = { serverId: string; timings: BootTimings };

/**
 * Asks Nova for the amphora's server, in the place that the operation has among the amphorae that may be built at a time.
 * After a restart it waits for one anew, and chooses the image anew; but not for one of a pair, which is of one image.
 * The name is the amphora's own: a try after one that failed looks for a server of that name first; who goes on after
 * somebody else's death does so for as long as Nova may yet make one of the request that was under way.
 */
export const createServer: Step<LoadBalancerDeps, AmphoraChoices, ServerCreated> = {
  name: 'create-server',
  async do(deps, state, run) {
    const startedMs = deps.clock.monotonicMs();
    const { amphoraId, serverName } = state;
    const hasWaited = await deps.builds.acquire(run.operationId, [amphoraId], waitSignal(run));
    const found = run.again ? await lookForServer(deps, serverName, run) : null;
    const serverId = found?.id ?? (await bootServer(deps, state, run, hasWaited)).id;
    const timings = { ...state.timings, createMs: elapsedMs(deps.clock, startedMs) };
    run.amend({ amphoraId, patch: { computeId: serverId, timings } });
    return { serverId, timings };
  },
  async undo(deps, { amphoraId, serverName, serverId, keepsServer }, run) {
    await deps.builds.release(run.operationId, amphoraId);
    if (staysForNextTry(keepsServer, run.reason)) return;
    // Where Nova surely took nothing, or its answer was had, nothing can come late.
    const mayComeLate =
      serverId === undefined && !(run.isOwnFailure && run.reason && surelyRefused.has(run.reason.code));
    const lateSeconds = mayComeLate ? deps.settings().createLookupSeconds : 0;
    await removeServers(deps, { serverName, computeId: serverId ?? null }, lateSeconds);
  },
  leaves: async (_parts, { serverName, serverId }) => [{ kind: 'server', id: serverId ?? null, name: serverName }],
};

/** Errors after which Nova has made nothing of the request. */
const surelyRefused = new Set<string>([
  'IMAGE_GONE',
  'IMAGE_NOT_FOUND',
  'SERVICE_REJECTED_REQUEST',
  'SERVICE_FORBIDDEN',
  'SERVICE_UNAUTHORIZED',
  'SERVICE_LIMIT',
  'SERVICE_CONFLICT',
  'CERTIFICATE_AUTHORITY_UNUSABLE',
  'CONFIGURATION_INVALID',
]);

/** A try of this process has looked already, from when its answer was lost: one look is enough after it. */
async function lookForServer(deps: LoadBalancerDeps, serverName: string, run: StepRun): Promise<Server | null> {
  const totalMs = run.resumed ? deps.settings().createLookupSeconds * 1000 : 0;
  const pauses = { firstPauseMs: 250, longestPauseMs: 4_000 };
  return await whileWorking(run, (signal) =>
    waitUntil(deps.clock, { totalMs, ...pauses, signal }, async () => {
      const servers = await deps.compute.findServersByName(serverName);
      const alive = servers.filter(({ status }) => status !== 'DELETED');
      return alive.sort((one, other) => (one.createdAt < other.createdAt ? -1 : 1))[0] ?? null;
    }),
  );
}

/**
 * @param isOldChoice the image was chosen before a wait. It may also vanish between the choice and Nova's look at it: then
 * it is chosen again, once.
 */
export async function bootServer(
  deps: LoadBalancerDeps,
  state: AmphoraChoices,
  run: Pick<StepRun, 'note'>,
  isOldChoice: boolean,
): Promise<{ id: string }> {
  const settings = deps.settings();
  const {
    amphoraId,
    serverName,
    topology,
    computeFlavorId,
    computeZone,
    managementNetworkId,
    serverGroupId = null,
  } = state;
  const certificate = await deps.certificates.issueAgentCertificate(amphoraId, settings.certificateValiditySeconds);
  await deps.amphorae.update(amphoraId, {
    certExpiration: certificate.notAfter,
    agentConfigDigest: heartbeatDigest(settings.server.agent.healthManager),
  });
  const clientCaPem = await settings.clientCaPem();
  const zone = {
    ...(computeZone === null ? {} : { computeZone }),
    ...(managementNetworkId === null ? {} : { managementNetworkId }),
  };
  const boot = (imageId: string) =>
    deps.compute.createServer(
      buildServerSpec(settings.server, {
        amphoraId,
        serverName,
        topology,
        imageId,
        computeFlavorId,
        certificate,
        clientCaPem,
        zone,
        serverGroupId,
      }),
    );
  const byTag = state.imageChoice.tag !== null && state.role === undefined;
  const chooseAgain = async () => {
    const fromFlavor = state.imageChoice.tagSource === 'flavor' ? (state.imageChoice.tag ?? undefined) : undefined;
    const again = await chooseImageFor(deps, fromFlavor, computeFlavorId);
    await deps.amphorae.update(amphoraId, { imageId: again.imageId, imageChoice: again });
    return again.imageId;
  };
  const imageId = byTag && isOldChoice ? await chooseAgain() : state.imageId;
  try {
    return await boot(imageId);
  } catch (error) {
    if (!(error instanceof KilnError) || error.code !== 'IMAGE_GONE' || !byTag) throw error;
    deps.log.warn({ amphora: amphoraId, image: imageId }, 'the chosen image is gone; choosing again');
    run.note(`image ${imageId} is gone or no longer active; choosing again`);
    return await boot(await chooseAgain());
  }
}

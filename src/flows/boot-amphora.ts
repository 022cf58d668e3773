import { choiceById } from '../core/amphora/choose-image.ts';
import { nameServer } from '../core/amphora/server-name.ts';
import { buildServerSpec } from '../core/amphora/server-spec.ts';
import type { Amphora, BootEvent, BootPart, BootTimings } from '../model/amphora.ts';
import { KilnError, ServiceError, toKilnError } from '../model/errors.ts';
import type { ImageChoice } from '../model/image.ts';
import type { AgentInfo } from '../ports/amphora-agent.ts';
import type { BootRequest } from '../ports/amphora-operations.ts';
import type { AgentCertificate } from '../ports/certificates.ts';
import type { AmphoraDeps, AmphoraSettings } from './deps.ts';
import { findManagementAddress } from './steps/find-management-address.ts';
import { waitForActive } from './steps/wait-for-active.ts';
import { waitForAgent } from './steps/wait-for-agent.ts';
import { undoBoot } from './undo-boot.ts';

/**
 * Boots one amphora: choose the image → create the server → wait for Nova → wait for the agent.
 * The record is written before Nova is asked for anything, and after each part; a process that dies on the way leaves
 * a record from which `recoverAmphorae` finds every server. On failure the boot is undone and the error thrown.
 */
export async function bootAmphora(
  deps: AmphoraDeps,
  request: BootRequest,
  onEvent: (event: BootEvent) => void,
  signal?: AbortSignal,
): Promise<Amphora> {
  const settings = deps.settings();
  let amphora = await recordNew(deps, settings, request);
  onEvent({ kind: 'started', amphoraId: amphora.id, serverName: amphora.serverName });

  const timings: BootTimings = {};
  async function timed<Result>(
    part: BootPart,
    work: () => Promise<Result>,
    detail: (result: Result) => string,
  ): Promise<Result> {
    onEvent({ kind: 'part-started', part });
    const startedMs = deps.clock.monotonicMs();
    const result = await work();
    const milliseconds = Math.round(deps.clock.monotonicMs() - startedMs);
    timings[`${part}Ms`] = milliseconds;
    onEvent({ kind: 'part-done', part, milliseconds, detail: detail(result) });
    return result;
  }
  const record = async (patch: Parameters<AmphoraDeps['store']['update']>[1]) => {
    amphora = await deps.store.update(amphora.id, { ...patch, timings });
  };

  try {
    const chosen = await timed(
      'choose',
      async () => {
        const [choice, certificate] = await Promise.all([
          choose(deps, settings, request, signal),
          deps.certificates.issueAgentCertificate(amphora.id, settings.certificateValiditySeconds),
        ]);
        return { choice, certificate };
      },
      ({ choice }) => describeChoice(choice),
    );
    await record({
      imageId: chosen.choice.imageId,
      imageChoice: chosen.choice,
      certExpiration: chosen.certificate.notAfter,
    });

    const server = await timed(
      'create',
      () => create(chosen.choice, chosen.certificate),
      ({ id }) => `server ${id}`,
    );
    await record({ computeId: server.id });

    const address = await timed(
      'active',
      async () => {
        const active = await waitForActive(deps, server.id, settings, signal);
        await record({ cachedZone: active.availabilityZone });
        return await findManagementAddress(deps, server.id, settings.server.bootNetworkIds, signal);
      },
      (ip) => `management address ${ip}`,
    );
    await record({ lbNetworkIp: address });

    const info = await timed(
      'agent',
      () =>
        waitForAgent(deps, { id: amphora.id, address, serverId: server.id }, settings, signal, (message) =>
          onEvent({ kind: 'note', message }),
        ),
      (agent) => `agent ${describeAgent(agent)}`,
    );
    await record({ status: 'READY', worker: null, agentVersion: describeAgent(info) });
    deps.log.info({ amphora: amphora.id, image: amphora.imageId, server: server.id, timings }, 'amphora booted');
    return amphora;
  } catch (thrown) {
    const error = signal?.aborted ? cancelled(thrown) : toKilnError(thrown);
    deps.log.error({ amphora: amphora.id, err: error }, 'amphora did not boot; undoing what was done');
    await undoBoot(deps, amphora, error, mayComeLate(amphora, error) ? settings.createLookupSeconds : 0);
    throw error;
  }

  /** The image may vanish between the choice and Nova's look at it: choose again, once. */
  async function create(choice: ImageChoice, certificate: AgentCertificate): Promise<{ id: string }> {
    const clientCaPem = await settings.clientCaPem();
    const ask = (imageId: string) =>
      deps.compute.createServer(
        buildServerSpec(settings.server, {
          amphoraId: amphora.id,
          serverName: amphora.serverName,
          topology: settings.topology,
          imageId,
          computeFlavorId: flavorOf(settings, request),
          certificate,
          clientCaPem,
        }),
        signal,
      );
    try {
      return await ask(choice.imageId);
    } catch (error) {
      const again = error instanceof KilnError && error.code === 'IMAGE_GONE' && choice.tag !== null;
      if (!again) throw error;
      onEvent({ kind: 'note', message: `image ${choice.imageId} is gone or no longer active; choosing again` });
      deps.log.warn({ amphora: amphora.id, image: choice.imageId }, 'the chosen image is gone; choosing again');
      const second = await choose(deps, settings, request, signal);
      await record({ imageId: second.imageId, imageChoice: second });
      return await ask(second.imageId);
    }
  }
}

async function recordNew(deps: AmphoraDeps, settings: AmphoraSettings, request: BootRequest): Promise<Amphora> {
  const id = deps.newId();
  const now = deps.clock.now().toISOString();
  const amphora: Amphora = {
    id,
    loadBalancerId: null,
    role: null,
    vrrpPortId: null,
    vrrpIp: null,
    haPortId: null,
    haIp: null,
    status: 'BOOTING',
    serverName: nameServer(id, settings.randomNameLength, deps.randomInteger),
    computeId: null,
    lbNetworkIp: null,
    imageId: null,
    imageChoice: null,
    computeFlavor: flavorOf(settings, request),
    cachedZone: null,
    certExpiration: null,
    agentVersion: null,
    timings: {},
    worker: deps.worker.self,
    reason: null,
    createdAt: now,
    updatedAt: now,
  };
  await deps.store.insert(amphora);
  return amphora;
}

async function choose(
  deps: AmphoraDeps,
  settings: AmphoraSettings,
  request: BootRequest,
  signal: AbortSignal | undefined,
): Promise<ImageChoice> {
  if (request.imageId) return choiceById(request.imageId, 'requested-id', deps.clock.now());
  const tag = request.capabilities?.amp_image_tag;
  const flavorTag = tag ? ({ value: tag, source: 'flavor' } as const) : null;
  return await deps.resolver.resolve({
    tag: flavorTag,
    flavorId: flavorOf(settings, request),
    ...(signal ? { signal } : {}),
  });
}

function flavorOf(settings: AmphoraSettings, request: BootRequest): string {
  return request.capabilities?.compute_flavor || settings.flavorId;
}

/** Octavia's agent tells only which API it speaks; ours tells its version, and the image that it came in. */
function describeAgent({ agentVersion, apiVersion, imageName, imageVersion }: AgentInfo): string {
  const version = agentVersion ?? `with API ${apiVersion}`;
  return imageVersion ? `${version}, of image ${imageName} ${imageVersion}` : version;
}

function describeChoice(choice: ImageChoice): string {
  if (choice.rule === 'configured-id') return `image ${choice.imageId} (amp_image_id)`;
  if (choice.rule === 'requested-id') return `image ${choice.imageId} (as asked)`;
  const name = choice.image?.name ? ` ${choice.image.name}` : '';
  const several = choice.candidates.length > 1 ? `, newest of ${choice.candidates.length}` : '';
  return `image ${choice.imageId}${name} (tag ${choice.tag}${several})`;
}

/** Nova was asked for a server and gave no answer that settles whether there will be one. */
function mayComeLate(amphora: Amphora, error: KilnError): boolean {
  if (amphora.imageId === null || amphora.computeId !== null) return false;
  return !(error instanceof ServiceError) || error.call.outcomeUnknown;
}

function cancelled(thrown: unknown): KilnError {
  if (thrown instanceof ServiceError) return thrown; // It knows whether Nova may have taken the request.
  return new KilnError('CANCELLED', 'the boot was cancelled', { cause: thrown });
}

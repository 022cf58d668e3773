/** Asks Glance and Nova what the image choice needs to know, and lets core/amphora/choose-image.ts decide. */

import {
  ANY_OWNER,
  choiceById,
  chooseImage,
  type ImageSearch,
  type ImageSettings,
  refusals,
  whatToBoot,
  whyNotByItsId,
} from '../core/amphora/choose-image.ts';
import { abortable } from '../lib/abortable.ts';
import { shareNextCall } from '../lib/share-next-call.ts';
import { KilnError, toKilnError } from '../model/errors.ts';
import type { Image, ImageChoice } from '../model/image.ts';
import type { Clock } from '../ports/clock.ts';
import type { ComputeService } from '../ports/compute.ts';
import type { IdentityService } from '../ports/identity.ts';
import type { ImageRequest, ImageResolution, ImageResolver, ImageStatus } from '../ports/image-resolver.ts';
import type { ImageService } from '../ports/images.ts';
import type { Log } from '../ports/log.ts';

/** How old a request may be for whoever comes to wait for it: beside one that hangs, another one is sent. */
const LONGEST_WAIT_MS = 2_000;

export interface ImageResolverDeps {
  images: ImageService;
  identity: IdentityService;
  compute: Pick<ComputeService, 'getFlavor'>;
  /** In force now; read at every call, so that a reload takes effect with the next boot. */
  settings: () => ImageSettings;
  clock: Clock;
  log: Log;
}

export function createImageResolver(deps: ImageResolverDeps): ImageResolver {
  const { images, identity, clock, log } = deps;
  /** Said once: the log is not to be filled with what does not change. */
  const said = new Set<string>();
  /** The newest outcome for each tag that was asked for. */
  const outcomes = new Map<string, ImageStatus>();

  function once(key: string, say: () => void): void {
    if (said.has(key)) return;
    said.add(key);
    say();
  }

  const patience = { ms: LONGEST_WAIT_MS, nowMs: () => clock.monotonicMs() };
  const listCandidates = shareNextCall(
    (search: ImageSearch) => images.list({ tags: [search.tag], status: 'active', ...ownerOf(search) }),
    searchKey,
    patience,
  );
  /** Everything that carries the tag, for the explanation: any status, any owner, hidden ones too. */
  const listAllTagged = shareNextCall(
    async (search: ImageSearch): Promise<Image[]> => {
      const [shown, hidden] = await Promise.all([
        images.list({ tags: [search.tag], visibility: 'all' }),
        images.list({ tags: [search.tag], visibility: 'all', hidden: true }),
      ]);
      return [...shown, ...hidden];
    },
    searchKey,
    patience,
  );

  const getFlavor = shareNextCall(
    (flavorId: string) => deps.compute.getFlavor(flavorId).catch((error: unknown) => noSuchFlavor(flavorId, error)),
    (flavorId) => flavorId,
    patience,
  );

  /** What decides between ID and tag; Keystone is asked only where the own project's ID is needed. */
  async function decide(request: ImageRequest): Promise<ReturnType<typeof whatToBoot>> {
    const settings = deps.settings();
    const idWins = settings.ampImageId !== '' && request.tag?.source !== 'request';
    const needsOwnProject = !idWins && settings.ampImageOwnerId === '';
    const ownProjectId = needsOwnProject ? (await identity.authenticatedAs()).projectId : '';
    return whatToBoot(settings, request.tag, ownProjectId);
  }

  async function resolve(request: ImageRequest): Promise<ImageChoice> {
    const wanted = await decide(request);
    if (wanted.by === 'id') {
      if (wanted.ignoredTag) {
        once(`both ${wanted.imageId} ${wanted.ignoredTag}`, () =>
          log.warn(
            { amp_image_id: wanted.imageId, amp_image_tag: wanted.ignoredTag },
            'both amp_image_id and an image tag are set: the ID wins and the tag is ignored; remove amp_image_id to use the tag',
          ),
        );
      }
      return choiceById(wanted.imageId, 'configured-id', clock.now());
    }
    const { search } = wanted;
    try {
      const choice = await choose(search, request);
      remember(search, { choice, error: null });
      return choice;
    } catch (thrown) {
      const error = toKilnError(thrown);
      remember(search, { choice: null, error: error.toJSON() });
      throw error;
    }
  }

  async function choose(search: ImageSearch, request: ImageRequest): Promise<ImageChoice> {
    const { ampImageTagPolicy } = deps.settings();
    const [candidates, flavor] = await abortable(
      Promise.all([listCandidates(search), request.flavorId === null ? null : getFlavor(request.flavorId)]),
      request.signal,
    );
    try {
      return chooseImage(search, candidates, flavor, ampImageTagPolicy, clock.now());
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== 'IMAGE_NOT_FOUND') throw error;
      // A second, wider look, only to say why: what it lists is judged by the same rules, so it can't smuggle one in.
      const tagged = await abortable(listAllTagged(search), request.signal).catch((cause: unknown) => {
        log.warn({ err: cause }, 'could not list the images that were refused; the error names none');
        return candidates;
      });
      return chooseImage(search, [...candidates, ...tagged], flavor, ampImageTagPolicy, clock.now());
    }
  }

  function remember(search: ImageSearch, outcome: Pick<ImageStatus, 'choice' | 'error'>): void {
    outcomes.set(search.tag, { tag: search.tag, at: clock.now().toISOString(), ...outcome });
    const several = outcome.choice?.candidates.length ?? 0;
    if (several > 1) {
      const ids = outcome.choice?.candidates.map((candidate) => candidate.id) ?? [];
      once(`several ${search.tag} ${ids.join()}`, () =>
        log.warn({ tag: search.tag, candidates: ids }, `${several} images carry the tag; the newest one is booted`),
      );
    }
  }

  async function explain(request: ImageRequest): Promise<ImageResolution> {
    const choice = await resolve(request);
    const { tag, tagSource, ownerRequired: owner } = choice;
    if (tag === null || tagSource === null || owner === null) return { choice, refused: [] };
    const search: ImageSearch = { tag, tagSource, owner };
    const [tagged, flavor] = await abortable(
      Promise.all([listAllTagged(search), request.flavorId === null ? null : getFlavor(request.flavorId)]),
      request.signal,
    );
    return { choice, refused: refusals(search, tagged, flavor) };
  }

  async function resolveAssigned(
    imageId: string,
    { flavorId, signal }: Pick<ImageRequest, 'flavorId' | 'signal'>,
  ): Promise<{ choice: ImageChoice } | { refused: string }> {
    const settings = deps.settings();
    if (imageId === settings.ampImageId) return { choice: choiceById(imageId, 'assigned', clock.now()) };
    try {
      const [image, flavor, owner] = await abortable(
        Promise.all([
          images.get(imageId, signal),
          flavorId === null ? null : getFlavor(flavorId),
          settings.ampImageOwnerId || identity.authenticatedAs().then(({ projectId }) => projectId),
        ]),
        signal,
      );
      const refused = whyNotByItsId(image, owner, flavor);
      return refused === null ? { choice: choiceById(imageId, 'assigned', clock.now(), image) } : { refused };
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== 'SERVICE_NOT_FOUND') throw error;
      return { refused: 'is gone from Glance' };
    }
  }

  async function trustedOwner(): Promise<string | null> {
    const owner = deps.settings().ampImageOwnerId || (await identity.authenticatedAs()).projectId;
    return ownerOf({ owner }).owner ?? null;
  }

  async function releasable(tag?: string, signal?: AbortSignal): Promise<readonly Image[]> {
    const owner = await trustedOwner();
    const tags = tag === undefined ? {} : { tags: [tag] };
    return await images.list({ ...tags, status: 'active', ...(owner !== null && { owner }) }, signal);
  }

  return { resolve, resolveAssigned, explain, releasable, trustedOwner, status: () => [...outcomes.values()] };
}

/** `image_noop_driver`: Glance is not asked, and every amphora has the image that Octavia's noop driver names. */
export function createNoopResolver(clock: Clock): ImageResolver {
  const resolve = async () => choiceById('1', 'configured-id', clock.now());
  return {
    resolve,
    resolveAssigned: async (imageId) => ({ choice: choiceById(imageId, 'assigned', clock.now()) }),
    explain: async () => ({ choice: await resolve(), refused: [] }),
    releasable: async () => [],
    trustedOwner: async () => null,
    status: () => [],
  };
}

function ownerOf({ owner }: Pick<ImageSearch, 'owner'>): { owner?: string } {
  return owner === ANY_OWNER ? {} : { owner };
}

function searchKey(search: ImageSearch): string {
  return JSON.stringify([search.tag, search.owner]);
}

function noSuchFlavor(flavorId: string, error: unknown): never {
  if (!(error instanceof KilnError) || error.code !== 'SERVICE_NOT_FOUND') throw error;
  throw new KilnError('CONFIGURATION_INVALID', `Nova has no flavor ${flavorId} that Kiln may use`, {
    cause: error,
    advice:
      "Set [controller_worker] amp_flavor_id (or the Octavia flavor's compute_flavor) to an ID of `openstack flavor list --all`.",
  });
}

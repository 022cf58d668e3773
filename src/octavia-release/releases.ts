import { randomUUID } from 'node:crypto';
import { differences } from '../core/releases/plan-digest.ts';
import { KilnError } from '../model/errors.ts';
import {
  endedOctaviaPhases,
  type OctaviaProbe,
  type OctaviaReleaseStart,
  type OctaviaReleaseState,
} from '../model/octavia-release.ts';
import type { Clock } from '../ports/clock.ts';
import type { OctaviaReleaseLog, ReleaseLogUse } from '../ports/octavia-release-log.ts';
import type { OctaviaReleaseListing, OctaviaReleases, OctaviaRunOptions } from '../ports/octavia-releases.ts';
import { type CheckDeps, checkBefore } from './checks.ts';
import type { ReleaseDeps } from './deps.ts';
import { listTagged } from './find-image.ts';
import { cantBeHad, type OctaviaPlan, planOverOctavia } from './plan.ts';
import { replay } from './replay.ts';
import { runRelease } from './run-release.ts';

export interface OctaviaReleasesDeps extends Omit<ReleaseDeps, 'pollMs'>, Omit<CheckDeps, 'marks'> {
  clock: Clock;
  openLog(path: string, use: ReleaseLogUse): Promise<OctaviaReleaseLog>;
  /** Paths of the files in a folder that may be state files. */
  listLogs(folder: string): Promise<readonly string[]>;
  /** Who works here, for the file. */
  operator: string;
}

export function createOctaviaReleases(deps: OctaviaReleasesDeps): Omit<OctaviaReleases, 'fleet'> {
  async function withLog<Value>(
    path: string,
    mode: ReleaseLogUse,
    use: (log: OctaviaReleaseLog) => Promise<Value>,
  ): Promise<Value> {
    const log = await deps.openLog(path, mode);
    try {
      return await use(log);
    } finally {
      await log.close();
    }
  }
  const run = (
    log: OctaviaReleaseLog,
    known: OctaviaReleaseState | null,
    { pollSeconds, report, signal }: OctaviaRunOptions,
  ) => runRelease({ ...deps, pollMs: pollSeconds * 1000 }, log, known, report, signal);

  const read: OctaviaReleases['read'] = (stateFile) =>
    withLog(stateFile, 'read', async (log) => {
      const records = await log.read();
      return { state: stateIn(replay(null, records), stateFile), records };
    });

  async function plan(request: Parameters<OctaviaReleases['plan']>[0]) {
    const planned = await planOverOctavia(deps, request);
    return { planned, checks: await checkBefore(deps, planned) };
  }

  return {
    async plan(request) {
      const { planned, checks } = await plan(request);
      return { plan: planned.plan, checks, cantBeHad };
    },

    async start(request, reason, options) {
      const { stateFile } = options;
      const { planned, checks } = await plan(request);
      const { digest } = planned.plan;
      if (request.planDigest !== null && request.planDigest !== digest) {
        throw new KilnError(
          'RESOURCE_CONFLICT',
          `the plan is ${digest} now and was ${request.planDigest}: ${differences(request.planDigest, digest).join('; ')}`,
          { advice: 'Look at `kiln release plan --octavia` again, with the same options.' },
        );
      }
      const stops = checks.filter(({ outcome }) => outcome === 'stop');
      if (stops.length > 0) {
        throw new KilnError('RESOURCE_CONFLICT', stops.map(({ name, message }) => `${name}: ${message}`).join('; '), {
          advice: 'Fix that first; `kiln release plan --octavia` shows all checks.',
        });
      }
      if (planned.plan.targets.length === 0) {
        throw new KilnError('RESOURCE_CONFLICT', 'no load balancer of this tag would be moved', {
          advice: '`kiln release plan --octavia` says why.',
        });
      }
      return await withLog(stateFile, 'create', async (log) => {
        await assertLocked(log, stateFile);
        if ((await log.read()).length > 0) {
          throw new KilnError('RESOURCE_CONFLICT', `the state file ${stateFile} has a release`, {
            advice: 'Go on with that one (`kiln release resume --octavia`), or name another file with --state-file.',
          });
        }
        await log.append({ kind: 'start', ...startOf(planned, request.probeSubnetId) });
        await log.append({ kind: 'intent', want: 'run', by: deps.operator, reason });
        return await run(log, null, options);
      });
    },

    instruct: (word, options) =>
      withLog(options.stateFile, 'append', async (log) => {
        const before = stateIn(replay(null, await log.read()), options.stateFile);
        assertGoesOn(before, word.want);
        await log.append({ kind: 'intent', ...word, by: deps.operator });
        const after = stateIn(replay(before, await log.read()), options.stateFile);
        if (!(await log.lock())) return { state: after, isElsewhere: true };
        return { state: await run(log, after, options), isElsewhere: false };
      }),

    read,

    async list(folder, tag) {
      const own: Extract<OctaviaReleaseListing, { stateFile: string }>[] = [];
      for (const stateFile of await deps.listLogs(folder)) {
        // Other files have such names, too.
        const state = await read(stateFile).then(
          (found) => found.state,
          () => null,
        );
        if (state) own.push({ releaseId: state.start.releaseId, stateFile, state, imageIds: [] });
      }
      const marked = await Promise.all(
        (await listTagged(deps.images, tag)).map(async ({ id }) => [await deps.marks.read(id), id] as const),
      );
      const known = new Set(own.map(({ releaseId }) => releaseId));
      const elsewhere = Map.groupBy(
        marked.flatMap(([mark, imageId]) => (mark === null || known.has(mark) ? [] : { mark, imageId })),
        ({ mark }) => mark,
      );
      return [
        ...own.sort((a, b) => b.state.startedAtMs - a.state.startedAtMs),
        ...[...elsewhere].map(([releaseId, images]) => {
          return { releaseId, stateFile: null, state: null, imageIds: images.map(({ imageId }) => imageId) };
        }),
      ];
    },
  };
}

async function assertLocked(log: OctaviaReleaseLog, stateFile: string): Promise<void> {
  if (await log.lock()) return;
  throw new KilnError('RESOURCE_CONFLICT', `another process is at the release in ${stateFile}`, {
    advice: 'See it with `kiln release watch --octavia`.',
  });
}

function stateIn(state: OctaviaReleaseState | null, stateFile: string): OctaviaReleaseState {
  if (state) return state;
  throw new KilnError('STATE_UNUSABLE', `the state file ${stateFile} has no release`, {
    advice: 'Name the file that `kiln release start --octavia` wrote, with --state-file.',
  });
}

/** One that has ended may be gone on with all the same: the marks of its images may still be there. */
function assertGoesOn({ phase, phaseReason, start }: OctaviaReleaseState, want: string): void {
  if (!endedOctaviaPhases.includes(phase) || want === 'run') return;
  throw new KilnError('RESOURCE_CONFLICT', `release ${start.releaseId} has ended: ${phase}, ${phaseReason}`, {
    advice: `To go back, release the former image: \`kiln release plan --octavia --image ${start.formerImageIds[0]}\`.`,
  });
}

function startOf({ plan, fleet }: OctaviaPlan, probeSubnetId: string | null): OctaviaReleaseStart {
  const { tag, image, baseline, policy, digest, targets } = plan;
  const releaseId = randomUUID();
  const profiles = new Map(fleet.profiles.map((profile) => [profile.id, profile]));
  const flavors = new Map(fleet.flavors.map(({ id, profileId }) => [id, profiles.get(profileId)]));
  const probes = plan.probes.map(({ flavorId, zone }, index): OctaviaProbe => {
    const profile = flavorId === null ? undefined : flavors.get(flavorId);
    return {
      name: `kiln-probe-${releaseId.slice(0, 8)}-${index}`,
      provider: profile?.provider ?? fleet.loadBalancers[0]?.provider ?? 'amphora',
      flavorData: { ...profile?.data, loadbalancer_topology: 'SINGLE' },
      zone,
      subnetId: probeSubnetId ?? '',
    };
  });
  return {
    version: 1,
    releaseId,
    tag,
    image,
    formerImageIds: baseline.taggedImageIds.filter((id) => id !== image.id),
    policy,
    planDigest: digest,
    targets,
    probes: probeSubnetId === null ? [] : probes,
  };
}

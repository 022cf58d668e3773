import type { Attention, AttentionGroup, AttentionItem } from '../../model/attention.ts';
import type { OwnCertificate, TroubledCertificate } from '../../model/certificate.ts';
import type { FleetWarning } from '../../model/fleet.ts';
import type { JournalEntry, Operation } from '../../model/operation.ts';
import type { Release } from '../../model/release.ts';
import { type SilenceSurvey, type SilentAmphoraReport, silenceFindingText } from '../../model/silence.ts';
import { alarmOf } from '../tls/certificate-end.ts';

interface FirstOf<Item> {
  total: number;
  items: readonly Item[];
}

interface LoadBalancer {
  id: string;
  name: string;
  provisioningStatus: string;
  updatedAt: string;
}

/** What is summarized. */
export interface AttentionFacts {
  inError: FirstOf<LoadBalancer>;
  pending: FirstOf<LoadBalancer>;
  mixedPairs: FirstOf<LoadBalancer>;
  stalled: FirstOf<Operation>;
  /** Journals of the stalled operations. */
  entries: ReadonlyMap<string, readonly JournalEntry[]>;
  silence: SilenceSurvey;
  silent: readonly SilentAmphoraReport[];
  agentCertificates: readonly TroubledCertificate[];
  ownCertificates: readonly OwnCertificate[];
  imageWarnings: readonly FleetWarning[];
  /** Releases that have not ended. */
  releases: readonly Pick<Release, 'spec' | 'progress'>[];
  now: Date;
}

/** What needs an operator, worst first; kinds of which there is nothing are left out. Pure. */
export function summarizeAttention(facts: AttentionFacts): Attention {
  const groups = [
    breakerGroup(facts),
    holdGroup(facts),
    group('load-balancer-error', 'error', facts.inError, (one) => ({
      message: `${nameOf(one)} is in ERROR`,
      advice: 'Its newest operation says why. When the cause is gone, fail it over.',
      since: one.updatedAt,
      loadBalancerId: one.id,
    })),
    silentGroup(facts),
    group('operation-stalled', 'warning', facts.stalled, (one) => stalledItem(one, facts.entries.get(one.id) ?? [])),
    group('load-balancer-pending', 'warning', facts.pending, (one) => ({
      message: `${nameOf(one)} is ${one.provisioningStatus} for long`,
      advice: 'Its operation under way says what it waits for.',
      since: one.updatedAt,
      loadBalancerId: one.id,
    })),
    group('image', 'warning', whole(facts.imageWarnings), ({ message, advice }) => ({ message, advice, since: null })),
    certificateGroup(facts),
    group('pair-mixed', 'warning', facts.mixedPairs, (one) => ({
      message: `the two amphorae of ${nameOf(one)} run different images`,
      advice: 'Fail it over, unless a release is moving it: both amphorae are then of one image.',
      since: null,
      loadBalancerId: one.id,
    })),
  ];
  return { at: facts.now.toISOString(), groups: groups.filter(({ total }) => total > 0) };
}

type Facts = Pick<AttentionItem, 'message' | 'advice' | 'since'> & Partial<AttentionItem>;

function group<Row>(
  kind: AttentionGroup['kind'],
  severity: AttentionGroup['severity'],
  { total, items }: FirstOf<Row>,
  describe: (row: Row) => Facts,
): AttentionGroup {
  const nowhere = { loadBalancerId: null, amphoraId: null, operationId: null, releaseId: null };
  return { kind, severity, total, items: items.map((row) => ({ ...nowhere, ...describe(row) })) };
}

const whole = <Row>(items: readonly Row[]): FirstOf<Row> => ({ total: items.length, items });

/** A tenant's words, or the ID where there are none. */
const nameOf = ({ id, name }: LoadBalancer) => `load balancer ${name === '' ? id : name}`;

function breakerGroup({ silence: { breaker } }: AttentionFacts): AttentionGroup {
  return group('breaker-open', 'error', whole(breaker.openSince === null ? [] : [breaker.openSince]), (since) => ({
    message: `no amphora is failed over: ${breaker.silentCount} were silent at once (threshold ${breaker.threshold})`,
    advice:
      'Look at what they have in common: network, hosts, heartbeat settings. Failovers go on when heartbeats come back, or with `kiln health resume`.',
    since,
  }));
}

function holdGroup({ releases }: AttentionFacts): AttentionGroup {
  const holds = releases.flatMap(({ spec, progress }) => progress.holds.map((hold) => ({ spec, hold })));
  return group('release-held', 'warning', whole(holds), ({ spec, hold }) => ({
    message: `the release of ${spec.image.name || spec.image.id} does not go on: ${hold.message}`,
    advice: hold.advice,
    since: new Date(hold.sinceMs).toISOString(),
    releaseId: spec.id,
  }));
}

function silentGroup({ silence, silent }: AttentionFacts): AttentionGroup {
  return group('amphora-silent', 'error', { total: Math.max(silence.silent, silent.length), items: silent }, (one) => ({
    message: `amphora ${one.id} is silent: ${one.finding === null ? 'it was not examined yet' : silenceFindingText[one.finding]}`,
    advice:
      one.finding === 'heartbeats-lost'
        ? 'Look at the way of its UDP packets to [health_manager] bind_port: routes, security groups, heartbeat_key.'
        : 'Kiln fails it over by itself; where that does not help, its load balancer’s operations say why.',
    since: one.lastHeard,
    loadBalancerId: one.loadBalancerId,
    amphoraId: one.id,
  }));
}

function stalledItem({ id, flow, status, updatedAt, input }: Operation, entries: readonly JournalEntry[]): Facts {
  const last = entries.findLast(({ kind }) => kind !== 'note');
  const at = last ? ` at ${last.step}` : '';
  const why = last?.kind === 'stuck' ? `: ${last.reason.message}` : '';
  const { loadBalancerId } = input;
  return {
    message: `${flow} is ${status} and has not come further${at}${why}`,
    advice:
      last?.kind === 'stuck'
        ? `${last.reason.advice} It is tried again until [kiln] give_up_seconds have passed; aborting it ends it now.`
        : 'Look whether a worker is there (`kiln doctor`) and what the cloud’s services say. Aborting it ends it now.',
    since: updatedAt,
    operationId: id,
    ...(typeof loadBalancerId === 'string' ? { loadBalancerId } : {}),
  };
}

function certificateGroup({ agentCertificates, ownCertificates, now }: AttentionFacts): AttentionGroup {
  const own = ownCertificates.flatMap((one): Facts[] => {
    const alarm = alarmOf(one, now);
    if (alarm === null) return [];
    const what = { unreadable: `can't be read: ${one.problem}`, ended: 'has ended', soon: 'ends soon' }[alarm];
    const when = alarm === 'soon' ? ` (${one.notAfter})` : '';
    return [
      {
        message: `the certificate of ${one.option} ${what}${when}`,
        advice: `Issue a new one and put it in place of ${one.file}.`,
        since: null,
      },
    ];
  });
  const agents = agentCertificates.map((one): Facts => {
    const ended = one.certExpiration <= now.toISOString();
    const renewal = one.reason === null ? '' : `; its renewal failed: ${one.reason.message}`;
    return {
      message: `the certificate of amphora ${one.amphoraId}'s agent ${ended ? 'has ended' : 'ends soon'}${renewal}`,
      advice:
        one.reason?.advice ?? 'The job `rotate-certificates` renews it; `kiln housekeeping list` says how it goes.',
      since: ended ? one.certExpiration : null,
      loadBalancerId: one.loadBalancerId,
      amphoraId: one.amphoraId,
    };
  });
  return group('certificate', 'warning', whole([...own, ...agents]), (facts) => facts);
}

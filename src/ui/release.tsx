import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Get } from './api.ts';
import { createJudgements } from './judgements.ts';
import { Dialog, Facts, Id, Name, Prose, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { ReleaseErrors } from './release-errors.tsx';
import { type Instruction, InstructionQuestion, instructionsFor, needsDecision } from './release-instructions.tsx';
import { Squares } from './release-squares.tsx';
import { may, notice } from './state.ts';
import { createTargets } from './targets.ts';
import type { Judgement, Release, Target } from './wire.ts';

interface Everything {
  release: Release;
  targets: Target[];
  judgements: Judgement[];
}

interface Readers {
  judgementsOf: ReturnType<typeof createJudgements>;
  targetsOf: ReturnType<typeof createTargets>;
}

async function load(get: Get, id: string, { judgementsOf, targetsOf }: Readers): Promise<Everything> {
  const { release } = await get<{ release: Release }>(`v2/kiln/releases/${encodeURIComponent(id)}`);
  const [targets, judgements] = await Promise.all([
    targetsOf(get, release),
    release.error_comparison ? judgementsOf(release) : [],
  ]);
  return { release, targets, judgements };
}

/** One release: how far it is, what holds it, each load balancer of it, and what an operator can tell it. */
export function ReleaseDrawer({ id, onClose, onChanged }: { id: string; onClose(): void; onChanged(): void }) {
  const readers = useMemo(() => ({ judgementsOf: createJudgements(), targetsOf: createTargets() }), [id]);
  const { data, error, refresh } = usePolled(`release ${id}`, (get) => load(get, id, readers), OVERVIEW_EVERY_MS);
  const asked = useSignal<{ instruction: Instruction; release: Release } | null>(null);
  const release = data?.release;
  return (
    <Dialog
      isDrawer
      title={release ? <Name>{release.image.name || release.image.id}</Name> : 'Release'}
      onClose={onClose}
    >
      {data && release ? (
        <>
          <Stale error={error} />
          <About of={release} />
          {!release.has_ended && may('release:put_intent') && (
            <p class="buttons">
              {instructionsFor(release).map((instruction) => (
                <button
                  key={instruction.want}
                  type="button"
                  class={instruction.isDangerous ? 'danger' : ''}
                  onClick={() => {
                    asked.value = { instruction, release };
                  }}
                >
                  {instruction.title}…
                </button>
              ))}
            </p>
          )}
          <Waves of={release} />
          {release.error_comparison && <ReleaseErrors of={release.error_comparison} judgements={data.judgements} />}
          {data.targets.length > 0 && <Squares of={data.targets} />}
        </>
      ) : error?.status === 404 ? (
        <p class="card">There is no such release. Close this to see those that there are.</p>
      ) : (
        <Waiting error={error} retry={refresh} />
      )}
      {asked.value && (
        <InstructionQuestion
          of={asked.value.instruction}
          release={asked.value.release}
          onClose={(isDone) => {
            if (isDone && asked.value) notice.value = asked.value.instruction.done;
            asked.value = null;
            if (!isDone) return;
            refresh();
            onChanged();
          }}
        />
      )}
    </Dialog>
  );
}

function About({ of: one }: { of: Release }) {
  return (
    <>
      <Facts
        rows={[
          ['Phase', <Status key="p" of={one.phase} />],
          ['Wave', `${one.wave} of ${one.last_wave}`],
          ['Moved', `${(one.counts.moved ?? 0).toLocaleString()} of ${one.load_balancers.toLocaleString()}`],
          ['Failures', `${one.failures} (${one.allowed_failures} allowed)`],
          ['Tag', <Name key="t">{one.tag}</Name>],
          ['Image', <Id key="i">{one.image.id}</Id>],
          ['Started', <Time key="c" at={one.created_at} />],
          ['By', <Name key="b">{one.started_by ?? '–'}</Name>],
          ...(one.ended_at
            ? [['Ended', <Time key="e" at={one.ended_at} />] as [string, preact.ComponentChildren]]
            : []),
        ]}
      />
      <p class="quiet">
        Asked to {one.intent.want} by <bdi>{one.intent.by}</bdi>
        {one.intent.reason !== '' && (
          <>
            : <bdi>{one.intent.reason}</bdi>
          </>
        )}
      </p>
      {one.holds.map((hold) => (
        <div key={hold.code} class={`card ${needsDecision(hold) ? 'bad' : 'busy'}`}>
          <p>
            <strong>
              ▲ <Prose>{hold.message}</Prose>
            </strong>{' '}
            <span class="quiet">
              since <Time at={hold.since} />
            </span>
          </p>
          <p>
            <Prose>{hold.advice}</Prose>
          </p>
        </div>
      ))}
    </>
  );
}

function Waves({ of: { waves } }: { of: Release }) {
  return (
    <>
      <h3>Waves</h3>
      <Table label="Waves" head={['Wave', 'Good', 'Failed', 'Without data', 'Open', 'Share']}>
        {waves.map(({ wave, passed, failed, no_data: noData, open }) => {
          const all = Math.max(1, passed + failed + noData + open);
          return (
            <tr key={wave}>
              <td>{wave === 0 ? 'canary' : wave}</td>
              <td class="number">{passed.toLocaleString()}</td>
              <td class="number">{failed.toLocaleString()}</td>
              <td class="number">{noData.toLocaleString()}</td>
              <td class="number">{open.toLocaleString()}</td>
              <td>
                <span class="bar-track stacked" aria-hidden="true">
                  <span class="bar-fill current" style={{ width: `${(passed / all) * 100}%` }} />
                  {failed > 0 && <span class="bar-fill gone" style={{ width: `${(failed / all) * 100}%` }} />}
                  <span class="bar-fill behind" style={{ width: `${(noData / all) * 100}%` }} />
                </span>
              </td>
            </tr>
          );
        })}
      </Table>
    </>
  );
}

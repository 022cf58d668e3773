import { useSignal } from '@preact/signals';
import { ask } from './api.ts';
import { Dialog, Facts, Id, Name, Prose, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { type Word, WordQuestion, wordsFor } from './release-words.tsx';
import { linkTo, may, notice } from './state.ts';
import type { Release, Target } from './wire.ts';

/** So many load balancers are drawn one by one; of more, the waves say how it goes. */
const MOST_SQUARES = 500;

interface Everything {
  release: Release;
  targets: Target[];
}

async function load(id: string): Promise<Everything> {
  const of = encodeURIComponent(id);
  const { release } = await ask<{ release: Release }>('GET', `v2/kiln/releases/${of}`);
  if (release.load_balancers > MOST_SQUARES) return { release, targets: [] };
  const { targets } = await ask<{ targets: Target[] }>('GET', `v2/kiln/releases/${of}/targets?limit=${MOST_SQUARES}`);
  return { release, targets };
}

/** One release: how far it is, what holds it, each load balancer of it, and what an operator can tell it. */
export function ReleaseDrawer({ id, onClose, onChanged }: { id: string; onClose(): void; onChanged(): void }) {
  const { data, error, refresh } = usePolled(`release ${id}`, () => load(id), OVERVIEW_EVERY_MS);
  const asked = useSignal<{ word: Word; release: Release } | null>(null);
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
              {wordsFor(release).map((word) => (
                <button
                  key={word.want}
                  type="button"
                  class={word.isDangerous ? 'danger' : ''}
                  onClick={() => {
                    asked.value = { word, release };
                  }}
                >
                  {word.title}…
                </button>
              ))}
            </p>
          )}
          <Waves of={release} />
          {release.error_comparison && <Errors of={release.error_comparison} />}
          {data.targets.length > 0 && <Squares of={data.targets} />}
        </>
      ) : error?.status === 404 ? (
        <p class="card">There is no such release. Close this to see those that there are.</p>
      ) : (
        <Waiting error={error} retry={refresh} />
      )}
      {asked.value && (
        <WordQuestion
          of={asked.value.word}
          release={asked.value.release}
          onClose={(isDone) => {
            if (isDone && asked.value) notice.value = asked.value.word.done;
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
          ['Moved', `${one.counts.moved ?? 0} of ${one.load_balancers}`],
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
        Told to {one.intent.want} by <bdi>{one.intent.by}</bdi>
        {one.intent.reason !== '' && (
          <>
            : <bdi>{one.intent.reason}</bdi>
          </>
        )}
      </p>
      {one.holds.map((hold) => (
        <div key={hold.code} class="card bad">
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
              <td class="number">{passed}</td>
              <td class="number">{failed}</td>
              <td class="number">{noData}</td>
              <td class="number">{open}</td>
              <td>
                <span class="bar-track stacked" aria-hidden="true">
                  <span class="bar-fill current" style={{ width: `${(passed / all) * 100}%` }} />
                  <span class="bar-fill gone" style={{ width: `${(failed / all) * 100}%` }} />
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

/** Those that have moved beside those that have not, at the same time. */
function Errors({ of: { at, wave, moved, not_moved: notMoved, p } }: { of: NonNullable<Release['error_comparison']> }) {
  const most = Math.max(moved.error_percent, notMoved.error_percent, 0.001);
  const rows = [
    { name: 'moved', count: moved, kind: 'behind' },
    { name: 'not moved', count: notMoved, kind: 'current' },
  ];
  return (
    <>
      <h3>Request errors</h3>
      <p class="quiet">
        When {wave === 0 ? 'the canary' : `wave ${wave}`} was judged, <Time at={at} />.{' '}
        {p === null ? 'Too few connections to tell them apart.' : `By chance alone: p = ${p.toPrecision(2)}.`}
      </p>
      <Table label="Request errors" head={['Load balancers', 'Connections', 'Errors', 'Percent', 'Beside each other']}>
        {rows.map(({ name, count, kind }) => (
          <tr key={name}>
            <td>{name}</td>
            <td class="number">{count.connections.toLocaleString()}</td>
            <td class="number">{count.errors.toLocaleString()}</td>
            <td class="number">{count.error_percent.toLocaleString(undefined, { maximumFractionDigits: 3 })}</td>
            <td>
              <span class="bar-track stacked" aria-hidden="true">
                <span class={`bar-fill ${kind}`} style={{ width: `${(count.error_percent / most) * 100}%` }} />
              </span>
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

const marks: Readonly<Record<string, string>> = {
  pending: '·',
  moving: '→',
  watching: '◔',
  moved: '●',
  failed: '✖',
  skipped: '–',
  reverting: '←',
  reverted: '○',
  stuck: '✖',
};

/** One square a load balancer; each is a link and says what it is. */
function Squares({ of: targets }: { of: Target[] }) {
  return (
    <>
      <h3>Load balancers</h3>
      <p class="quiet">
        {Object.entries(marks)
          .filter(([state]) => targets.some((target) => target.state === state))
          .map(([state, mark]) => `${mark} ${state}`)
          .join('   ')}
      </p>
      <ul class="squares">
        {targets.map((target) => (
          <li key={target.load_balancer_id}>
            <a
              class={`square ${target.state}`}
              href={linkTo('load-balancers', target.load_balancer_id)}
              title={`${target.load_balancer_id}: ${target.state}${target.reason ? `, ${target.reason}` : ''}`}
            >
              <span aria-hidden="true">{marks[target.state] ?? '?'}</span>
              <span class="for-ears">
                {target.load_balancer_id}: {target.state}, wave {target.wave}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

import { useSignal } from '@preact/signals';
import { ask } from './api.ts';
import { Dialog, Facts, Id, Name, Prose, Reasoned, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { linkTo, may, notice } from './state.ts';
import type { Release, Target, Want } from './wire.ts';

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

const words: Readonly<Record<Want, { button: string; title: string; text: string; done: string }>> = {
  run: {
    button: 'Resume…',
    title: 'Resume?',
    text: 'It goes on from where it is. What held it back by an operator, or waits at a gate, is let through.',
    done: 'The release goes on.',
  },
  pause: {
    button: 'Pause…',
    title: 'Pause?',
    text: 'No further load balancer is begun; what is being moved comes to its end.',
    done: 'The release is asked to pause.',
  },
  rollback: {
    button: 'Roll back…',
    title: 'Roll back?',
    text: 'Each load balancer that was moved is taken back to the image that it had, and the tag with it.',
    done: 'The release is asked to roll back.',
  },
  abort: {
    button: 'Abort…',
    title: 'Abort?',
    text: 'It ends here. What was moved stays on the new image, the rest on the one that it has.',
    done: 'The release is asked to end.',
  },
};

/** One release: how far it is, what holds it, each load balancer of it, and what an operator can tell it. */
export function ReleaseDrawer({ id, onClose, onChanged }: { id: string; onClose(): void; onChanged(): void }) {
  const { data, error, refresh } = usePolled(`release ${id}`, () => load(id), OVERVIEW_EVERY_MS);
  const asked = useSignal<Want | null>(null);
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
              {(['pause', 'run', 'rollback', 'abort'] as const)
                .filter((want) => isOffered(want, release))
                .map((want) => (
                  <button
                    key={want}
                    type="button"
                    class={want === 'run' || want === 'pause' ? '' : 'danger'}
                    onClick={() => {
                      asked.value = want;
                    }}
                  >
                    {words[want].button}
                  </button>
                ))}
            </p>
          )}
          <Waves of={release} />
          {data.targets.length > 0 && <Squares of={data.targets} />}
        </>
      ) : error?.status === 404 ? (
        <p class="card">There is no such release. Close this to see those that there are.</p>
      ) : (
        <Waiting error={error} retry={refresh} />
      )}
      {asked.value && release && (
        <Reasoned
          title={words[asked.value].title}
          button={words[asked.value].title.replace('?', ' it')}
          isDangerous={asked.value === 'rollback' || asked.value === 'abort'}
          onClose={(isDone) => {
            if (isDone && asked.value) notice.value = words[asked.value].done;
            asked.value = null;
            if (!isDone) return;
            refresh();
            onChanged();
          }}
          act={(reason) =>
            ask('PUT', `v2/kiln/releases/${encodeURIComponent(id)}/intent`, {
              want: asked.value,
              reason,
              revision: release.intent.revision,
            })
          }
        >
          {words[asked.value].text}
        </Reasoned>
      )}
    </Dialog>
  );
}

/** What it was not told already; going on, also where something holds it that only an operator ends. */
const isOffered = (want: Want, { intent, holds }: Release): boolean =>
  want !== intent.want || (want === 'run' && holds.some(({ clears }) => clears === 'operator'));

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

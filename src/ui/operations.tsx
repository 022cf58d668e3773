import { useSignal } from '@preact/signals';
import { hasEnded } from '../model/operation.ts';
import { ask } from './api.ts';
import { Dialog, Facts, Id, Pages, Prose, Reason, Reasoned, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { goTo, linkTo, may, notice, place } from './state.ts';
import type { JournalEntry, Operation } from './wire.ts';

const PAGE = 50;

/** What is under way, or all that is kept; newest first. */
export function Operations() {
  const { id, query } = place.value;
  const which = query.get('which') === 'all' ? 'all' : 'open';
  const marker = query.get('marker') ?? '';
  const asked = new URLSearchParams({
    limit: String(PAGE),
    ...(which === 'open' ? { ended: 'false' } : {}),
    ...(marker === '' ? {} : { marker }),
  }).toString();
  const path = `v2/kiln/operations?${asked}`;
  const { data, error, refresh } = usePolled(path, (get) => get<{ operations: Operation[] }>(path), OVERVIEW_EVERY_MS);
  const here = { which: which === 'all' ? 'all' : '', marker };
  return (
    <>
      <nav class="tabs" aria-label="Which operations">
        <a class="tab" href={linkTo('operations')} aria-current={which === 'open' ? 'page' : undefined}>
          Under way
        </a>
        <a
          class="tab"
          href={linkTo('operations', null, { which: 'all' })}
          aria-current={which === 'all' ? 'page' : undefined}
        >
          All that are kept
        </a>
      </nav>
      {data ? (
        <>
          <Stale error={error} />
          {data.operations.length === 0 ? (
            <p class="card">{which === 'open' ? '● Nothing is under way.' : 'There is no operation.'}</p>
          ) : (
            <Table
              label="Operations"
              head={['Operation', 'Status', 'Load balancer', 'Asked for', 'Last change', 'Reason']}
            >
              {data.operations.map((one) => (
                <tr key={one.id}>
                  <td>
                    <a href={linkTo('operations', one.id, here)}>{one.flow}</a>
                  </td>
                  <td>
                    <Status of={one.status} />
                  </td>
                  <td>
                    {one.loadbalancer_id ? (
                      <a href={linkTo('load-balancers', one.loadbalancer_id)}>
                        <Id>{one.loadbalancer_id}</Id>
                      </a>
                    ) : (
                      '–'
                    )}
                  </td>
                  <td>
                    <Time at={one.created_at} />
                  </td>
                  <td>
                    <Time at={one.updated_at} />
                  </td>
                  <td>{one.reason?.code ?? '–'}</td>
                </tr>
              ))}
            </Table>
          )}
          <Pages
            marker={marker}
            last={data.operations.length === PAGE ? (data.operations.at(-1)?.id ?? null) : null}
            link={(behind) => linkTo('operations', null, { which: here.which, marker: behind })}
          />
        </>
      ) : (
        <Waiting error={error} retry={refresh} />
      )}
      {id !== null && (
        <OperationDrawer key={id} id={id} onClose={() => goTo(linkTo('operations', null, here))} onChanged={refresh} />
      )}
    </>
  );
}

function OperationDrawer({ id, onClose, onChanged }: { id: string; onClose(): void; onChanged(): void }) {
  const path = `v2/kiln/operations/${encodeURIComponent(id)}`;
  const { data, error, refresh } = usePolled(
    path,
    (get) => get<{ operation: Operation & { journal: JournalEntry[] } }>(path),
    OVERVIEW_EVERY_MS,
  );
  const asksAbort = useSignal(false);
  const one = data?.operation;
  const isEnded = one !== undefined && hasEnded(one.status);
  return (
    <Dialog isDrawer title={one?.flow ?? 'Operation'} onClose={onClose}>
      {one ? (
        <>
          <Stale error={error} />
          <Facts
            rows={[
              ['Status', <Status key="s" of={one.status} />],
              ['ID', <Id key="i">{one.id}</Id>],
              [
                'Load balancer',
                one.loadbalancer_id ? (
                  <a key="l" href={linkTo('load-balancers', one.loadbalancer_id)}>
                    <Id>{one.loadbalancer_id}</Id>
                  </a>
                ) : (
                  '–'
                ),
              ],
              ['Asked for', <Time key="c" at={one.created_at} />],
              ['Last change', <Time key="u" at={one.updated_at} />],
              ['Worker', one.worker ?? 'none'],
            ]}
          />
          {one.reason && <Reason of={one.reason} />}
          <Journal of={one.journal} />
          {!isEnded && may('operation:post_abort') && (
            <p>
              <button
                type="button"
                class="danger"
                onClick={() => {
                  asksAbort.value = true;
                }}
              >
                Abort…
              </button>
            </p>
          )}
        </>
      ) : error?.status === 404 ? (
        <p class="card">There is no such operation: what has ended is kept for a while only.</p>
      ) : (
        <Waiting error={error} retry={refresh} />
      )}
      {asksAbort.value && (
        <Reasoned
          title="Abort?"
          button="Abort the operation"
          isDangerous
          onClose={(isDone) => {
            asksAbort.value = false;
            if (!isDone) return;
            notice.value = 'The operation is aborted.';
            refresh();
            onChanged();
          }}
          act={(reason) => ask('POST', `${path}/abort`, { reason })}
        >
          <p>
            Nothing more is done or undone. What it had pending is in ERROR; then fail the load balancer over, or delete
            it. What is left behind in the cloud is named here.
          </p>
        </Reasoned>
      )}
    </Dialog>
  );
}

/** Each entry in the order in which it was written. */
function Journal({ of: entries }: { of: JournalEntry[] }) {
  return (
    <>
      <h3>Journal</h3>
      {entries.length === 0 && <p class="quiet">Nobody has begun it yet.</p>}
      <ol class="journal">
        {entries.map((entry, index) => (
          <li key={index}>
            <code>{entry.step}</code>{' '}
            {entry.kind === 'note' ? <Prose>{entry.message ?? ''}</Prose> : <Status of={entry.kind} />}
            {entry.reason && (
              <p class="quiet">
                <Prose>{entry.reason.message}</Prose>
              </p>
            )}
            {entry.leftovers.map((left) => (
              <p key={`${left.kind} ${left.id}`} class="quiet">
                left behind: {left.kind} <Id>{left.id ?? left.name ?? 'unknown'}</Id>
              </p>
            ))}
          </li>
        ))}
      </ol>
    </>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { events, streamError, useEventStream } from './event-stream.ts';
import { plural, visible } from './format.ts';
import { Prose, Stale, Table, Time } from './parts.tsx';
import { aside, goTo, linkTo, place } from './state.ts';
import type { KilnEvent } from './wire.ts';

/** So many rows at first, and more at a time: a table of hundreds takes longer to lay out than a frame. */
const ROWS = 50;
const sources = { release: 'Releases', operation: 'Operations', tag: 'Tags of images' } as const;

/** What happens, as it happens; newest first, with a filter. */
export function Events() {
  useEventStream();
  const { query } = place.value;
  const text = query.get('q') ?? '';
  const source = query.get('source') ?? '';
  /** Filters at once; the URL has it once it is confirmed. */
  const typed = useSignal(text);
  useEffect(() => {
    typed.value = text;
  }, [text]);
  /** What is shown while the list is held still; null: it moves. */
  const still = useSignal<readonly KilnEvent[] | null>(null);
  const all = still.value ?? events.value;
  const rows = useSignal(ROWS);
  const shown = all.filter((event) => isAbout(event, typed.value.trim()) && (source === '' || event.source === source));
  const [newest] = shown;
  const isLive = still.value === null;

  useEffect(() => {
    if (isLive && newest) aside.value = `Newest event: ${sentence(newest)}`;
    return () => {
      aside.value = '';
    };
  }, [isLive, newest?.id]);

  const change = (query: Record<string, string>) => goTo(linkTo('events', null, { q: text, source, ...query }));
  return (
    <>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <label>
          Filter <small>(any word, name or ID in it)</small>
          <input
            type="search"
            name="q"
            value={typed.value}
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
            onChange={() => change({ q: typed.value.trim() })}
          />
        </label>
        <label>
          Source
          <select value={source} onChange={(event) => change({ source: event.currentTarget.value })}>
            <option value="">everything</option>
            {Object.entries(sources).map(([name, title]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="plain"
          onClick={() => {
            still.value = isLive ? events.value : null;
          }}
        >
          {isLive ? 'Hold still' : `Go on (${plural(events.value.length - all.length, 'new', 'new')})`}
        </button>
      </form>
      <Stale error={streamError.value} />
      {all.length === 0 && streamError.value ? (
        <p class="card bad" role="alert">
          <strong>{streamError.value.message}</strong> It is tried again by itself.
        </p>
      ) : shown.length === 0 ? (
        <p class="card">
          {all.length === 0
            ? 'Nothing has happened yet. What happens appears here by itself.'
            : 'No event is like that.'}
        </p>
      ) : (
        <Table label="Events" head={['When', 'What', 'Why', 'About']}>
          {shown.slice(0, rows.value).map((event) => (
            <tr key={event.id}>
              <td>
                <Time at={event.at} />
              </td>
              <td>
                <bdi>{sentence(event)}</bdi>
              </td>
              <td>{event.reason === '' ? '–' : <Prose>{event.reason}</Prose>}</td>
              <td>
                <About of={event} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {shown.length > rows.value && (
        <p>
          <button
            type="button"
            class="plain"
            onClick={() => {
              rows.value += ROWS;
            }}
          >
            Show more of {plural(shown.length - rows.value, 'older one')}
          </button>
        </p>
      )}
    </>
  );
}

function About({ of: event }: { of: KilnEvent }) {
  const links = [
    ['load-balancers', event.load_balancer_id, 'Load balancer'],
    ['releases', event.release_id, 'Release'],
    ['operations', event.operation_id, 'Operation'],
  ] as const;
  return (
    <span class="links">{links.map(([view, id, title]) => id !== null && <a href={linkTo(view, id)}>{title}</a>)}</span>
  );
}

const releaseKinds: Readonly<Record<string, string>> = {
  created: 'it is started',
  hold: 'something holds it',
  'hold-cleared': 'a hold is over',
  probe: 'its image is tried',
  sample: 'a wave is measured before it moves',
  move: 'a load balancer moves',
  watch: 'a load balancer has moved, and is watched',
  judge: 'a load balancer is judged',
  later: 'a load balancer is tried again later',
  fail: 'a load balancer failed',
  skip: 'a load balancer is left out',
  join: 'new load balancers join it',
  revert: 'a load balancer is taken back',
  reverted: 'a load balancer is back',
  stuck: 'a load balancer can’t be taken back',
  tagAdd: 'an image gets the tag',
  tagRemove: 'an image loses the tag',
  reject: 'its image is rejected',
};

/** What happened, in words; names in it can turn nothing around. */
function sentence({ source, kind, actor, data }: KilnEvent): string {
  const text = (name: string) => visible(String(data[name] ?? ''));
  switch (source) {
    case 'operation':
      return `${text('flow')} ${{ queued: 'is asked for', done: 'is done', undone: 'was undone' }[kind] ?? kind}`;
    case 'tag': {
      const image = text('image_name') || text('image_id');
      return `${image} ${kind === 'tagged' ? 'got' : 'lost'} the tag ${text('tag')}`;
    }
    case 'release':
      if (kind === 'intent') return `release: ${visible(actor ?? '')} wants it to ${text('want')}`;
      if (kind === 'phase') return `release: it is ${text('phase')}`;
      return `release: ${releaseKinds[kind] ?? visible(kind)}${kind === 'hold' ? ` (${text('code')})` : ''}`;
  }
}

function isAbout(event: KilnEvent, text: string): boolean {
  const wanted = text.toLowerCase();
  return `${sentence(event)} ${JSON.stringify(event)}`.toLowerCase().includes(wanted);
}

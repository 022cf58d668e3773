import { useSignal } from '@preact/signals';
import type { ComponentChildren, GenericEventHandler, SubmitEventHandler } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { ApiError } from './api.ts';
import { formatAge, formatLocal, formatUtc, parseTime, readProse } from './format.ts';
import { linkTo, now, place } from './state.ts';

type Tone = 'good' | 'busy' | 'bad' | 'off';

const tones: Readonly<Record<string, Tone>> = {
  ACTIVE: 'good',
  ONLINE: 'good',
  ALLOCATED: 'good',
  READY: 'good',
  done: 'good',
  ERROR: 'bad',
  undone: 'bad',
  failed: 'bad',
  left: 'bad',
  DEGRADED: 'busy',
  BOOTING: 'busy',
  running: 'busy',
  started: 'busy',
  stuck: 'busy',
  undoing: 'busy',
  queued: 'busy',
  planned: 'busy',
  probing: 'busy',
  canary: 'busy',
  tagging: 'busy',
  rolling: 'busy',
  'rolling-back': 'busy',
  completed: 'good',
  'rolled-back': 'off',
  aborted: 'bad',
  rejected: 'bad',
  DRAINING: 'busy',
};
const shapes: Readonly<Record<Tone, string>> = { good: '●', busy: '◆', bad: '✖', off: '○' };

/** A status as shape, word and colour: any one of them is enough. */
export function Status({ of, tone }: { of: string; tone?: Tone }) {
  const known = tone ?? (of.startsWith('PENDING') ? 'busy' : (tones[of] ?? 'off'));
  return (
    <span class={`status ${known}`}>
      <span aria-hidden="true">{shapes[known]}</span> {of}
    </span>
  );
}

/** In the reader's zone, with its age; UTC on hover. */
export function Time({ at, none = '–' }: { at: string | null; none?: string }) {
  if (at === null) return <>{none}</>;
  const time = parseTime(at);
  if (Number.isNaN(time.getTime())) return <>{at}</>;
  return (
    <time dateTime={time.toISOString()} title={formatUtc(time)}>
      {formatLocal(time, now.value)} <small>({formatAge(time, now.value)})</small>
    </time>
  );
}

/** What somebody else has named: text that can't rearrange what is beside it. */
export const Name = ({ children }: { children: string }) => <bdi class="name">{children}</bdi>;

/** A text of Kiln's own, with commands and times in it. */
export const Prose = ({ children }: { children: string }) => (
  <bdi>
    {readProse(children).map(({ kind, text }, index) =>
      kind === 'code' ? <code key={index}>{text}</code> : kind === 'time' ? <Time key={index} at={text} /> : text,
    )}
  </bdi>
);

export const Id = ({ children }: { children: string }) => <code class="id">{children}</code>;

/** Before the first answer, when there is none, and what to do then. */
export function Waiting({ error, retry }: { error: ApiError | null; retry(): void }) {
  if (!error) return <p class="quiet">Loading…</p>;
  return (
    <div class="card bad" role="alert">
      <p>
        <strong>{error.message}</strong>
      </p>
      {error.status === 400 ? (
        <p>
          What this address asks for is not there any more. <a href={linkTo(place.value.view)}>Go to the first page</a>.
        </p>
      ) : (
        <>
          <p>
            {error.status === 403
              ? 'Ask an administrator for a role, or sign in for another project.'
              : 'It is tried again by itself.'}
          </p>
          <button type="button" onClick={retry}>
            Try now
          </button>
        </>
      )}
    </div>
  );
}

/** What is shown is not of now. */
export function Stale({ error }: { error: ApiError | null }) {
  if (!error || error.status === 0) return null;
  return <p class="note bad">Not up to date: {error.message}</p>;
}

/** Why something did not come about, and what to do. */
export function Reason({ of: { message, advice } }: { of: { message: string; advice: string } }) {
  return (
    <div class="card bad">
      <p>
        <strong>
          <Prose>{message}</Prose>
        </strong>
      </p>
      <p>
        <Prose>{advice}</Prose>
      </p>
    </div>
  );
}

/** What was answered to something that was asked for; nothing where it was done. */
export function Refusal({ text }: { text: string | null }) {
  if (!text) return null;
  return (
    <p class="note bad" role="alert">
      {text}
    </p>
  );
}

/** @param link to the page behind the item of that ID; '': the first one. */
export function Pages({
  marker,
  last,
  link,
}: {
  marker: string;
  /** The last item of a full page; null: it is the last page. */
  last: string | null;
  link(marker: string): string;
}) {
  return (
    <nav class="pages" aria-label="Pages">
      {marker !== '' && <a href={link('')}>First page</a>}
      {last !== null && <a href={link(last)}>Next page</a>}
    </nav>
  );
}

/** A table that scrolls by itself where it is wider than the screen. */
export function Table({ label, head, children }: { label: string; head: string[]; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has only a keyboard scrolls it.
    <section class="scroll" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** Name and value, one below the other. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Over the page until it is closed: by its button, Escape, or a click beside it. The browser keeps the focus inside. */
export function Dialog({
  title,
  isDrawer = false,
  onClose,
  children,
}: {
  title: ComponentChildren;
  isDrawer?: boolean;
  onClose(): void;
  children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const label = useId();
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  const onCancel: GenericEventHandler<HTMLDialogElement> = (event) => {
    // Of a dialog inside this one it is no business.
    if (event.target !== element.current) return;
    event.preventDefault();
    onClose();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it as well.
    <dialog
      ref={element}
      class={isDrawer ? 'drawer' : 'question'}
      aria-labelledby={label}
      onCancel={onCancel}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div class="inside">
        <header>
          <h2 id={label}>{title}</h2>
          <button type="button" class="plain" aria-label="Close" onClick={onClose}>
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Asks why, then does it. */
export function Reasoned(props: {
  title: string;
  button: string;
  isDangerous: boolean;
  /** Rejects with what to show. */
  act(reason: string): Promise<unknown>;
  onClose(isDone: boolean): void;
  children: ComponentChildren;
}) {
  const { title, button, isDangerous, act, onClose, children } = props;
  const error = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const id = useId();
  const onSubmit: SubmitEventHandler<HTMLFormElement> = (event) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get('reason') ?? '').trim();
    if (reason === '') {
      error.value = 'Say why: whoever looks later will want to know.';
      return;
    }
    isBusy.value = true;
    act(reason).then(
      () => onClose(true),
      (thrown: unknown) => {
        error.value = thrown instanceof ApiError ? thrown.message : String(thrown);
        isBusy.value = false;
      },
    );
  };
  return (
    <Dialog title={title} onClose={() => onClose(false)}>
      {children}
      <form onSubmit={onSubmit}>
        <p class="field">
          <label htmlFor={id}>Why</label>
          <input id={id} name="reason" maxLength={255} required autoComplete="off" />
        </p>
        <Refusal text={error.value} />
        <p class="actions">
          <button type="button" class="plain" onClick={() => onClose(false)}>
            Leave it
          </button>
          <button type="submit" class={isDangerous ? 'danger' : ''} disabled={isBusy.value}>
            {button}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

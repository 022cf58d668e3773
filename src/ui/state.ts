import { computed, signal } from '@preact/signals';
import type { Permissions } from './wire.ts';

export interface Session {
  /** In this page's memory alone: it is gone on reload. */
  token: string;
  expiresAt: Date;
  permissions: Permissions;
}

export const session = signal<Session | null>(null);

/** Why one has to sign in again; null at first. */
export const signedOut = signal<string | null>(null);

/** Whether the server answers. */
export const connection = signal<'fine' | 'lost' | 'restored'>('fine');

/** What was done last, for everybody to see and hear. */
export const notice = signal<string | null>(null);

/** What is heard, and not shown: what happens in what is looked at. */
export const aside = signal('');

/** Moves on now and then, so that ages do. */
export const now = signal(new Date());

/** What the policies let the reader do; what they don't is not offered. */
export const may = (action: string): boolean => session.value?.permissions.actions.includes(action) ?? false;

/** The place in the page, by the URL's fragment: `#/load-balancers/ID?status=ERROR`. */
export interface Place {
  view: string;
  id: string | null;
  query: URLSearchParams;
}

const fragment = signal(location.hash);

const codeIn = (hash: string): string | null => /^#code=([\w-]+)$/.exec(hash)?.[1] ?? null;

/** The code of an address that `kiln ui` has printed; it leaves the address bar and the history at once. */
export function takeCode(): string | null {
  const code = codeIn(fragment.value);
  if (code === null) return null;
  history.replaceState(null, '', location.pathname);
  fragment.value = '';
  return code;
}

/** In a path these mean another one. */
const noIds: ReadonlySet<string> = new Set(['', '.', '..']);

export const place = computed<Place>(() => {
  const [path = '', query = ''] = fragment.value.replace(/^#\/?/, '').split('?', 2);
  const [view = '', id = null] = path.split('/').map(decode);
  return { view, id: id !== null && noIds.has(id) ? null : id, query: new URLSearchParams(query) };
});

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The fragment of a place. */
export function linkTo(view: string, id: string | null = null, query: Record<string, string> = {}): string {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${view}${id === null ? '' : `/${encodeURIComponent(id)}`}${asked === '' ? '' : `?${asked}`}`;
}

export function goTo(link: string): void {
  location.hash = link;
}

/** From now on the page follows the URL, the network and the clock. */
export function follow(): void {
  addEventListener('hashchange', () => {
    // Another address of `kiln ui`, opened in this window: from the start.
    if (codeIn(location.hash) !== null) location.reload();
    else fragment.value = location.hash;
  });
  setInterval(() => {
    now.value = new Date();
  }, 5_000);
}

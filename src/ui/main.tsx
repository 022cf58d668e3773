/** The page: who has signed in sees what the policies let them see, and the URL's fragment says which view. */
import { type ComponentChildren, render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AmphoraView } from './amphora.tsx';
import { signOut, signsInBy } from './api.ts';
import { Attention } from './attention.tsx';
import { Events } from './events.tsx';
import { Fleet } from './fleet.tsx';
import { LoadBalancers } from './load-balancers.tsx';
import { Operations } from './operations.tsx';
import { Releases } from './releases.tsx';
import { SignIn, SignInByAddress } from './sign-in.tsx';
import { aside, connection, follow, goTo, linkTo, may, notice, place, session } from './state.ts';

interface View {
  name: string;
  title: string;
  /** What the policies have to allow. */
  action: string;
  View(): ComponentChildren;
  isHidden?: true;
}

/** In the order of the navigation. Only those are offered whose action the policies allow. */
const views: readonly View[] = [
  { name: 'attention', title: 'Attention', action: 'attention:get_one', View: Attention },
  { name: 'fleet', title: 'Fleet', action: 'fleet:get_one', View: Fleet },
  { name: 'releases', title: 'Releases', action: 'release:get_all', View: Releases },
  { name: 'load-balancers', title: 'Load balancers', action: 'loadbalancer:get_all', View: LoadBalancers },
  { name: 'operations', title: 'Operations', action: 'operation:get_all', View: Operations },
  { name: 'events', title: 'Events', action: 'event:get_all', View: Events },
  // Reached by links.
  { name: 'amphorae', title: 'Amphora', action: 'amphora:get_all', View: AmphoraView, isHidden: true },
];

const isInNavigation = ({ isHidden }: View) => !isHidden;

/** How long what was done stands there. */
const NOTICE_MS = 8_000;
/** A live region speaks no more often. */
const SPEAK_EVERY_MS = 5_000;

function App() {
  return (
    <>
      <Messages />
      {session.value ? <SignedIn /> : signsInBy === 'address' ? <SignInByAddress /> : <SignIn />}
    </>
  );
}

function SignedIn() {
  const offered = views.filter(({ action }) => may(action));
  const wanted = views.find(({ name }) => name === place.value.view);
  const current = wanted ?? offered[0];
  const isAllowed = current !== undefined && offered.includes(current);
  const isUnknown = wanted === undefined && place.value.view !== '';
  useEffect(() => {
    if (isUnknown) goTo('#/');
  }, [isUnknown]);
  const { permissions } = session.value ?? {};
  const title = current?.title ?? 'Nothing';
  useEffect(() => {
    document.title = `${title} · Kiln`;
  }, [title]);
  const who = permissions?.system_scope ? 'whole cloud' : (permissions?.project_name ?? permissions?.project_id ?? '');
  return (
    <>
      <header class="top">
        <span class="brand">Kiln</span>
        <nav aria-label="Views">
          {offered.filter(isInNavigation).map(({ name, title }) => (
            <a key={name} class="tab" href={linkTo(name)} aria-current={name === current?.name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <span class="who">
          <bdi>{permissions?.user_name ?? ''}</bdi> in <bdi>{who}</bdi>
        </span>
        <button type="button" class="plain" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main>
        <h1>{title}</h1>
        {!current ? (
          <p class="card">
            The policies let you see nothing in this project. Sign out and choose another one, or ask an administrator
            for the role <code>reader</code> or <code>member</code>.
          </p>
        ) : isAllowed ? (
          !isUnknown && <current.View />
        ) : (
          <p class="card bad">
            Your roles in this project do not let you see this. Choose another view above, or sign out and choose
            another project.
          </p>
        )}
      </main>
    </>
  );
}

const said = {
  fine: null,
  lost: 'The server does not answer. It is tried again by itself; what you see is of before.',
  restored: 'The server answers again.',
} as const;

/** What happened, to be seen and heard. */
function Messages() {
  const text = said[connection.value] ?? notice.value;
  useEffect(() => {
    if (text === null || connection.value === 'lost') return;
    const timer = setTimeout(() => {
      notice.value = null;
      if (connection.value === 'restored') connection.value = 'fine';
    }, NOTICE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const spoken = useSeldom(text ?? aside.value);
  return (
    <>
      {text !== null && <p class={`toast ${connection.value === 'lost' ? 'bad' : 'good'}`}>{text}</p>}
      <p class="for-ears" role="status">
        {spoken}
      </p>
    </>
  );
}

/** The text, but no new one sooner than some seconds after the one before. */
function useSeldom(text: string): string {
  const [spoken, setSpoken] = useState('');
  // Of this moment: an effect may run behind a timer that it is to clear.
  const spokenAtMs = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    if (text === spoken) return;
    const wait = Math.max(0, spokenAtMs.current + SPEAK_EVERY_MS - performance.now());
    const timer = setTimeout(() => {
      spokenAtMs.current = performance.now();
      setSpoken(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text, spoken]);
  return spoken;
}

follow();
const root = document.getElementById('app');
if (root) {
  root.textContent = '';
  render(<App />, root);
}

import { useSignal } from '@preact/signals';
import type { SubmitEventHandler } from 'preact';
import { useEffect, useId } from 'preact/hooks';
import { ApiError, type Credentials, signIn } from './api.ts';
import { Refusal } from './parts.tsx';
import { signedOut, takeCode } from './state.ts';
import type { SignedIn } from './wire.ts';

/** The form in front of everything else, and the choice of a project where there are several. */
export function SignIn() {
  const method = useSignal<'password' | 'application-credential'>('password');
  const error = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const known = useSignal<SignedIn | null>(null);

  async function attempt(credentials: Credentials): Promise<void> {
    isBusy.value = true;
    error.value = null;
    try {
      const signedIn = await signIn(credentials);
      known.value = signedIn.projects.length > 0 ? signedIn : null;
    } catch (thrown) {
      error.value = thrown instanceof ApiError ? thrown.message : String(thrown);
      if (credentials.method === 'token') known.value = null;
    } finally {
      isBusy.value = false;
    }
  }

  const onSubmit: SubmitEventHandler<HTMLFormElement> = (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const field = (name: string) => String(fields.get(name) ?? '');
    void attempt(
      method.value === 'password'
        ? { method: 'password', user_name: field('user'), user_domain: field('domain'), password: field('password') }
        : { method: 'application-credential', id: field('id'), secret: field('secret') },
    );
  };

  return (
    <main class="sign-in">
      <h1>Kiln</h1>
      {signedOut.value && <p class="note">{signedOut.value}</p>}
      <Refusal text={error.value} />
      {known.value ? (
        <Projects of={known.value} isBusy={isBusy.value} choose={attempt} />
      ) : (
        <form onSubmit={onSubmit}>
          <fieldset class="choice">
            <legend>Sign in with</legend>
            {(['password', 'application-credential'] as const).map((one) => (
              <label key={one}>
                <input
                  type="radio"
                  name="method"
                  checked={method.value === one}
                  onChange={() => {
                    method.value = one;
                  }}
                />
                {one === 'password' ? 'a password' : 'an application credential'}
              </label>
            ))}
          </fieldset>
          {method.value === 'password' ? (
            <>
              <Field label="User" name="user" autoComplete="username" />
              <Field label="Domain of the user" name="domain" value="Default" />
              <Field label="Password" name="password" isSecret autoComplete="current-password" />
            </>
          ) : (
            <>
              <Field label="ID of the application credential" name="id" />
              <Field label="Secret" name="secret" isSecret autoComplete="off" />
            </>
          )}
          <button type="submit" class="wide" disabled={isBusy.value}>
            {isBusy.value ? 'Asking Keystone…' : 'Sign in'}
          </button>
        </form>
      )}
      <p class="quiet">
        Kiln hands what you type to Keystone and keeps none of it. Your token is in this page’s memory alone: it is gone
        when you reload.
      </p>
    </main>
  );
}

/** Once: a code that was used is good for nothing. */
const code = takeCode();
const entry = code === null ? null : signIn({ method: 'code', code });

/** Of `kiln ui`: the address has signed in, or there is another one to open. */
export function SignInByAddress() {
  const error = useSignal<string | null>(null);
  const isBusy = useSignal(entry !== null);
  useEffect(() => {
    entry
      ?.catch((thrown: unknown) => {
        error.value = thrown instanceof ApiError ? thrown.message : String(thrown);
      })
      .finally(() => {
        isBusy.value = false;
      });
  }, [error, isBusy]);
  return (
    <main class="sign-in">
      <h1>Kiln</h1>
      {signedOut.value && <p class="note">{signedOut.value}</p>}
      <Refusal text={error.value} />
      {isBusy.value ? (
        <p class="quiet">Signing in…</p>
      ) : (
        <p>
          Open the latest address that <code>kiln ui</code> has printed: each is good for one window. It is forgotten
          when you reload or sign out.
        </p>
      )}
    </main>
  );
}

function Field(field: { label: string; name: string; isSecret?: boolean; value?: string; autoComplete?: string }) {
  const { label, name, isSecret = false, value = '', autoComplete = 'off' } = field;
  const id = useId();
  const shared = { id, name, defaultValue: value, autoComplete, spellcheck: false, required: true };
  return (
    <p class="field">
      <label htmlFor={id}>{label}</label>
      {isSecret ? <input type="password" {...shared} /> : <input type="text" autoCapitalize="none" {...shared} />}
    </p>
  );
}

function Projects(props: { of: SignedIn; isBusy: boolean; choose(credentials: Credentials): Promise<void> }) {
  const { of, isBusy, choose } = props;
  return (
    <>
      <h2>Which project?</h2>
      <ul class="projects">
        {of.projects.map(({ id, name }) => (
          <li key={id}>
            <button
              type="button"
              class="wide"
              disabled={isBusy}
              onClick={() => void choose({ method: 'token', token: of.token, project_id: id })}
            >
              <bdi>{name}</bdi>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

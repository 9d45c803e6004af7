import { useSignal } from '@preact/signals';
import { type Failure } from '../api/attempt.ts';
import { type Text, text } from '../shared/language.ts';
import { Dialog } from './parts/Dialog.tsx';
import { Field } from './parts/Field.tsx';
import { ProblemNotice } from './parts/ProblemNotice.tsx';
import { signIn, signOut } from './session.ts';

const KEY: Text = { ko: 'API 키', en: 'API key' };
const HINT: Text = {
  ko: 'viewer, operator 또는 admin 역할의 키, ADMIN_TOKEN, 또는 운영자의 토큰',
  en: 'A key with the role viewer, operator or admin, the ADMIN_TOKEN, or the token of an operator',
};
const SIGN_IN: Text = { ko: '로그인', en: 'Sign in' };
const AGAIN: Text = { ko: '다시 로그인해 주세요', en: 'Please sign in again' };
const OVER: Text = {
  ko: '로그인이 만료되었습니다. 이 페이지와 입력한 내용은 그대로 남아 있습니다.',
  en: 'Your session has ended. This page, and what you have typed, stay as they are.',
};
const LEAVE: Text = { ko: '로그아웃', en: 'Sign out' };

/** What is shown before anybody has signed in. */
export function SignIn({ title }: { readonly title: Text }) {
  return (
    <div class="panel sign-in">
      <h1>{text(title)}</h1>
      <SignInForm />
    </div>
  );
}

/** Over the page whose session has ended, so that nothing of it is lost. */
export function SignInAgain() {
  return (
    <Dialog title={AGAIN} onClose={null}>
      <p>{text(OVER)}</p>
      <SignInForm>
        <button type="button" onClick={() => void signOut()}>
          {text(LEAVE)}
        </button>
      </SignInForm>
    </Dialog>
  );
}

function SignInForm({ children }: { readonly children?: preact.ComponentChildren }) {
  const key = useSignal('');
  const failure = useSignal<Failure | null>(null);
  const isBusy = useSignal(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (key.value.trim() === '' || isBusy.value) return;
    isBusy.value = true;
    failure.value = await signIn(key.value.trim());
    isBusy.value = false;
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <Field label={KEY} hint={HINT}>
        {(attributes) => (
          <input
            {...attributes}
            type="password"
            name="key"
            autocomplete="current-password"
            required
            autofocus
            value={key.value}
            onInput={({ currentTarget }) => (key.value = currentTarget.value)}
          />
        )}
      </Field>
      <ProblemNotice failure={failure.value} isSignIn />
      <div class="actions">
        <button type="submit" class="primary" disabled={isBusy.value}>
          {text(SIGN_IN)}
        </button>
        {children}
      </div>
    </form>
  );
}

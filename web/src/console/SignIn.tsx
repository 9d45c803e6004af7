import { useSignal } from '@preact/signals';
import { codeOf, type Failure } from '../api/attempt.ts';
import { fitsHeader } from '../shared/header-text.ts';
import { number, type Text, text } from '../shared/language.ts';
import { Dialog } from './parts/Dialog.tsx';
import { Field } from './parts/Field.tsx';
import { ProblemNotice } from './parts/ProblemNotice.tsx';
import { signIn, signOut } from './session.ts';

const KEY: Text = { ko: 'API 키', en: 'API key' };
const HINT: Text = {
  ko: '이 서비스의 관리자에게 받은 키를 그대로 붙여 넣으세요. 키가 없으면 관리자에게 요청하세요. ADMIN_TOKEN과 운영자의 토큰도 쓸 수 있습니다.',
  en: 'Paste the key that an admin of this service has given you; without one, ask for it. The ADMIN_TOKEN and the token of an operator work, too.',
};
const NO_KEY: Text = {
  ko: '키에 쓸 수 없는 글자가 있습니다. 한/영 전환을 확인해 주세요.',
  en: 'The key has a character that no key has. Is the keyboard set to English?',
};
const WRONG: Text = {
  ko: '서비스가 모르는 키입니다. 빠진 글자가 없는지, 만료되거나 폐기된 키는 아닌지 확인해 주세요.',
  en: 'This key is wrong. Check that it is whole, and that it has not expired or been revoked.',
};
const TOO_OFTEN: Text = {
  ko: '잘못된 키가 너무 여러 번 입력되었습니다. {n}초 뒤에 다시 시도해 주세요.',
  en: 'Too many wrong keys were tried. Try again in {n} s.',
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
  const isNoKey = useSignal(false);
  const isBusy = useSignal(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const typed = key.value.trim();
    if (typed === '' || isBusy.value) return;
    isNoKey.value = !fitsHeader(typed);
    if (isNoKey.value) {
      failure.value = null;
      return;
    }
    isBusy.value = true;
    failure.value = await signIn(typed);
    isBusy.value = false;
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <Field label={KEY} hint={HINT} mistake={isNoKey.value ? text(NO_KEY) : undefined}>
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
      <ProblemNotice failure={failure.value} isSignIn detail={detailOf(failure.value)} />
      <div class="actions">
        <button type="submit" class="primary" disabled={isBusy.value}>
          {text(SIGN_IN)}
        </button>
        {children}
      </div>
    </form>
  );
}

/** What the page knows more exactly than the API, which does not know that somebody is signing in. */
function detailOf(failure: Failure | null) {
  const code = codeOf(failure);
  if (code === 'unauthorized') return <p>{text(WRONG)}</p>;
  if (code !== 'too-many-requests' || failure?.kind !== 'refused' || failure.retryAfter === undefined) return undefined;
  return <p>{text(TOO_OFTEN, { n: number(failure.retryAfter) })}</p>;
}

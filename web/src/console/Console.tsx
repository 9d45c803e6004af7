import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { codeOf, type Failure } from '../api/attempt.ts';
import { type Text, text } from '../shared/language.ts';
import { LanguageSwitch } from '../shared/LanguageSwitch.tsx';
import './console.css';
import { watchForNewerBuild } from '../shared/newer-build.ts';
import { Navigation } from './Navigation.tsx';
import { Outdated } from './Outdated.tsx';
import { PageMissing } from './PageMissing.tsx';
import { pageWasOpened } from './parts/Page.tsx';
import { ProblemNotice } from './parts/ProblemNotice.tsx';
import { CONSOLE, consolePath } from './paths.ts';
import { ROUTES } from './routes.tsx';
import { findSession, session } from './session.ts';
import { SignIn, SignInAgain } from './SignIn.tsx';

const TITLE: Text = { ko: '쿠폰 콘솔', en: 'Coupon console' };
const RETRY: Text = { ko: '다시 시도', en: 'Try again' };
const SIGN_IN: Text = { ko: 'ADMIN_TOKEN으로 로그인', en: 'Sign in with ADMIN_TOKEN' };
const SKIP: Text = { ko: '본문으로 건너뛰기', en: 'Skip to the page' };

export function Console() {
  useEffect(() => {
    void findSession();
    return watchForNewerBuild('console');
  }, []);
  const { kind } = session.value;
  if (kind === 'asking') return <div class="console-empty" aria-busy="true" />;
  if (kind === 'unknown') return <Unknown failure={session.value.failure} />;
  if (kind === 'out') return <SignedOut />;
  return (
    <LocationProvider scope={CONSOLE}>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        {text(SKIP)}
      </button>
      <div class="console">
        <Navigation title={text(TITLE)} />
        <main id="content" tabIndex={-1}>
          <Outdated />
          <Router onRouteChange={pageWasOpened}>
            {ROUTES.map(({ path, page }) => (
              <Route key={path} path={consolePath(path)} component={page} />
            ))}
            <Route path={CONSOLE} component={Start} />
            <Route default component={PageMissing} />
          </Router>
        </main>
      </div>
      {kind === 'over' && <SignInAgain />}
    </LocationProvider>
  );
}

/** The console opens with the first page of the navigation. */
function Start() {
  const { route } = useLocation();
  useEffect(() => route(consolePath(ROUTES[0]?.path ?? '/'), true), [route]);
  return null;
}

/** The service cannot say whether the browser is signed in. While the database is away, ADMIN_TOKEN signs in all the same. */
function Unknown({ failure }: { readonly failure: Failure }) {
  return (
    <main class="signed-out">
      <div class="signed-out-top">
        <LanguageSwitch />
      </div>
      <div class="panel sign-in stack">
        <h1>{text(TITLE)}</h1>
        <ProblemNotice failure={failure} />
        <div class="actions">
          <button type="button" class="primary" onClick={() => void findSession()}>
            {text(RETRY)}
          </button>
          {codeOf(failure) === 'database-unavailable' && (
            <button type="button" onClick={() => (session.value = { kind: 'out' })}>
              {text(SIGN_IN)}
            </button>
          )}
        </div>
      </div>
    </main>
  );
}

function SignedOut() {
  return (
    <main class="signed-out">
      <div class="signed-out-top">
        <LanguageSwitch />
      </div>
      <SignIn title={TITLE} />
    </main>
  );
}

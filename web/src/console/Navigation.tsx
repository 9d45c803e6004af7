import { useSignal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { type Failure } from '../api/attempt.ts';
import { type Text, text } from '../shared/language.ts';
import { LanguageSwitch } from '../shared/LanguageSwitch.tsx';
import { ProblemNotice } from './parts/ProblemNotice.tsx';
import { CONSOLE, consolePath } from './paths.ts';
import { type ConsoleRoute, ROUTES } from './routes.tsx';
import { may, operator, type Role, signOut } from './session.ts';
import { WaitingCount } from './WaitingCount.tsx';

const PAGES: Text = { ko: '콘솔 메뉴', en: 'Pages of the console' };
const SIGN_OUT: Text = { ko: '로그아웃', en: 'Sign out' };
const ROLE: Record<Role, Text> = {
  viewer: { ko: '조회자', en: 'viewer' },
  operator: { ko: '운영자', en: 'operator' },
  admin: { ko: '관리자', en: 'admin' },
};

export function Navigation({ title }: { readonly title: string }) {
  const { path } = useLocation();
  const who = operator.value;
  const failure = useSignal<Failure | null>(null);
  return (
    <header class="console-head">
      <a class="console-brand" href={CONSOLE}>
        {title}
      </a>
      <nav aria-label={text(PAGES)}>
        <ul>
          {ROUTES.filter(isInNavigation).map((route) => (
            <li key={route.path}>
              <a href={consolePath(route.path)} aria-current={currentOf(path, consolePath(route.path))}>
                {text(route.title)}
                {route.path === '/failed-events' && <WaitingCount />}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="console-who">
        {who !== null && (
          <span class="console-name">
            <strong>{who.actor.name}</strong> <span class="muted">{text(ROLE[who.role])}</span>
            <small class="muted console-version">
              {who.service.profile} · {who.service.version}
            </small>
          </span>
        )}
        <LanguageSwitch />
        <button type="button" class="plain" onClick={() => void signOut().then((why) => (failure.value = why))}>
          {text(SIGN_OUT)}
        </button>
        <ProblemNotice failure={failure.value} />
      </div>
    </header>
  );
}

function isInNavigation({ nav, withTwoPerson }: ConsoleRoute): boolean {
  if (nav === undefined || !may(nav)) return false;
  return withTwoPerson !== true || operator.value?.service.twoPerson === true;
}

function currentOf(path: string, of: string): 'page' | 'true' | undefined {
  if (path === of) return 'page';
  return path.startsWith(`${of}/`) ? 'true' : undefined;
}

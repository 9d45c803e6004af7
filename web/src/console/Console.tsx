import { lazy, LocationProvider, Route, Router } from 'preact-iso';
import { type Text, text } from '../shared/language.ts';
import { LanguageSwitch } from '../shared/LanguageSwitch.tsx';
import { BASE_PATH } from '../shared/paths.ts';

const CONSOLE = `${BASE_PATH}console`;
const TITLE: Text = { ko: '쿠폰 콘솔', en: 'Coupon console' };

// Each page is a file of its own that is loaded when it is opened.
const Campaigns = lazy(() => import('./pages/Campaigns.tsx'));

export function Console() {
  return (
    <LocationProvider scope={CONSOLE}>
      <header>
        <strong>{text(TITLE)}</strong>
        <LanguageSwitch />
      </header>
      <main>
        <Router>
          <Route path={`${CONSOLE}/campaigns`} component={Campaigns} />
          <Route default component={Campaigns} />
        </Router>
      </main>
    </LocationProvider>
  );
}

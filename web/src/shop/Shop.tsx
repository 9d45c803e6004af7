import { useEffect, useRef } from 'preact/hooks';
import { text } from '../shared/language.ts';
import { LanguageSwitch } from '../shared/LanguageSwitch.tsx';
import { BASE_PATH } from '../shared/paths.ts';
import { DropPage } from './DropPage.tsx';
import { isEmbedded, tellHeight } from './embedding.ts';
import { Home } from './Home.tsx';
import { TrialLine } from './TrialLine.tsx';
import { T } from './texts.ts';
import './shop.css';

/** The id of the campaign in an address such as /drop/summer; null on the first page. */
function campaignIn(path: string): string | null {
  const [, id] = /^drop\/([^/]+)\/?$/.exec(path.slice(BASE_PATH.length)) ?? [];
  return id === undefined ? null : decodeURIComponent(id);
}

export function Shop() {
  const id = campaignIn(location.pathname);
  const page = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (page.current !== null) tellHeight(page.current);
  }, []);
  return (
    <div ref={page} class={isEmbedded ? 'shop embedded' : 'shop'}>
      <header>
        <a class="brand" href="./">
          {text(T.brand)}
        </a>
        <LanguageSwitch />
      </header>
      <main>{id === null ? <Home /> : <DropPage id={id} />}</main>
      <TrialLine />
    </div>
  );
}

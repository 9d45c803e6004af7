import { type Text, text } from '../shared/language.ts';
import { Page } from './parts/Page.tsx';

const TITLE: Text = { ko: '페이지를 불러오지 못했습니다', en: 'This page could not be loaded' };
const WHY: Text = {
  ko: '서비스가 업데이트되었거나 연결이 끊겼습니다. 새로 고치면 최신 페이지가 열립니다.',
  en: 'The service was upgraded, or cannot be reached. Reloading opens the page as it is now.',
};
const RELOAD: Text = { ko: '새로 고침', en: 'Reload' };

export function PageMissing() {
  return (
    <Page title={TITLE}>
      <p>{text(WHY)}</p>
      <button type="button" class="primary" onClick={() => location.reload()}>
        {text(RELOAD)}
      </button>
    </Page>
  );
}

import { type Text, text } from '../../shared/language.ts';
import { BASE, BASE_PATH } from '../../shared/paths.ts';
import { CopyButton } from '../parts/CopyButton.tsx';
import { operator } from '../session.ts';
import { type Campaign } from './campaign.ts';
import './campaigns.css';

const TITLE: Text = { ko: '고객이 보는 페이지', en: 'Shopper’s page' };
const OPEN: Text = { ko: '새 탭에서 열기', en: 'Open in a new tab' };
const COPY: Text = { ko: '주소 복사', en: 'Copy the address' };
const COPY_PATH: Text = { ko: '경로 복사', en: 'Copy the path' };
const LATER: Text = { ko: '공개한 뒤에 이 주소에서 보입니다.', en: 'Visible there after publishing.' };
const OTHER_DOMAIN: Text = {
  ko: '고객이 다른 도메인으로 접속한다면, 그 도메인에서도 경로는 같습니다.',
  en: 'If customers come by another domain, the path is the same there.',
};
const OTHER_PORT: Text = {
  ko: '고객은 이 콘솔과 다른 주소로 접속합니다. 고객이 쓰는 주소 뒤에 이 경로를 붙여 주세요.',
  en: 'Customers reach the service at another address than this console. Put this path behind the address that they use.',
};

/** Where customers take part. The console knows their address only where it shares a port with them. */
export function ShoppersPage({ campaign: { id, state } }: { readonly campaign: Campaign }) {
  const page = `drop/${encodeURIComponent(id)}`;
  const isKnown = operator.value?.service.onePort === true;
  const address = (isKnown ? BASE : BASE_PATH) + page;
  return (
    <section class="panel shoppers-page" aria-labelledby="shoppers-page">
      <strong id="shoppers-page">{text(TITLE)}</strong>
      <code>{address}</code>
      <CopyButton copied={address} label={isKnown ? COPY : COPY_PATH} />
      {isKnown && state !== 'DRAFT' && (
        <a class="button" href={address} target="_blank" rel="noopener">
          {text(OPEN)}
        </a>
      )}
      <p class="muted">
        {state === 'DRAFT' && `${text(LATER)} `}
        {text(isKnown ? OTHER_DOMAIN : OTHER_PORT)}
      </p>
    </section>
  );
}

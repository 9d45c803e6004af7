import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Text, text } from '../../shared/language.ts';
import { type Approval } from '../approvals/approval.ts';
import { consolePath } from '../paths.ts';
import { Icon } from './Icon.tsx';
import './parts.css';
import { Since } from './Since.tsx';

const WAITS: Text = {
  ko: '다른 운영자가 {t}까지 승인해야 합니다',
  en: 'Waits for a second operator until {t}',
};
const WAITS_ADMIN: Text = {
  ko: '다른 관리자가 {t}까지 승인해야 합니다',
  en: 'Waits for a second admin until {t}',
};
const NOTHING_YET: Text = {
  ko: '아직 아무것도 바뀌지 않았습니다. 그 시각까지 승인되지 않으면 아무 일도 일어나지 않습니다.',
  en: 'Nothing has changed yet. Without an approval by then, nothing happens.',
};
const APPROVALS: Text = { ko: '승인 요청 보기', en: 'See what waits for approval' };
const CLOSE: Text = { ko: '닫기', en: 'Close' };

/** Says of an act that it was not done, who has to approve it, and until when. */
export function Waits({ approval: { expiresAt, neededRole } }: { readonly approval: Approval }) {
  return (
    <div class="notice warn" role="status">
      <Icon name="wait" />
      <div>
        <strong>
          <Since at={Date.parse(expiresAt)} of={neededRole === 'admin' ? WAITS_ADMIN : WAITS} />
        </strong>
        <p>{text(NOTHING_YET)}</p>
        <a href={consolePath('/approvals')}>{text(APPROVALS)}</a>
      </div>
    </div>
  );
}

/** In a dialog, in place of the question. */
export function WaitsInDialog({ approval, onClose }: { readonly approval: Approval; readonly onClose: () => void }) {
  // The button that had the focus is gone, so this one gets it.
  const close = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => close.current?.focus(), []);
  return (
    <div class="stack">
      <Waits approval={approval} />
      <div class="actions end">
        <button ref={close} type="button" class="primary" onClick={onClose}>
          {text(CLOSE)}
        </button>
      </div>
    </div>
  );
}

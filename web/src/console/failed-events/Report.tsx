import { number, type Text, text } from '../../shared/language.ts';
import { Icon } from '../parts/Icon.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { Since } from '../parts/Since.tsx';
import { consolePath } from '../paths.ts';
import { answered, type Progress } from './run-many.ts';
import { type Action } from './selection.ts';

const DONE: Record<Action, Text> = {
  requeue: { ko: '{n}건을 다시 넣었습니다.', en: '{n} requeued.' },
  discard: { ko: '{n}건을 폐기했습니다.', en: '{n} discarded.' },
};
const WAITS: Text = {
  ko: '{n}건은 아직 그대로입니다. 다른 운영자가 {t}까지 승인해야 합니다.',
  en: 'Waiting for a second operator until {t}, and not changed yet: {n}.',
};
const APPROVALS: Text = { ko: '승인 요청 보기', en: 'See what waits for approval' };
const STOPPED: Text = { ko: '멈췄습니다. {n}건은 시도하지 않았습니다.', en: 'Stopped. Not tried: {n}.' };
const REFUSED: Readonly<Record<string, Text>> = {
  'precondition-failed': {
    ko: '{n}건은 그 사이 다른 운영자나 서비스가 변경하여 그대로 두었습니다.',
    en: 'Left as they are, because another operator or the service has changed them meanwhile: {n}.',
  },
  'invalid-state': {
    ko: '{n}건은 이제 처리할 수 없는 상태여서 그대로 두었습니다.',
    en: 'Left as they are, because their state does not allow it: {n}.',
  },
  'coupon-exists': {
    ko: '{n}건은 사용자에게 이미 쿠폰이 있어 폐기하지 않았습니다.',
    en: 'Not discarded, because their users have the coupon: {n}.',
  },
  'failed-event-not-found': {
    ko: '{n}건은 해결되어 정리되었습니다.',
    en: 'Gone, because they were resolved and cleared away: {n}.',
  },
};
const OTHER: Text = { ko: '{n}건이 거절되었습니다({code}).', en: 'Refused with {code}: {n}.' };

/** What came of it. */
export function Report({ action, progress }: { readonly action: Action; readonly progress: Progress }) {
  const { total, done, waits, waitsUntil, refused, stopped } = progress;
  const untried = total - answered(progress);
  const isWhole = done === total;
  return (
    <div class="stack" role="status">
      <div class={isWhole ? 'notice good' : 'notice warn'}>
        <Icon name={isWhole ? 'good' : 'warn'} />
        <div class="number">
          {(done > 0 || waits === 0) && <strong>{text(DONE[action], { n: number(done) })}</strong>}
          {waitsUntil !== null && (
            <p>
              <Since at={Date.parse(waitsUntil)} of={WAITS} parts={{ n: number(waits) }} />{' '}
              <a href={consolePath('/approvals')}>{text(APPROVALS)}</a>
            </p>
          )}
          {[...refused].map(([code, n]) => (
            <p key={code}>{text(REFUSED[code] ?? OTHER, { n: number(n), code })}</p>
          ))}
          {untried > 0 && <p>{text(STOPPED, { n: number(untried) })}</p>}
        </div>
      </div>
      <ProblemNotice failure={stopped === 'by-operator' ? null : stopped} />
    </div>
  );
}

import { type Text, text } from '../../shared/language.ts';
import { Icon } from '../parts/Icon.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { Since } from '../parts/Since.tsx';
import { type Link } from './live-watch.ts';
import { type LiveSample } from './samples.ts';

const CONNECTING: Text = { ko: '연결하는 중…', en: 'Connecting…' };
const LIVE: Text = { ko: '숫자: 최신', en: 'Numbers: up to date' };
const AS_OF: Text = { ko: '{t} 기준', en: 'as of {t}' };
const LOST: Text = { ko: '{t}부터 연결 끊김', en: 'Connection lost since {t}' };
const OLD: Text = {
  ko: '회색 숫자는 그때의 값이며, 지금 값이 아닙니다. 다시 연결하고 있습니다.',
  en: 'The grey numbers are of then, not of now. Connecting again.',
};
const UNAVAILABLE: Record<LiveSample['unavailable'][number], Text> = {
  gate: {
    ko: '게이트가 응답하지 않습니다: 재고와 대기 수를 알 수 없습니다.',
    en: 'The gate does not answer: stock and pending claims are not known.',
  },
  database: {
    ko: '데이터베이스가 응답하지 않습니다: 발급 수를 알 수 없습니다.',
    en: 'The database does not answer: what is issued is not known.',
  },
  processes: {
    ko: '다른 프로세스의 숫자를 읽을 수 없습니다: 속도와 시간은 이 프로세스만의 값입니다.',
    en: 'The numbers of other processes cannot be read: rates and durations are those of one process alone.',
  },
};

/** Whether the numbers are of now: in words, and in no colour of a state, because the state of the campaign is another thing. */
export function LinkBadge({ link, last }: { readonly link: Link; readonly last: LiveSample | null }) {
  switch (link.kind) {
    case 'connecting':
      return <span class="link-state muted">{text(CONNECTING)}</span>;
    case 'live':
      return (
        <span class="link-state">
          <span class="badge">
            <Icon name="on" />
            {text(LIVE)}
          </span>
          {last !== null && (
            <span class="muted">
              <Since at={last.at} of={AS_OF} />
            </span>
          )}
        </span>
      );
    case 'lost':
    case 'refused':
      return null;
  }
}

/** What is wrong with the numbers, if anything is. */
export function LinkNotices({ link, last }: { readonly link: Link; readonly last: LiveSample | null }) {
  return (
    <>
      <div role="status" class={link.kind === 'lost' ? 'notice bad' : 'notice-place'}>
        {link.kind === 'lost' && (
          <>
            <Icon name="bad" />
            <div>
              <strong>
                <Since at={link.since} of={LOST} />
              </strong>
              <p>{text(OLD)}</p>
              {link.failure?.kind === 'refused' && (
                <small class="muted">
                  {link.failure.problem.title} · <code>{link.failure.problem.code}</code>
                </small>
              )}
            </div>
          </>
        )}
      </div>
      {link.kind === 'refused' && <ProblemNotice failure={link.failure} />}
      {link.kind === 'live' &&
        last?.unavailable.map((what) => (
          <div key={what} role="status" class="notice warn">
            <Icon name="warn" />
            <div>{text(UNAVAILABLE[what])}</div>
          </div>
        ))}
    </>
  );
}

import { type Text, text } from '../../shared/language.ts';
import { Icon } from '../parts/Icon.tsx';
import { zonedInstant } from '../parts/Time.tsx';
import { consolePath } from '../paths.ts';
import { type Trouble, troublesOf } from './troubles.ts';
import { type System } from './words.ts';

const WELL: Text = {
  ko: '모두 응답합니다. 신청을 받을 수 있고, 쿠폰이 됩니다.',
  en: 'All parts answer. Claims can be taken, and become coupons.',
};
const SINCE: Text = { ko: '{t}부터', en: 'since {t}' };
const CAUSE: Text = { ko: '로그에 남은 원인:', en: 'Cause, as in the log:' };
const RUNBOOK: Text = { ko: '운영 문서:', en: 'Runbook:' };
const FAILED_EVENTS: Text = { ko: '실패 이벤트 보기', en: 'Show the failed events' };

/** It has its height also when all is well, so that nothing jumps. */
export function Troubles({ report }: { readonly report: System }) {
  const troubles = troublesOf(report);
  const tone = troubles.length === 0 ? 'good' : troubles.every(({ isWarning }) => isWarning === true) ? 'warn' : 'bad';
  return (
    <div class={`notice ${tone}`} role="status">
      <Icon name={tone} />
      {troubles.length === 0 ? (
        <div>{text(WELL)}</div>
      ) : (
        <div class="troubles">
          {troubles.map((trouble) => (
            <One key={trouble.what.en} {...trouble} />
          ))}
        </div>
      )}
    </div>
  );
}

function One({ what, todo, runbook, link, since, why, parts }: Trouble) {
  return (
    <div>
      <p>
        <strong>{text(what, parts)}</strong> {text(todo)} {since !== null && <SinceThen at={since} />}
      </p>
      {link !== undefined && (
        <p>
          <a href={consolePath(link)}>{text(FAILED_EVENTS)}</a>
        </p>
      )}
      {why !== null && (
        <p>
          <small class="muted">{text(CAUSE)}</small> <code>{why}</code>
        </p>
      )}
      <p>
        <small class="muted">
          {text(RUNBOOK)} <code>docs/operations.md#{runbook}</code>
        </small>
      </p>
    </div>
  );
}

function SinceThen({ at }: { readonly at: string }) {
  const date = new Date(at);
  return (
    <time class="unbroken" dateTime={date.toISOString()} title={date.toISOString()}>
      {text(SINCE, { t: zonedInstant(date) })}
    </time>
  );
}

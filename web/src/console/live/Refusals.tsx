import { type Text, text } from '../../shared/language.ts';
import { Source } from '../parts/Source.tsx';
import './live.css';
import { precise } from './numbers.ts';
import { type LiveSample } from './samples.ts';
import { PER_SECOND, REFUSED } from './series.ts';

type Reason = keyof NonNullable<LiveSample['rates']>['refusals'];

const TITLE: Text = { ko: '거절 이유', en: 'Why claims are refused' };
const REASON: Text = { ko: '이유', en: 'Reason' };
const NONE: Text = { ko: '지금 거절되는 신청이 없습니다.', en: 'No claim is refused now.' };
const WORDS: Record<Reason, Text> = {
  'campaign-not-started': { ko: '시작 전', en: 'not started' },
  'campaign-paused': { ko: '일시 중지됨', en: 'paused' },
  'campaign-closed': { ko: '영구 종료됨', en: 'closed' },
  'campaign-ended': { ko: '기간 종료됨', en: 'ended' },
  'sold-out': { ko: '소진', en: 'sold out' },
  'already-claimed': { ko: '이미 신청함', en: 'claimed already' },
  'entry-required': { ko: '입장 토큰 없음', en: 'no entry token' },
  'issuer-unavailable': { ko: '발급 불가', en: 'issuing unavailable' },
  'claim-unconfirmed': { ko: '확인 불가', en: 'unconfirmed' },
};

/** Refused claims per second, the most frequent reason first. */
export function Refusals({ sample, isStale }: { readonly sample: LiveSample | null; readonly isStale: boolean }) {
  const reasons = Object.entries(sample?.rates?.refusals ?? {}) as [Reason, number][];
  const shown = reasons.filter(([, rate]) => rate > 0).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...shown.map(([, rate]) => rate));
  return (
    <section class={isStale ? 'panel stale' : 'panel'} aria-labelledby="refusals">
      <h2 id="refusals">
        {text(TITLE)} <Source of={TITLE} is={REFUSED.source} />
      </h2>
      {shown.length === 0 ? (
        <p class="muted">{text(NONE)}</p>
      ) : (
        <table class="bars">
          <thead class="sr-only">
            <tr>
              <th scope="col">{text(REASON)}</th>
              <th scope="col">{text(PER_SECOND)}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(([reason, rate]) => (
              <tr key={reason}>
                <th scope="row">
                  {text(WORDS[reason])} <code class="muted">{reason}</code>
                  <span class="reason-bar" aria-hidden="true">
                    <span style={{ width: `${(rate / most) * 100}%` }} />
                  </span>
                </th>
                <td class="right number">
                  {precise(rate)} <span class="muted">{text(PER_SECOND)}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

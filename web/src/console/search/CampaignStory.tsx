import { type ComponentChildren } from 'preact';
import { language, type Text, text } from '../../shared/language.ts';
import { CopyButton } from '../parts/CopyButton.tsx';
import { addressOf } from '../parts/filters.ts';
import { Badge, type Tone } from '../parts/StateBadge.tsx';
import { type IconName } from '../parts/Icon.tsx';
import { consolePath } from '../paths.ts';
import './search.css';
import { copiedAnswer, type FoundCampaign, tellStory, type Verdict } from './story.ts';

const VERDICTS: Record<Verdict, { readonly tone: Tone; readonly icon: IconName; readonly word: Text }> = {
  issued: { tone: 'good', icon: 'good', word: { ko: '발급됨', en: 'Got a coupon' } },
  pending: { tone: 'accent', icon: 'wait', word: { ko: '발급 대기', en: 'On its way' } },
  failed: { tone: 'bad', icon: 'bad', word: { ko: '운영자 확인 필요', en: 'Waits for an operator' } },
  discarded: { tone: 'warn', icon: 'stop', word: { ko: '폐기됨', en: 'Discarded' } },
  refused: { tone: 'quiet', icon: 'end', word: { ko: '쿠폰 없음', en: 'No coupon' } },
  'in-doubt': { tone: 'warn', icon: 'warn', word: { ko: '아직 알 수 없음', en: 'Not known yet' } },
};

const COPY: Text = { ko: '문장 복사', en: 'Copy the answer' };
const STEPS: Text = { ko: '일어난 순서', en: 'What happened, in order' };
const CLOCK: Text = {
  ko: '{day}{zone} 기준. 시각은 발급 게이트의 시계입니다.',
  en: '{day}{zone}. Instants are those of the gate’s clock.',
};
const DISTANCE: Text = {
  ko: ' 거절과 마지막 쿠폰의 차이는 몇 ms 안에서 어긋날 수 있습니다.',
  en: ' The distance from a refusal to the last coupon is right within some ms.',
};
const NO_CODE: Text = {
  ko: '쿠폰 코드는 operator 역할부터 볼 수 있습니다. 필요하면 운영자에게 요청하세요.',
  en: 'The code is shown from the role operator on. Ask an operator for it.',
};
const COPY_CODE: Text = { ko: '코드 복사', en: 'Copy the code' };
const CODE: Text = { ko: '쿠폰 코드', en: 'Code' };
const CLAIM: Text = { ko: '신청 ID', en: 'Claim' };
const REQUEST: Text = { ko: '요청', en: 'request' };
const FAILED_EVENTS: Text = { ko: '이 캠페인의 발급 실패 건 보기', en: 'Failed events of this campaign' };

interface StoryProps {
  readonly found: FoundCampaign;
  readonly gateAnswered: boolean;
}

/** What happened to the customer in one campaign: the answer first, then the steps. */
export function CampaignStory({ found, gateAnswered }: StoryProps) {
  const { campaignId, name, claim } = found;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const story = tellStory(found, gateAnswered, language.value, zone);
  const { verdict, answer, steps, day, hasDistance } = story;
  return (
    <article class="panel story">
      <header>
        <h3>
          <a href={consolePath(`/campaigns/${campaignId}`)}>{name}</a>
        </h3>
        <Badge {...VERDICTS[verdict]} />
      </header>
      <div class="story-answer">
        <p>{answer}</p>
        <CopyButton label={COPY} copied={copiedAnswer(found, story, zone)} />
      </div>
      {verdict === 'failed' && (
        <p>
          <a href={consolePath(addressOf('/failed-events', { status: 'DEAD', campaignId }))}>{text(FAILED_EVENTS)}</a>
        </p>
      )}
      {claim !== null && (claim.code !== undefined || claim.claimId !== undefined) && (
        <dl class="facts">
          {claim.code !== undefined && (
            <Fact name={CODE} value={claim.code}>
              <CopyButton label={COPY_CODE} copied={claim.code} />
            </Fact>
          )}
          {claim.claimId !== undefined && <Fact name={CLAIM} value={claim.claimId} />}
        </dl>
      )}
      {claim?.status === 'ISSUED' && claim.code === undefined && <p class="muted">{text(NO_CODE)}</p>}
      <h4>{text(STEPS)}</h4>
      <ol class="steps">
        {steps.map(({ at, time, words, requestId }) => (
          <li key={at + words}>
            <time dateTime={at} title={at}>
              {time}
            </time>
            <span>
              {words}
              {requestId !== undefined && (
                <small class="muted">
                  {' '}
                  {text(REQUEST)} <code>{requestId}</code>
                </small>
              )}
            </span>
          </li>
        ))}
      </ol>
      <small class="muted">
        {text(CLOCK, { day: day === null ? '' : `${day}, `, zone })}
        {hasDistance && text(DISTANCE)}
      </small>
    </article>
  );
}

interface FactProps {
  readonly name: Text;
  readonly value: string;
  readonly children?: ComponentChildren;
}

function Fact({ name, value, children }: FactProps) {
  return (
    <>
      <dt>{text(name)}</dt>
      <dd>
        <code>{value}</code> {children}
      </dd>
    </>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { attempt, type Failure } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { Icon } from '../parts/Icon.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { Since } from '../parts/Since.tsx';
import { Time } from '../parts/Time.tsx';
import './campaigns.css';
import { mayPoll } from '../session.ts';
import { type Campaign } from './campaign.ts';
import { TERM_NAMES } from './CampaignFields.tsx';

/** How often the numbers of a question are read again while it stands, ms: claims go on. */
const REFRESH_MS = 2_000;

const STAY: Text = { ko: '이미 받은 신청은 그대로 쿠폰이 됩니다', en: 'claims stay, and become coupons' };
const CLOSED: Text = { ko: '남은 수량은 아무도 받지 못합니다', en: 'coupons are left: nobody gets them' };
const OF_THEM: Text = { ko: '그중 아직 발급 중', en: 'of these are still being issued' };
const LEFT: Text = { ko: '남은 수량은 재개할 때까지 보류됩니다', en: 'coupons are left, and wait until it is resumed' };
const AGAIN: Text = { ko: '남은 수량을 다시 신청할 수 있습니다', en: 'coupons are left, and can be claimed again' };
const RESUME: Text = {
  ko: '기간 안이면 확인 즉시 신청을 다시 받습니다.',
  en: 'Within its window, customers can claim as soon as you confirm.',
};
const UNKNOWN: Text = {
  ko: '게이트가 지금 응답하지 않아, 받은 신청 수를 알 수 없습니다. 발급된 쿠폰은 {n}개입니다.',
  en: 'The gate does not answer now, so it is not known how many are claimed. {n} coupons are issued.',
};
const AS_OF: Text = {
  ko: '{t} 기준이며, 확인을 누를 때까지 신청은 계속됩니다. GET /api/admin/campaigns/…/consequences',
  en: 'As of {t}; claims go on until you confirm. GET /api/admin/campaigns/…/consequences',
};
const NO_REOPEN: Text = {
  ko: '영구 종료한 캠페인은 다시 열 수 없습니다.',
  en: 'A closed campaign is never opened again.',
};
const PUBLISH: Text = {
  ko: '공개하면 모두에게 보이고, 삭제할 수 없습니다.',
  en: 'Everybody sees it then, and it can no longer be deleted.',
};
const COUPONS: Text = { ko: '{n}개', en: '{n} coupons' };
const NOW: Text = { ko: '지금 바로', en: 'NOW' };
const STARTS_NOW: Text = {
  ko: '확인을 누르는 즉시 고객이 신청할 수 있습니다.',
  en: 'Customers can claim as soon as you confirm.',
};
const NEVER: Text = { ko: '끝나지 않음', en: 'never' };

/** What a close does, as numbers that are read again while the operator thinks. */
export function CloseConsequences({ campaign }: { readonly campaign: Campaign }) {
  return (
    <>
      <Numbers campaign={campaign} left={CLOSED} />
      <p class="muted">{text(NO_REOPEN)}</p>
    </>
  );
}

export function PauseConsequences({ campaign }: { readonly campaign: Campaign }) {
  return <Numbers campaign={campaign} left={LEFT} />;
}

export function ResumeConsequences({ campaign }: { readonly campaign: Campaign }) {
  return (
    <>
      <Numbers campaign={campaign} left={AGAIN} />
      <p class="muted">{text(RESUME)}</p>
    </>
  );
}

/** What is about to be published. Values of a form may be anything that was typed; the API has not seen them yet. */
interface Published {
  readonly name: string;
  readonly total: number | string;
  /** Without it: now. */
  readonly startsAt?: string | null;
  /** Without it: never. */
  readonly endsAt?: string | null;
}

/** Name, total, start and end, before they are shown to everybody. */
export function PublishConsequences({ of }: { readonly of: Published }) {
  const { name, total, startsAt = null, endsAt = null } = of;
  const isNow = startsAt === null || Date.parse(startsAt) <= Date.now();
  return (
    <>
      <dl class="terms to-publish">
        <dt>{text(TERM_NAMES.name)}</dt>
        <dd>{orDash(name)}</dd>
        <dt>{text(TERM_NAMES.total)}</dt>
        <dd class="number">{typeof total === 'number' ? text(COUPONS, { n: number(total) }) : orDash(total)}</dd>
        <dt>{text(TERM_NAMES.startsAt)}</dt>
        <dd>{isNow ? <span class="now">{text(NOW)}</span> : <When at={startsAt} />}</dd>
        <dt>{text(TERM_NAMES.endsAt)}</dt>
        <dd>{endsAt === null ? text(NEVER) : <When at={endsAt} />}</dd>
      </dl>
      {isNow && (
        <div class="notice warn">
          <Icon name="warn" />
          <div>{text(STARTS_NOW)}</div>
        </div>
      )}
      <p class="muted">{text(PUBLISH)}</p>
    </>
  );
}

function When({ at }: { readonly at: string }) {
  // What is no instant is left to the API, which says so.
  return Number.isNaN(Date.parse(at)) ? <>{at}</> : <Time at={at} />;
}

function orDash(typed: string): string {
  return typed.trim() === '' ? '–' : typed;
}

function Numbers({ campaign: { id, issued }, left }: { readonly campaign: Campaign; readonly left: Text }) {
  const read = useSignal<{ readonly of: Schemas['CampaignConsequences']; readonly at: number } | null>(null);
  const failure = useSignal<Failure | null>(null);
  useEffect(() => {
    let isOver = false;
    const ask = async (): Promise<void> => {
      const params = { path: { campaignId: id }, query: { of: 'close' as const } };
      const outcome = await attempt(api.GET('/api/admin/campaigns/{campaignId}/consequences', { params }));
      if (isOver) return;
      failure.value = outcome.ok ? null : outcome.failure;
      if (outcome.ok) read.value = { of: outcome.data, at: Date.now() };
    };
    void ask();
    const timer = setInterval(() => {
      if (mayPoll()) void ask();
    }, REFRESH_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [id]);
  const seen = read.value;
  const { claimed = null, unissued = null, slotsClosed = null } = seen?.of ?? {};
  return (
    <>
      <ProblemNotice failure={failure.value} />
      {seen !== null && claimed === null && <p>{text(UNKNOWN, { n: number(issued) })}</p>}
      <ul class="consequences">
        <Consequence value={claimed} of={STAY} />
        <Consequence value={unissued} of={OF_THEM} />
        <Consequence value={slotsClosed} of={left} />
      </ul>
      <small class="muted">{seen !== null && <Since at={seen.at} of={AS_OF} />}</small>
    </>
  );
}

function Consequence({ value, of }: { readonly value: number | null; readonly of: Text }) {
  return (
    <li>
      <strong class="number">{value === null ? '–' : number(value)}</strong> {text(of)}
    </li>
  );
}

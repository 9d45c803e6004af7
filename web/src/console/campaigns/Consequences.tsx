import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { attempt, type Failure } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { Since } from '../parts/Since.tsx';
import { Time } from '../parts/Time.tsx';
import './campaigns.css';
import { type Campaign } from './campaign.ts';

/** How often the numbers of a question are read again while it stands, ms: claims go on. */
const REFRESH_MS = 2_000;

const STAY: Text = { ko: '이미 받은 신청은 그대로 쿠폰이 됩니다', en: 'admitted claims stay, and become coupons' };
const CLOSED: Text = { ko: '남은 수량은 아무도 받지 못합니다', en: 'slots are closed: nobody gets them' };
const OF_THEM: Text = { ko: '그중 아직 발급 중', en: 'of these are still being issued' };
const LEFT: Text = { ko: '남은 수량은 재개할 때까지 보류됩니다', en: 'slots are held until it is resumed' };
const UNKNOWN: Text = {
  ko: '게이트가 지금 응답하지 않아, 받은 신청 수를 알 수 없습니다. 발급된 쿠폰은 {n}개입니다.',
  en: 'The gate does not answer now, so it is not known how many claims it has admitted. {n} coupons are issued.',
};
const AS_OF: Text = {
  ko: '{t} 기준이며, 확인을 누를 때까지 신청은 계속됩니다. GET /api/admin/campaigns/…/consequences',
  en: 'As of {t}; claims go on until you confirm. GET /api/admin/campaigns/…/consequences',
};
const NO_REOPEN: Text = { ko: '마감한 캠페인은 다시 열 수 없습니다.', en: 'A closed campaign is never opened again.' };
const PUBLISH: Text = {
  ko: '공개하면 모두에게 보이고, 삭제할 수 없습니다.',
  en: 'Everybody sees it then, and it can no longer be deleted.',
};
const COUPONS: Text = { ko: '쿠폰', en: 'coupons' };
const STARTS_NOW: Text = {
  ko: '시작 시각이 지났으므로 바로 시작합니다.',
  en: 'Its start has passed, so it begins at once.',
};
const STARTS: Text = { ko: '시작:', en: 'It begins:' };

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

export function PublishConsequences({ campaign: { total, startsAt } }: { readonly campaign: Campaign }) {
  return (
    <>
      <ul class="consequences">
        <li>
          <strong class="number">{number(total)}</strong> {text(COUPONS)}
        </li>
      </ul>
      <p>
        {Date.parse(startsAt) <= Date.now() ? (
          text(STARTS_NOW)
        ) : (
          <>
            {text(STARTS)} <Time at={startsAt} />
          </>
        )}
      </p>
      <p class="muted">{text(PUBLISH)}</p>
    </>
  );
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
    const timer = setInterval(() => void ask(), REFRESH_MS);
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

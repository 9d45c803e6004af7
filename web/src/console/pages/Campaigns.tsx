import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { number, type Text, text } from '../../shared/language.ts';
import { type Campaign } from '../campaigns/campaign.ts';
import { matches } from '../campaigns/filter.ts';
import { SoldBar } from '../campaigns/SoldBar.tsx';
import { takenOf } from '../campaigns/taken.ts';
import { type CampaignsList, useCampaigns } from '../campaigns/use-campaigns.ts';
import { type Column, DataTable } from '../parts/DataTable.tsx';
import { Field } from '../parts/Field.tsx';
import { Page } from '../parts/Page.tsx';
import { Since } from '../parts/Since.tsx';
import { Source } from '../parts/Source.tsx';
import { CAMPAIGN_STATES, campaignStateWord, StateBadge, StockBadge } from '../parts/StateBadge.tsx';
import { Time } from '../parts/Time.tsx';
import { consolePath } from '../paths.ts';
import { may } from '../session.ts';

const TITLE: Text = { ko: '캠페인', en: 'Campaigns' };
const CAPTION: Text = { ko: '캠페인, 최신순', en: 'Campaigns, newest first' };
const EMPTY: Text = { ko: '아직 캠페인이 없습니다.', en: 'There is no campaign yet.' };
const NO_MATCH: Text = { ko: '조건에 맞는 캠페인이 없습니다.', en: 'No campaign matches.' };
const NEW: Text = { ko: '새 캠페인', en: 'New campaign' };
const SEARCH: Text = { ko: '이름 또는 ID', en: 'Name or id' };
const STATE: Text = { ko: '상태', en: 'State' };
const ALL: Text = { ko: '모두', en: 'all' };
const COPY: Text = { ko: '복제', en: 'Duplicate' };
const STALE: Text = { ko: '{t}부터 새로 고치지 못했습니다', en: 'not refreshed since {t}' };
const READ: Text = { ko: '{t} 기준', en: 'as of {t}' };
const RATE: Text = { ko: '초당', en: 'Per second' };
const RATE_SOURCE: Text = {
  ko: '목록을 마지막으로 두 번 읽은 사이에 줄어든 재고 ÷ 그 사이의 시간. GET /api/admin/campaigns',
  en: 'By how much the stock fell between the last two readings of this list, by the time between them. GET /api/admin/campaigns',
};
const SOLD: Text = { ko: '신청됨', en: 'Claimed' };
const SOLD_SOURCE: Text = {
  ko: '총 수량 − 게이트의 남은 수량. 게이트를 떠난 캠페인은 발급된 쿠폰 수. GET /api/admin/campaigns',
  en: 'The total, less what the gate has left; of a campaign that has left the gate: its coupons. GET /api/admin/campaigns',
};

export default function Campaigns() {
  const { query } = useLocation();
  const search = useSignal(query['q'] ?? '');
  const state = useSignal(query['state'] ?? '');
  const isFiltered = search.value.trim() !== '' || state.value !== '';
  const list = useCampaigns(isFiltered);
  useEffect(() => {
    const kept = new URLSearchParams();
    if (search.value !== '') kept.set('q', search.value);
    if (state.value !== '') kept.set('state', state.value);
    const text = kept.toString();
    history.replaceState(null, '', location.pathname + (text === '' ? '' : `?${text}`));
  }, [search.value, state.value]);
  const shown = list.items?.filter((campaign) => matches(campaign, search.value, state.value)) ?? null;
  return (
    <Page
      title={TITLE}
      actions={
        may('operator') && (
          <a class="button primary" href={consolePath('/campaigns/new')}>
            {text(NEW)}
          </a>
        )
      }
    >
      <div class="filters">
        <Field label={SEARCH}>
          {(attributes) => (
            <input
              {...attributes}
              type="search"
              value={search.value}
              onInput={({ currentTarget }) => (search.value = currentTarget.value)}
            />
          )}
        </Field>
        <Field label={STATE}>
          {(attributes) => (
            <select
              {...attributes}
              value={state.value}
              onChange={({ currentTarget }) => (state.value = currentTarget.value)}
            >
              <option value="">{text(ALL)}</option>
              {CAMPAIGN_STATES.map((one) => (
                <option key={one} value={one}>
                  {text(campaignStateWord(one))}
                </option>
              ))}
            </select>
          )}
        </Field>
        <span class="muted">
          {list.staleSince !== null ? (
            <Since at={list.staleSince} of={STALE} />
          ) : (
            list.readAt !== null && <Since at={list.readAt} of={READ} />
          )}
        </span>
      </div>
      <div class={list.staleSince === null ? undefined : 'stale'}>
        <DataTable
          caption={CAPTION}
          columns={columnsOf(list)}
          list={{ ...list, items: shown }}
          keyOf={({ id }) => id}
          empty={text(isFiltered ? NO_MATCH : EMPTY)}
        />
      </div>
    </Page>
  );
}

function columnsOf({ rateOf, staleSince }: CampaignsList): readonly Column<Campaign>[] {
  const columns: Column<Campaign>[] = [
    {
      name: { ko: '이름', en: 'Name' },
      isRowHeader: true,
      cell: ({ id, name }) => (
        <>
          <a href={consolePath(`/campaigns/${id}`)}>{name}</a>
          <code class="campaign-id">{id}</code>
        </>
      ),
    },
    {
      name: STATE,
      cell: ({ state, remaining, soldOutAt }) => (
        <span class="badges">
          <StateBadge state={state} />
          <StockBadge remaining={remaining} soldOutAt={soldOutAt} />
        </span>
      ),
    },
    {
      name: SOLD,
      beside: <Source of={SOLD} is={SOLD_SOURCE} />,
      cell: (campaign) => <SoldBar total={campaign.total} taken={takenOf(campaign)} />,
    },
    {
      name: RATE,
      beside: <Source of={RATE} is={RATE_SOURCE} />,
      isNumber: true,
      cell: (campaign) => {
        const rate = staleSince === null ? rateOf(campaign) : null;
        return rate === null ? (
          <span class="muted">–</span>
        ) : (
          number(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))
        );
      },
    },
    { name: { ko: '시작', en: 'Start' }, cell: ({ startsAt }) => <Time at={startsAt} /> },
    {
      name: { ko: '종료', en: 'End' },
      cell: ({ endsAt }) => (endsAt === null ? <span class="muted">–</span> : <Time at={endsAt} />),
    },
  ];
  if (!may('operator')) return columns;
  return [
    ...columns,
    {
      name: { ko: '작업', en: 'Actions' },
      cell: ({ id, name }) => (
        <a
          class="button"
          href={consolePath(`/campaigns/new?from=${encodeURIComponent(id)}`)}
          aria-label={`${text(COPY)}: ${name}`}
        >
          {text(COPY)}
        </a>
      ),
    },
  ];
}

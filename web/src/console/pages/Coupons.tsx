import { useSignal } from '@preact/signals';
import { useRoute } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { attempt, mistakeAt } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { language, number, type Text, text } from '../../shared/language.ts';
import { BASE } from '../../shared/paths.ts';
import { type Column, DataTable } from '../parts/DataTable.tsx';
import { ExactTime } from '../parts/ExactTime.tsx';
import { Field } from '../parts/Field.tsx';
import { FilterForm, useFilters } from '../parts/FilterForm.tsx';
import { addressOf } from '../parts/filters.ts';
import { NumberWithSource } from '../parts/NumberWithSource.tsx';
import { Page } from '../parts/Page.tsx';
import { usePages } from '../parts/use-pages.ts';
import { consolePath } from '../paths.ts';
import { duration } from '../search/instants.ts';
import { may } from '../session.ts';

type Coupon = Schemas['CampaignCoupon'];

const TITLE: Text = { ko: '쿠폰: {name}', en: 'Coupons of {name}' };
const CAPTION: Text = { ko: '발급된 쿠폰, 최근 신청부터', en: 'Issued coupons, newest claim first' };
const CAMPAIGN: Text = { ko: '캠페인으로', en: 'To the campaign' };

const USER: Text = { ko: '사용자 ID', en: 'User' };
const WHOLE: Text = { ko: '전체가 일치해야 합니다', en: 'The whole id, not a part' };
const FROM: Text = { ko: '신청 시각(부터)', en: 'Claimed from' };
const TO: Text = { ko: '신청 시각(이전)', en: 'Claimed before' };
const BY_CODE: Text = { ko: '코드나 신청 ID로 찾으려면', en: 'To find one by its code or claim:' };
const SEARCH: Text = { ko: '검색', en: 'Search' };

const ISSUED: Text = { ko: '발급', en: 'Issued' };
const ISSUED_FROM: Text = {
  ko: '캠페인 행의 발급 카운터입니다. GET /api/admin/campaigns/{id}/audit의 issued. 필터와 무관합니다.',
  en: 'The counter in the campaign’s row: issued of GET /api/admin/campaigns/{id}/audit. Filters do not change it.',
};

const SEQUENCE: Text = { ko: '순번', en: 'Number' };
const CLAIMED: Text = { ko: '신청', en: 'Claimed' };
const TOOK: Text = { ko: '발급까지', en: 'Issued after' };
const CODE: Text = { ko: '쿠폰 코드', en: 'Code' };
const CLAIM: Text = { ko: '신청 ID', en: 'Claim' };

const NONE: Text = { ko: '아직 발급된 쿠폰이 없습니다.', en: 'No coupon has been issued yet.' };
const NO_MATCH: Text = { ko: '이 조건에 맞는 쿠폰이 없습니다.', en: 'No coupon matches these filters.' };

const CSV: Text = { ko: 'CSV 내려받기', en: 'Download CSV' };
const NDJSON: Text = { ko: 'NDJSON 내려받기', en: 'Download NDJSON' };
const EXPORTED: Text = {
  ko: '내려받기에는 위 필터가 적용되며, 지금까지 발급된 쿠폰이 신청 순서대로 모두 담깁니다. 감사 로그에 기록됩니다.',
  en: 'A download has what the filters let through: all coupons issued until now, in the order of the claims. It is recorded in the audit log.',
};
const WITHOUT_CODES: Text = {
  ko: '쿠폰 코드는 operator 역할부터 볼 수 있습니다.',
  en: 'Codes are shown from the role operator on.',
};

const FILTERS = ['userId', 'from', 'to'] as const;
const BESIDE = FILTERS.map((name) => `/${name}`);
const AT_ONCE = 100;

/** Who got a coupon of a campaign, and in which order. */
export default function Coupons() {
  const { campaignId = '' } = useRoute().params;
  const { filters, apply } = useFilters(FILTERS, () => list.reload());
  const name = useSignal(campaignId);
  const issued = useSignal<number | null>(null);
  useEffect(() => {
    const path = { params: { path: { campaignId } } };
    void attempt(api.GET('/api/admin/campaigns/{campaignId}', path)).then((outcome) => {
      name.value = outcome.ok ? outcome.data.name : campaignId;
    });
    void attempt(api.GET('/api/admin/campaigns/{campaignId}/audit', path)).then((outcome) => {
      issued.value = outcome.ok ? outcome.data.issued : null;
    });
  }, [campaignId]);
  const list = usePages(
    (cursor) =>
      attempt(
        api.GET('/api/admin/campaigns/{campaignId}/coupons', {
          params: { path: { campaignId }, query: { ...filters, cursor, limit: AT_ONCE } },
        }),
      ),
    [campaignId, JSON.stringify(filters)],
  );
  const exported = (format: 'csv' | 'ndjson'): string =>
    addressOf(`${BASE}api/admin/campaigns/${encodeURIComponent(campaignId)}/coupons.${format}`, {
      ...filters,
      ...(format === 'csv' ? { lang: language.value } : {}),
    });
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <Page
      title={text(TITLE, { name: name.value })}
      actions={
        <>
          <a class="button" href={exported('csv')} download>
            {text(CSV)}
          </a>
          <a class="button" href={exported('ndjson')} download>
            {text(NDJSON)}
          </a>
        </>
      }
    >
      <p class="muted words">
        {text(EXPORTED)} {!may('operator') && text(WITHOUT_CODES)}
      </p>
      <div class="figures">
        <NumberWithSource label={ISSUED} source={ISSUED_FROM} value={issued.value} />
      </div>
      <FilterForm filters={filters} onApply={apply} instants={['from', 'to']}>
        {(input) => (
          <>
            <Field label={USER} hint={WHOLE} mistake={mistakeAt(list.failure, '/userId')}>
              {(attributes) => <input {...attributes} {...input('userId')} />}
            </Field>
            <Field label={FROM} mistake={mistakeAt(list.failure, '/from')}>
              {(attributes) => <input {...attributes} {...input('from')} type="datetime-local" step="0.001" />}
            </Field>
            <Field label={TO} mistake={mistakeAt(list.failure, '/to')}>
              {(attributes) => <input {...attributes} {...input('to')} type="datetime-local" step="0.001" />}
            </Field>
          </>
        )}
      </FilterForm>
      <DataTable
        caption={CAPTION}
        columns={columns(list.items ?? [])}
        list={list}
        beside={BESIDE}
        keyOf={({ sequence }) => sequence}
        empty={text(isFiltered ? NO_MATCH : NONE)}
      />
      <p>
        {text(BY_CODE)} <a href={consolePath('/search')}>{text(SEARCH)}</a> ·{' '}
        <a href={consolePath(`/campaigns/${campaignId}`)}>{text(CAMPAIGN)}</a>
      </p>
    </Page>
  );
}

/** What the API does not show to this operator has no column. */
function columns(items: readonly Coupon[]): readonly Column<Coupon>[] {
  const first = items[0];
  const all: readonly (Column<Coupon> | false)[] = [
    { name: SEQUENCE, cell: ({ sequence }) => number(sequence), isNumber: true },
    {
      name: USER,
      isRowHeader: true,
      cell: ({ userId }) => <a href={consolePath(addressOf('/search', { q: userId }))}>{userId}</a>,
    },
    { name: CLAIMED, cell: ({ claimedAt }) => <ExactTime at={claimedAt} /> },
    {
      name: TOOK,
      cell: ({ claimedAt, issuedAt }) =>
        duration(Math.max(0, Date.parse(issuedAt) - Date.parse(claimedAt)), language.value),
      isNumber: true,
    },
    first?.code !== undefined && { name: CODE, cell: ({ code }) => <code>{code}</code> },
    first?.claimId !== undefined && { name: CLAIM, cell: ({ claimId }) => <code>{claimId}</code> },
  ];
  return all.filter((column) => column !== false);
}

import { type Text } from '../../shared/language.ts';
import { type ValueOf } from './samples.ts';

/** A line of a chart, a column of its table, and a number of the page. */
export interface Series {
  readonly key: string;
  readonly name: Text;
  readonly source: Text;
  readonly value: ValueOf;
  /** A name of theme.css. */
  readonly colour: '--accent' | '--good' | '--warn' | '--bad' | '--muted';
  /** Lengths of strokes and gaps: a line is told by more than its colour. */
  readonly dash?: readonly number[];
}

export interface ChartOf {
  readonly key: string;
  readonly title: Text;
  readonly unit: Text;
  readonly series: readonly Series[];
}

const FROM_LIVE = 'GET /api/admin/live';

const source = (field: string, ko: string, en: string): Text => ({
  ko: `${ko} (${FROM_LIVE}, ${field})`,
  en: `${en} (${FROM_LIVE}, ${field})`,
});

export const PER_SECOND: Text = { ko: '건/초', en: '/s' };
export const COUPONS: Text = { ko: '개', en: 'coupons' };
export const MS: Text = { ko: 'ms', en: 'ms' };

export const CLAIMS: Series = {
  key: 'claims',
  name: { ko: '신청 접수', en: 'Claims' },
  source: source(
    'rates.claims',
    '처음으로 202를 받은 신청, 모든 프로세스의 합을 초당으로.',
    'Claims that were answered 202 for the first time, of all processes together.',
  ),
  value: ({ rates }) => rates?.claims ?? null,
  colour: '--accent',
};

export const REFUSED: Series = {
  key: 'refused',
  name: { ko: '거절', en: 'Refused' },
  source: source(
    'rates.refused',
    '이유와 관계없이 거절된 신청, 모든 프로세스의 합을 초당으로.',
    'Claims that were refused, whatever the reason, of all processes together.',
  ),
  value: ({ rates }) => rates?.refused ?? null,
  colour: '--warn',
  dash: [6, 3],
};

export const ISSUED: Series = {
  key: 'issued',
  name: { ko: '발급', en: 'Issued' },
  source: source('rates.issued', '데이터베이스에 저장된 쿠폰을 초당으로.', 'Coupons that were stored in the database.'),
  value: ({ rates }) => rates?.issued ?? null,
  colour: '--good',
  dash: [2, 2],
};

export const REMAINING: Series = {
  key: 'remaining',
  name: { ko: '남은 수량', en: 'Stock left' },
  source: source(
    'remaining',
    '총 수량에서 게이트가 받은 신청을 뺀 값. 게이트가 응답하지 않으면 알 수 없습니다.',
    'The total, less what is claimed. Not known while the gate does not answer.',
  ),
  value: ({ remaining }) => remaining,
  colour: '--accent',
};

export const PENDING: Series = {
  key: 'pending',
  name: { ko: '발급 대기', en: 'Pending' },
  source: source(
    'pending',
    '접수되었지만 아직 데이터베이스에서 확인되지 않은 신청.',
    'Claims that were not seen in the database yet.',
  ),
  value: ({ pending }) => pending,
  colour: '--warn',
  dash: [6, 3],
};

export const CLAIM_P50: Series = {
  key: 'claimP50',
  name: { ko: '신청 응답 p50', en: 'Answer to a claim, p50' },
  source: source(
    'claimMs.p50',
    '최근 10초의 신청 응답 시간 중앙값. 거절도 포함합니다.',
    'Half of the answers to claims of the last 10 s took no longer. Refusals count too.',
  ),
  value: ({ claimMs }) => claimMs.p50,
  colour: '--muted',
  dash: [2, 2],
};

export const CLAIM_P99: Series = {
  key: 'claimP99',
  name: { ko: '신청 응답 p99', en: 'Answer to a claim, p99' },
  source: source(
    'claimMs.p99',
    '최근 10초의 신청 응답 시간 99%가 이 시간 안에 끝났습니다. 거절도 포함합니다.',
    '99 of 100 answers to claims of the last 10 s took no longer. Refusals count too.',
  ),
  value: ({ claimMs }) => claimMs.p99,
  colour: '--accent',
};

export const ROW_P50: Series = {
  key: 'rowP50',
  name: { ko: '접수→발급 p50', en: 'Admitted to issued, p50' },
  source: source(
    'acceptToRowMs.p50',
    '게이트가 받은 때부터 쿠폰이 저장될 때까지, 최근 10초의 중앙값.',
    'From the gate’s yes to the stored coupon: half of those of the last 10 s took no longer.',
  ),
  value: ({ acceptToRowMs }) => acceptToRowMs.p50,
  colour: '--muted',
  dash: [8, 3, 2, 3],
};

export const ROW_P99: Series = {
  key: 'rowP99',
  name: { ko: '접수→발급 p99', en: 'Admitted to issued, p99' },
  source: source(
    'acceptToRowMs.p99',
    '게이트가 받은 때부터 쿠폰이 저장될 때까지, 최근 10초의 99%가 이 시간 안에 끝났습니다.',
    'From the gate’s yes to the stored coupon: 99 of 100 of the last 10 s took no longer.',
  ),
  value: ({ acceptToRowMs }) => acceptToRowMs.p99,
  colour: '--good',
  dash: [6, 3],
};

/** The charts of the page, which share one axis of time. */
export const CHARTS: readonly ChartOf[] = [
  { key: 'rates', title: { ko: '처리량', en: 'Traffic' }, unit: PER_SECOND, series: [CLAIMS, REFUSED, ISSUED] },
  { key: 'stock', title: { ko: '재고', en: 'Stock' }, unit: COUPONS, series: [REMAINING, PENDING] },
  {
    key: 'times',
    title: { ko: '걸린 시간', en: 'Durations' },
    unit: MS,
    series: [CLAIM_P99, ROW_P99, CLAIM_P50, ROW_P50],
  },
];

export const ALL_SERIES: readonly Series[] = CHARTS.flatMap(({ series }) => series);

import { number, type Text } from '../../shared/language.ts';
import { SoldBar } from '../campaigns/SoldBar.tsx';
import { NumberWithSource } from '../parts/NumberWithSource.tsx';
import './live.css';
import { glance } from './numbers.ts';
import { type LiveSample } from './samples.ts';
import {
  CLAIM_P50,
  CLAIM_P99,
  CLAIMS,
  COUPONS,
  ISSUED,
  MS,
  PENDING,
  PER_SECOND,
  REFUSED,
  REMAINING,
  ROW_P50,
  ROW_P99,
  type Series,
} from './series.ts';
import { StockLine } from './StockLine.tsx';
import { Waiting } from './Waiting.tsx';

const SECONDS: Text = { ko: '초', en: 's' };
const OLDEST: Text = { ko: '가장 오래된 대기', en: 'Oldest pending' };
const OLDEST_SOURCE: Text = {
  ko: '발급 대기 중인 신청 가운데 가장 오래된 것의 나이. 대기가 없으면 0. (GET /api/admin/live, oldestPendingMs)',
  en: 'The age of the oldest pending claim; 0 when none is pending. (GET /api/admin/live, oldestPendingMs)',
};
const STORED: Text = { ko: '발급된 쿠폰', en: 'Coupons issued' };
const STORED_SOURCE: Text = {
  ko: '캠페인에 저장된 쿠폰 수. (GET /api/admin/live, issued)',
  en: 'Coupons that are stored for the campaign. (GET /api/admin/live, issued)',
};
const DRIFT: Text = { ko: '불일치', en: 'Drift' };
const DRIFT_SOURCE: Text = {
  ko: '게이트와 데이터베이스가 어긋나는 신청·쿠폰 수. 모든 약속이 지켜지면 0. 약 30초마다 측정합니다. (GET /api/admin/live, drift)',
  en: 'By how many claims and coupons gate and database disagree; 0 when every promise is kept. Measured about every 30 s. (GET /api/admin/live, drift)',
};

/** Of a campaign that is closed for good, what is left goes to nobody. */
const NOT_GIVEN_OUT: Series = { ...REMAINING, name: { ko: '나가지 않은 수량', en: 'Not given out' } };

interface FiguresProps {
  readonly campaignId: string;
  readonly sample: LiveSample | null;
  readonly isStale: boolean;
}

/** What is read first: how much is gone, how fast, and whether anything waits or disagrees. */
export function Figures({ campaignId, sample, isStale }: FiguresProps) {
  const of = (series: Series, unit: Text): preact.VNode => (
    <NumberWithSource
      label={series.name}
      source={series.source}
      value={sample === null ? null : glance(series.value(sample))}
      unit={unit}
      isStale={isStale}
    />
  );
  const pending = sample?.pending ?? null;
  const oldest = pending === 0 ? 0 : (sample?.oldestPendingMs ?? null);
  return (
    <div class="panel">
      <div class={isStale ? 'stale' : undefined}>
        {sample?.total !== null && sample !== null && <SoldBar isLarge total={sample.total} taken={sample.claimed} />}
        <StockLine sample={sample} />
      </div>
      <div class="figures">
        {of(sample?.state === 'CLOSED' ? NOT_GIVEN_OUT : REMAINING, COUPONS)}
        {of(CLAIMS, PER_SECOND)}
        {of(REFUSED, PER_SECOND)}
        {of(ISSUED, PER_SECOND)}
        <NumberWithSource
          label={STORED}
          source={STORED_SOURCE}
          value={sample?.issued ?? null}
          unit={COUPONS}
          isStale={isStale}
        />
        {of(PENDING, COUPONS)}
        <NumberWithSource
          label={OLDEST}
          source={OLDEST_SOURCE}
          value={oldest === null ? null : glance(oldest / 1_000)}
          unit={SECONDS}
          isStale={isStale}
        />
        <NumberWithSource
          label={DRIFT}
          source={DRIFT_SOURCE}
          value={sample === null || sample.drift === null ? null : number(sample.drift)}
          isStale={isStale}
        />
        <Waiting campaignId={campaignId} isStale={isStale} />
        {of(CLAIM_P50, MS)}
        {of(CLAIM_P99, MS)}
        {of(ROW_P50, MS)}
        {of(ROW_P99, MS)}
      </div>
    </div>
  );
}

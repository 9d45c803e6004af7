import { attempt } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { NumberWithSource } from '../parts/NumberWithSource.tsx';
import { usePoll } from '../parts/use-poll.ts';
import { consolePath } from '../paths.ts';

/** Failed events change by the minute. */
const REFRESH_MS = 10_000;

const WAITING: Text = { ko: '운영자 확인 필요', en: 'Waits for an operator' };
const SOURCE: Text = {
  ko: '접수되었지만 운영자가 처리해야 쿠폰이 되는 신청. GET /api/admin/failed-events/consequences, count',
  en: 'Claims that become coupons only once an operator has dealt with them. GET /api/admin/failed-events/consequences, count',
};
const SHOW: Text = { ko: '발급 실패 건 보기', en: 'See the failed events' };

/** How many claims of the campaign are stuck until somebody acts, and the way to them. */
export function Waiting({ campaignId, isStale }: { readonly campaignId: string; readonly isStale: boolean }) {
  const { data, lostSince } = usePoll(() => {
    const query = { status: 'DEAD' as const, campaignId };
    return attempt(api.GET('/api/admin/failed-events/consequences', { params: { query } }));
  }, REFRESH_MS);
  // While the page itself is stale, the number is grey and of then; otherwise one that was not read is not known.
  const count = lostSince === null || isStale ? (data?.count ?? null) : null;
  return (
    <NumberWithSource label={WAITING} source={SOURCE} value={count} isStale={isStale}>
      {count !== null && count > 0 && (
        <a href={consolePath(`/failed-events?status=DEAD&campaignId=${encodeURIComponent(campaignId)}`)}>
          {text(SHOW)}
        </a>
      )}
    </NumberWithSource>
  );
}

import { attempt } from '../api/attempt.ts';
import { api } from '../api/client.ts';
import { number, type Text, text } from '../shared/language.ts';
import { usePoll } from './parts/use-poll.ts';

const REFRESH_MS = 15_000;
const WORDS: Text = { ko: '{n}건은 운영자 확인 필요', en: '{n} wait for an operator' };

/** How many failed events wait for an operator, in the navigation; nothing while there is none, or it is not known. */
export function WaitingCount() {
  const { data, lostSince } = usePoll(
    () => attempt(api.GET('/api/admin/failed-events/consequences', { params: { query: { status: 'DEAD' } } })),
    REFRESH_MS,
  );
  if (data === null || data.count === 0 || lostSince !== null) return null;
  const words = text(WORDS, { n: number(data.count) });
  return (
    <span class="nav-count number" title={words}>
      <span aria-hidden="true">{number(data.count)}</span>
      <span class="sr-only"> {words}</span>
    </span>
  );
}

import { text, type Text } from '../../shared/language.ts';
import { type Column } from '../parts/DataTable.tsx';
import { ExactTime } from '../parts/ExactTime.tsx';
import { addressOf } from '../parts/filters.ts';
import { Badge } from '../parts/StateBadge.tsx';
import { consolePath } from '../paths.ts';
import { may } from '../session.ts';
import './failed-events.css';
import { type FailedEvent, reasonOf, STATUSES } from './words.ts';

const PICK: Text = { ko: '선택', en: 'Select' };
const PICK_ONE: Text = { ko: '발급 실패 건 {id} 선택', en: 'Select failed event {id}' };
const USER: Text = { ko: '사용자', en: 'User' };
const UNREADABLE: Text = { ko: '읽을 수 없는 메시지', en: 'unreadable message' };
const STATE: Text = { ko: '상태', en: 'State' };
const WHY: Text = { ko: '이유', en: 'Why' };
const SINCE: Text = { ko: '기록', en: 'Since' };
const NEXT: Text = { ko: '다음 시도', en: 'next attempt' };
const MORE: Text = { ko: '자세히', en: 'Details' };
const DETAILS_OF: Text = { ko: '발급 실패 건 {id} 자세히', en: 'Details of failed event {id}' };

/** A viewer can select nothing. */
export function columns(
  picked: ReadonlyMap<number, FailedEvent>,
  pick: (row: FailedEvent, isPicked: boolean) => void,
  show: (row: FailedEvent) => void,
): readonly Column<FailedEvent>[] {
  const all: readonly (Column<FailedEvent> | false)[] = [
    may('operator') && {
      name: PICK,
      cell: (row) => (
        <input
          type="checkbox"
          class="pick"
          aria-label={text(PICK_ONE, { id: row.id })}
          checked={picked.has(row.id)}
          onChange={({ currentTarget }) => pick(row, currentTarget.checked)}
        />
      ),
    },
    { name: STATE, cell: ({ status }) => <Badge {...STATUSES[status]} /> },
    {
      name: USER,
      isRowHeader: true,
      cell: ({ userId, campaignId }) =>
        userId === null ? (
          <span class="muted">{text(UNREADABLE)}</span>
        ) : (
          <>
            <a href={consolePath(addressOf('/search', { q: userId }))}>{userId}</a>
            <br />
            <small class="muted below-name">{campaignId}</small>
          </>
        ),
    },
    { name: WHY, cell: (row) => <Why row={row} /> },
    {
      // Both in one column, so that all of them fit a screen of 1440 px.
      name: SINCE,
      cell: ({ createdAt, nextAttemptAt }) => (
        <>
          <ExactTime at={createdAt} />
          {nextAttemptAt !== null && (
            <>
              <br />
              <small class="muted">
                {text(NEXT)} <ExactTime at={nextAttemptAt} />
              </small>
            </>
          )}
        </>
      ),
    },
    {
      name: MORE,
      cell: (row) => (
        <button type="button" aria-label={text(DETAILS_OF, { id: row.id })} onClick={() => show(row)}>
          {text(MORE)}
        </button>
      ),
    },
  ];
  return all.filter((column) => column !== false);
}

function Why({ row }: { readonly row: FailedEvent }) {
  const reason = reasonOf(row);
  return (
    <span class="why">
      {reason === null ? row.errorMessage : text(reason)}
      <br />
      <small class="muted">
        <code>{row.errorCode}</code> · {row.attempts}/{row.maxAttempts}
      </small>
    </span>
  );
}

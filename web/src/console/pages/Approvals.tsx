import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { attempt, codeOf } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { type Approval } from '../approvals/approval.ts';
import { columns } from '../approvals/columns.tsx';
import { DecideDialog, type Decision } from '../approvals/DecideDialog.tsx';
import { Came } from '../approvals/Would.tsx';
import { ACTS, nameOf, STATUSES } from '../approvals/words.ts';
import { DataTable } from '../parts/DataTable.tsx';
import { useFilters } from '../parts/FilterForm.tsx';
import { addressOf } from '../parts/filters.ts';
import { Icon } from '../parts/Icon.tsx';
import { Page } from '../parts/Page.tsx';
import { usePages } from '../parts/use-pages.ts';
import { consolePath } from '../paths.ts';
import { operator } from '../session.ts';
import '../parts/desk.css';

const TITLE: Text = { ko: '승인', en: 'Approvals' };
const WHAT: Text = {
  ko: '되돌릴 수 없는 일은 다른 운영자가 15분 안에 승인해야 실행됩니다. 요청한 사람은 스스로 승인할 수 없습니다.',
  en: 'What cannot be undone is done once another operator has approved it, within 15 minutes. Nobody approves what they have asked for.',
};
const OFF: Text = {
  ko: '지금은 두 번째 운영자가 필요하지 않습니다(TWO_PERSON=false).',
  en: 'No act needs a second operator now (TWO_PERSON=false).',
};
const CAPTION: Text = { ko: '최근 것부터', en: 'Newest first' };
const STATE_CHOICE: Text = { ko: '상태', en: 'State' };
const ALL: Text = { ko: '전체', en: 'All' };
const NONE: Text = { ko: '승인을 기다리는 요청이 없습니다.', en: 'Nothing waits for approval.' };
const NO_MATCH: Text = { ko: '그런 요청이 없습니다.', en: 'There is no such request.' };
const NOT_FOR_VIEWERS: Text = {
  ko: '승인 요청은 운영자와 관리자만 볼 수 있습니다.',
  en: 'Approvals are for operators and admins.',
};
const DONE: Record<Decision, Text> = {
  approve: { ko: '승인하여 실행했습니다: {act}, {subject}', en: 'Approved and done: {act}, {subject}' },
  reject: { ko: '거절했습니다: {act}, {subject}', en: 'Rejected: {act}, {subject}' },
  'take-back': { ko: '요청을 취소했습니다: {act}, {subject}', en: 'Taken back: {act}, {subject}' },
};

const AT_ONCE = 50;
/** How often the list is read again, ms: requests of others come, and their time ends. */
const REFRESH_MS = 10_000;
const WAITING = 'PENDING';
const ALL_STATES = 'ALL';
const CHOICES: readonly (readonly [string | undefined, Text])[] = [
  ...(Object.keys(STATUSES) as Approval['status'][]).map(
    (status) => [status === WAITING ? undefined : status, STATUSES[status].word] as const,
  ),
  [ALL_STATES, ALL],
];

interface Deciding {
  readonly approval: Approval;
  readonly decision: Decision;
}

/** What waits for a second operator, and what was decided. */
export default function Approvals() {
  const { filters } = useFilters(['status'], () => list.reload());
  const { status } = filters;
  const deciding = useSignal<Deciding | null>(null);
  const decided = useSignal<Deciding | null>(null);
  const list = usePages(
    (cursor) => {
      const wanted = status === ALL_STATES ? undefined : ((status ?? WAITING) as Approval['status']);
      return attempt(
        api.GET('/api/admin/approvals', { params: { query: { status: wanted, cursor, limit: AT_ONCE } } }),
      );
    },
    [status],
  );
  // Further pages that were read would be gone.
  const isWhole = list.more === null;
  useEffect(() => {
    if (!isWhole) return;
    const timer = setInterval(() => {
      if (!document.hidden) list.reload();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [status, isWhole]);
  const { value: now } = deciding;
  return (
    <Page title={TITLE}>
      <p class="muted words">{text(operator.value?.service.twoPerson === false ? OFF : WHAT)}</p>
      <ul class="choices" aria-label={text(STATE_CHOICE)}>
        {CHOICES.map(([value, word]) => (
          <li key={value ?? ''}>
            <a
              href={addressOf(consolePath('/approvals'), { status: value })}
              aria-current={status === value ? 'true' : undefined}
            >
              {text(word)}
            </a>
          </li>
        ))}
      </ul>
      {decided.value !== null && <Decided key={decided.value.approval.id} {...decided.value} />}
      <DataTable
        caption={CAPTION}
        columns={columns((approval, decision) => {
          decided.value = null;
          deciding.value = { approval, decision };
        })}
        list={list}
        keyOf={({ id }) => id}
        empty={text(status === undefined ? NONE : NO_MATCH)}
      />
      {codeOf(list.failure) === 'role-not-allowed' && <p>{text(NOT_FOR_VIEWERS)}</p>}
      {now !== null && (
        <DecideDialog
          {...now}
          onClose={(approval) => {
            deciding.value = null;
            if (approval !== null) decided.value = { ...now, approval };
          }}
          onAnswer={list.reload}
        />
      )}
    </Page>
  );
}

function Decided({ approval, decision }: Deciding) {
  const { action, outcome } = approval;
  // The row with the button that had the focus leaves the list.
  const notice = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => notice.current?.focus(), []);
  return (
    <div ref={notice} class="notice good decided" role="status" tabIndex={-1}>
      <Icon name="good" />
      <div>
        {text(DONE[decision], { act: text(ACTS[action]), subject: nameOf(approval) })}
        <Came outcome={outcome} />
      </div>
    </div>
  );
}

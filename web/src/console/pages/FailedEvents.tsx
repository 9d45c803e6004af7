import { useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { attempt, mistakeAt } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { text, type Text } from '../../shared/language.ts';
import { type Act, Acting } from '../failed-events/Acting.tsx';
import { columns } from '../failed-events/columns.tsx';
import { Details } from '../failed-events/Details.tsx';
import { loadInOrder, UNFINISHED } from '../failed-events/in-order.ts';
import { SelectionBar } from '../failed-events/SelectionBar.tsx';
import { type FailedEvent, type Status, STATUSES } from '../failed-events/words.ts';
import { DataTable } from '../parts/DataTable.tsx';
import { Field } from '../parts/Field.tsx';
import { FilterForm, useFilters } from '../parts/FilterForm.tsx';
import { addressOf } from '../parts/filters.ts';
import { NumberWithSource } from '../parts/NumberWithSource.tsx';
import { Page } from '../parts/Page.tsx';
import { usePages } from '../parts/use-pages.ts';
import { consolePath } from '../paths.ts';
import { may } from '../session.ts';

type Consequences = Schemas['FailedEventConsequences'];

const TITLE: Text = { ko: '발급 실패 건', en: 'Failed events' };
const WHAT: Text = {
  ko: '접수되었지만 아직 쿠폰이 되지 못한 신청입니다. 대부분 자동으로 다시 시도하며, "운영자 확인 필요"만 사람이 처리해야 합니다.',
  en: 'Claims that were taken and are no coupons yet. Most go on by themselves; only those that “need you” wait for an operator.',
};
const CAPTION: Text = {
  ko: '운영자 확인 필요부터, 그 안에서는 최근 것부터',
  en: 'Those that need you first, newest first',
};
const CAPTION_ONE: Text = { ko: '최근 것부터', en: 'Newest first' };
const STATE_CHOICE: Text = { ko: '상태', en: 'State' };
const OPEN: Text = { ko: '미완료', en: 'Not finished' };
const ALL: Text = { ko: '전체', en: 'All' };
const CAMPAIGN: Text = { ko: '캠페인 ID', en: 'Campaign' };

const NONE: Text = {
  ko: '기다리는 신청이 없습니다. 접수된 신청은 모두 쿠폰이 되었거나 가는 중입니다.',
  en: 'Nothing waits. Each claim that was taken is a coupon, or on its way.',
};
const NO_MATCH: Text = { ko: '이 조건에 맞는 발급 실패 건이 없습니다.', en: 'No failed event matches.' };

const COUNTED: Text = {
  ko: 'GET /api/admin/failed-events/consequences의 count입니다. 데이터베이스의 행을 셉니다.',
  en: 'The count of GET /api/admin/failed-events/consequences, which counts rows of the database.',
};

const AT_ONCE = 50;
const BESIDE = ['/campaignId'];
/** Those on which one order can act as a whole. */
const WAITING = ['DEAD', 'PENDING'] as const;

/** What waits and why; dead ones first. */
export default function FailedEvents() {
  const { filters, apply } = useFilters(['status', 'campaignId'], () => ended(true));
  const { status, campaignId } = filters;
  const view = JSON.stringify(filters);
  const picked = useSignal<ReadonlyMap<number, FailedEvent>>(new Map());
  const shown = useSignal<FailedEvent | null>(null);
  const acting = useSignal<Act | null>(null);
  const counts = useSignal<Partial<Record<(typeof WAITING)[number], Consequences>>>({});
  const read = (of: string | undefined, cursor: string | undefined) => {
    const query = { status: of as Status | undefined, campaignId, cursor, limit: AT_ONCE };
    return attempt(api.GET('/api/admin/failed-events', { params: { query } }));
  };
  const list = usePages(
    (cursor) =>
      status === undefined
        ? loadInOrder(UNFINISHED, read, cursor)
        : read(status === ALL_STATES ? undefined : status, cursor),
    [view],
  );
  const count = async (): Promise<void> => {
    const answers = await Promise.all(
      WAITING.map(async (of) => {
        const query = { status: of, campaignId };
        const outcome = await attempt(api.GET('/api/admin/failed-events/consequences', { params: { query } }));
        return [of, outcome.ok ? outcome.data : undefined] as const;
      }),
    );
    counts.value = Object.fromEntries(answers);
  };
  // Before the browser paints: a click on the new list must not act on rows of the old one.
  useLayoutEffect(() => {
    picked.value = new Map();
    void count();
  }, [view]);
  const pick = (row: FailedEvent, isPicked: boolean): void => {
    const next = new Map(picked.value);
    if (isPicked) next.set(row.id, row);
    else next.delete(row.id);
    picked.value = next;
  };
  const act = (next: Act): void => {
    shown.value = null;
    acting.value = next;
  };
  const ended = (hasActed: boolean): void => {
    acting.value = null;
    if (!hasActed) return;
    picked.value = new Map();
    list.reload();
    void count();
  };
  const whole = WAITING.find((of) => of === (status ?? 'DEAD'));
  const counted = whole === undefined ? undefined : counts.value[whole];
  return (
    <Page title={TITLE}>
      <p class="muted words">{text(WHAT)}</p>
      <div class="figures">
        {WAITING.map((of) => (
          <NumberWithSource
            key={of}
            label={STATUSES[of].word}
            source={COUNTED}
            value={counts.value[of]?.count ?? null}
          />
        ))}
      </div>
      <ul class="choices" aria-label={text(STATE_CHOICE)}>
        {CHOICES.map(([value, word]) => (
          <li key={value ?? ''}>
            <a
              href={addressOf(consolePath('/failed-events'), { status: value, campaignId })}
              aria-current={status === value ? 'true' : undefined}
            >
              {text(word)}
            </a>
          </li>
        ))}
      </ul>
      <FilterForm
        filters={campaignId === undefined ? {} : { campaignId }}
        onApply={(typed) => apply({ ...(status === undefined ? {} : { status }), ...typed })}
      >
        {(input) => (
          <Field label={CAMPAIGN} mistake={mistakeAt(list.failure, '/campaignId')}>
            {(attributes) => <input {...attributes} {...input('campaignId')} />}
          </Field>
        )}
      </FilterForm>
      {may('operator') && (
        <SelectionBar
          picked={picked.value}
          shown={list.items ?? []}
          onPick={(rows) => (picked.value = new Map(rows.map((row) => [row.id, row])))}
          onAct={(action) => act({ action, rows: [...picked.value.values()] })}
          all={
            whole === undefined || counted === undefined
              ? null
              : {
                  state: STATUSES[whole].word,
                  // A message that cannot be read can be discarded, and not requeued.
                  counts: { requeue: counted.claims, discard: counted.count },
                  onAct: (action) => act({ action, filter: { status: whole, campaignId }, ...counted }),
                }
          }
        />
      )}
      <DataTable
        caption={status === undefined ? CAPTION : CAPTION_ONE}
        columns={columns(picked.value, pick, (row) => (shown.value = row))}
        list={list}
        beside={BESIDE}
        keyOf={({ id }) => id}
        empty={text(status === undefined && campaignId === undefined ? NONE : NO_MATCH)}
      />
      {shown.value !== null && (
        <Details
          row={shown.value}
          onAct={(action) => act({ action, rows: shown.value === null ? [] : [shown.value] })}
          onClose={() => (shown.value = null)}
        />
      )}
      {acting.value !== null && <Acting act={acting.value} onClose={ended} />}
    </Page>
  );
}

const ALL_STATES = 'ALL';
const CHOICES: readonly (readonly [string | undefined, Text])[] = [
  [undefined, OPEN],
  ...(Object.keys(STATUSES) as Status[]).map((status) => [status, STATUSES[status].word] as const),
  [ALL_STATES, ALL],
];

import { attempt, codeOf, mistakeAt } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { ACTIONS, type AuditEntry, changesOf } from '../audit/words.ts';
import { nameOf, written } from '../audit/written.ts';
import { Actor } from '../parts/Actor.tsx';
import { type Column, DataTable } from '../parts/DataTable.tsx';
import { ExactTime } from '../parts/ExactTime.tsx';
import { Field } from '../parts/Field.tsx';
import { FilterForm, useFilters } from '../parts/FilterForm.tsx';
import { addressOf } from '../parts/filters.ts';
import { Page } from '../parts/Page.tsx';
import { usePages } from '../parts/use-pages.ts';
import { consolePath } from '../paths.ts';
import '../audit/audit.css';

const TITLE: Text = { ko: '감사 로그', en: 'Audit log' };
const WHAT: Text = {
  ko: '운영자와 서비스가 바꾼 것, 그리고 쿠폰 코드를 본 것이 남습니다. 아무도 지우거나 고칠 수 없습니다.',
  en: 'What operators and the service have changed, and who has seen codes. The service has no way to change or delete an entry.',
};
const CAPTION: Text = { ko: '최근 것부터', en: 'Newest first' };
const ACTOR: Text = { ko: '담당자 ID', en: 'Who (id)' };
const ACTOR_HINT: Text = {
  ko: '목록의 이름을 누르면 그 담당자의 기록만 보입니다. 직접 입력할 때는 이름이 아니라 API 키의 ID, bootstrap(ADMIN_TOKEN), service, command, 또는 jwt:사용자',
  en: 'A name in the list leads to all entries of that key. To type it: not the name, but the id of an API key, bootstrap (ADMIN_TOKEN), service, command, or jwt: and a user',
};
const ACTION: Text = { ko: '작업', en: 'What' };
const ANYTHING: Text = { ko: '모두', en: 'Anything' };
const CAMPAIGN: Text = { ko: '캠페인 ID', en: 'Campaign' };

const WHEN: Text = { ko: '일시', en: 'When' };
const WHO: Text = { ko: '담당자', en: 'Who' };
const ON: Text = { ko: '대상', en: 'On' };
const CHANGED: Text = { ko: '내용', en: 'Values' };
const ADDRESS: Text = { ko: '접속 주소', en: 'From' };
const SINCE: Text = { ko: '일시(부터)', en: 'Done from' };
const UNTIL: Text = { ko: '일시(이전)', en: 'Done before' };
const BECAME: Text = { ko: '에서', en: 'became' };
const REQUEST: Text = { ko: '요청', en: 'request' };

const NONE: Text = { ko: '아직 기록이 없습니다.', en: 'Nothing has been recorded yet.' };
const NO_MATCH: Text = { ko: '이 조건에 맞는 기록이 없습니다.', en: 'No entry matches these filters.' };
const NOT_FOR_VIEWERS: Text = {
  ko: '감사 로그는 operator 역할부터 볼 수 있습니다.',
  en: 'The audit log is for operators and admins.',
};

const FILTERS = ['actor', 'action', 'campaignId', 'from', 'to'] as const;
const BESIDE = FILTERS.map((name) => `/${name}`);

/** Who did what, and when. */
export default function AuditLog() {
  const { filters, apply } = useFilters(FILTERS, () => list.reload());
  const list = usePages(
    (cursor) => attempt(api.GET('/api/admin/audit-log', { params: { query: { ...filters, cursor, limit: 50 } } })),
    [JSON.stringify(filters)],
  );
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <Page title={TITLE}>
      <p class="muted words">{text(WHAT)}</p>
      <FilterForm filters={filters} onApply={apply} instants={['from', 'to']}>
        {(input) => (
          <>
            <Field label={ACTOR} hint={ACTOR_HINT} mistake={mistakeAt(list.failure, '/actor')}>
              {(attributes) => <input {...attributes} {...input('actor')} spellcheck={false} />}
            </Field>
            <Field label={ACTION} mistake={mistakeAt(list.failure, '/action')}>
              {(attributes) => <ActionChoice {...attributes} {...input('action')} />}
            </Field>
            <Field label={CAMPAIGN} mistake={mistakeAt(list.failure, '/campaignId')}>
              {(attributes) => <input {...attributes} {...input('campaignId')} spellcheck={false} />}
            </Field>
            <Field label={SINCE} mistake={mistakeAt(list.failure, '/from')}>
              {(attributes) => <input {...attributes} {...input('from')} type="datetime-local" step="0.001" />}
            </Field>
            <Field label={UNTIL} mistake={mistakeAt(list.failure, '/to')}>
              {(attributes) => <input {...attributes} {...input('to')} type="datetime-local" step="0.001" />}
            </Field>
          </>
        )}
      </FilterForm>
      <DataTable
        caption={CAPTION}
        columns={COLUMNS}
        list={list}
        beside={BESIDE}
        keyOf={({ id }) => id}
        empty={text(isFiltered ? NO_MATCH : NONE)}
      />
      {codeOf(list.failure) === 'role-not-allowed' && <p>{text(NOT_FOR_VIEWERS)}</p>}
    </Page>
  );
}

/** The known actions; one of a newer service, from the address, is kept. */
function ActionChoice({ value, ...attributes }: { readonly value: string; readonly [name: string]: unknown }) {
  const names = Object.keys(ACTIONS);
  return (
    <select {...attributes} value={value}>
      <option value="">{text(ANYTHING)}</option>
      {(value === '' || names.includes(value) ? names : [...names, value]).map((name) => (
        <option key={name} value={name}>
          {actionWord(name)}
        </option>
      ))}
    </select>
  );
}

function actionWord(action: string): string {
  const word = ACTIONS[action];
  return word === undefined ? action : text(word);
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { name: WHEN, cell: ({ at }) => <ExactTime at={at} /> },
  {
    name: WHO,
    cell: ({ actor }) => (
      <a href={addressOf(consolePath('/audit'), { actor: actor.id })} title={actor.id}>
        <Actor actor={actor} />
      </a>
    ),
  },
  {
    name: ACTION,
    isRowHeader: true,
    cell: ({ action }) => (
      <>
        {actionWord(action)}
        <br />
        <small class="muted below-name">
          <code>{action}</code>
        </small>
      </>
    ),
  },
  { name: ON, cell: (entry) => <Subject entry={entry} /> },
  { name: CHANGED, cell: ({ detail }) => <Changes detail={detail} /> },
  {
    name: ADDRESS,
    cell: ({ address, requestId }) => (
      <>
        {address ?? '–'}
        {requestId !== null && (
          <>
            <br />
            <small class="muted">
              {text(REQUEST)} <code>{requestId}</code>
            </small>
          </>
        )}
      </>
    ),
  },
];

function Subject({ entry: { subject, campaignId } }: { readonly entry: AuditEntry }) {
  return (
    <>
      {subject !== campaignId && (
        <>
          <code>{subject}</code>
          <br />
        </>
      )}
      {campaignId !== null && <a href={consolePath(`/campaigns/${campaignId}`)}>{campaignId}</a>}
    </>
  );
}

function Changes({ detail }: { readonly detail: Readonly<Record<string, unknown>> }) {
  return (
    <ul class="changes">
      {changesOf(detail).map(({ name, before, after }) => (
        <li key={name}>
          <span class="muted">{nameOf(name)}</span>{' '}
          {before !== undefined && (
            <>
              {written(name, before)} <span aria-hidden="true">→</span>
              <span class="sr-only">{text(BECAME)}</span>{' '}
            </>
          )}
          <strong>{written(name, after)}</strong>
        </li>
      ))}
    </ul>
  );
}

import { useSignal } from '@preact/signals';
import { attempt } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { isApproval } from '../approvals/approval.ts';
import { CreateKey } from '../keys/CreateKey.tsx';
import { type ApiKey, keyState, ROLES, STATES } from '../keys/words.ts';
import { type Column, DataTable } from '../parts/DataTable.tsx';
import { ConfirmDialog } from '../parts/Dialog.tsx';
import { addressOf } from '../parts/filters.ts';
import { Page } from '../parts/Page.tsx';
import { Badge } from '../parts/StateBadge.tsx';
import { Time } from '../parts/Time.tsx';
import { usePages } from '../parts/use-pages.ts';
import { consolePath } from '../paths.ts';
import { may, operator } from '../session.ts';
import '../parts/desk.css';

const TITLE: Text = { ko: 'API 키', en: 'API keys' };
const WHAT: Text = {
  ko: '서버와 운영자가 쓰는 키입니다. 폐기한 키도 목록에 남습니다. ADMIN_TOKEN은 키가 아니므로 여기에 없습니다.',
  en: 'Keys of servers and operators; revoked ones stay in the list. The ADMIN_TOKEN is no key, and is not here.',
};
const CAPTION: Text = { ko: '최근에 만든 것부터', en: 'Newest first' };
const CREATE: Text = { ko: '새 API 키…', en: 'New API key…' };
const NAME: Text = { ko: '이름', en: 'Name' };
const ROLE: Text = { ko: '역할', en: 'Role' };
const STATE: Text = { ko: '상태', en: 'State' };
const USED: Text = { ko: '마지막 사용(1분 단위)', en: 'Last use, to a minute' };
const NOT_USED: Text = { ko: '사용한 적 없음', en: 'not used yet' };
const EXPIRES: Text = { ko: '만료', en: 'Expires' };
const NEVER: Text = { ko: '없음', en: 'never' };
const MADE: Text = { ko: '생성', en: 'Made' };
const ACTIVITY: Text = { ko: '한 일', en: 'What it did' };
const AUDIT: Text = { ko: '감사 로그', en: 'Audit log' };
const AUDIT_OF: Text = { ko: '{name}의 감사 로그', en: 'Audit log of {name}' };
const REVOKE: Text = { ko: '폐기', en: 'Revoke' };
const REVOKE_THIS: Text = { ko: '{name} 폐기…', en: 'Revoke {name}…' };
const REVOKE_ASK: Text = { ko: 'API 키 폐기', en: 'Revoke an API key' };
const REVOKE_MEANS: Text = {
  ko: '이 키로는 늦어도 5초 뒤부터 아무것도 할 수 없고, 이 키로 로그인한 콘솔도 끝납니다. 되돌릴 수 없습니다.',
  en: 'Within 5 seconds no process accepts the key any more, and consoles that were signed in with it are signed out. This cannot be undone.',
};
const LAST_USED: Text = { ko: '마지막 사용:', en: 'Last used:' };
const NONE: Text = { ko: '아직 만든 키가 없습니다.', en: 'No key has been made yet.' };
const NOT_FOR_OPERATORS: Text = {
  ko: 'API 키는 admin 역할만 보고 만들 수 있습니다. 지금 로그인한 역할은 {role}입니다.',
  en: 'API keys are for the role admin. You have signed in with the role {role}.',
};

/** The keys of servers and operators. */
export default function Keys() {
  const isCreating = useSignal(false);
  const revoked = useSignal<ApiKey | null>(null);
  const list = usePages(
    (cursor) => attempt(api.GET('/api/admin/keys', { params: { query: { cursor, limit: 50 } } })),
    [],
  );
  const revoke = async ({ id }: ApiKey) => {
    const outcome = await attempt(api.DELETE('/api/admin/keys/{keyId}', { params: { path: { keyId: id } } }));
    if (!outcome.ok) return outcome.failure;
    if (isApproval(outcome.data)) return outcome.data;
    list.reload();
    return null;
  };
  const { value: doomed } = revoked;
  return (
    <Page
      title={TITLE}
      actions={
        may('admin') && (
          <button type="button" class="primary" onClick={() => (isCreating.value = true)}>
            {text(CREATE)}
          </button>
        )
      }
    >
      <p class="muted words">{text(WHAT)}</p>
      <DataTable
        caption={CAPTION}
        columns={columns((key) => (revoked.value = key))}
        list={list}
        keyOf={({ id }) => id}
        empty={text(NONE)}
      />
      {!may('admin') && <p>{text(NOT_FOR_OPERATORS, { role: operator.value?.role ?? '' })}</p>}
      {isCreating.value && (
        <CreateKey
          onClose={(hasMade) => {
            isCreating.value = false;
            if (hasMade) list.reload();
          }}
        />
      )}
      {doomed !== null && (
        <ConfirmDialog
          title={REVOKE_ASK}
          verb={REVOKE}
          typeName={doomed.name}
          act={() => revoke(doomed)}
          onClose={() => (revoked.value = null)}
        >
          <p>{text(REVOKE_MEANS)}</p>
          <p>
            {text(LAST_USED)} <LastUse of={doomed} />
          </p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

function LastUse({ of: { lastUsedAt } }: { readonly of: ApiKey }) {
  return lastUsedAt === null ? <span class="muted">{text(NOT_USED)}</span> : <Time at={lastUsedAt} />;
}

function columns(revoke: (key: ApiKey) => void): readonly Column<ApiKey>[] {
  return [
    {
      name: NAME,
      isRowHeader: true,
      cell: ({ name, id }) => (
        <>
          {name}
          <br />
          <small class="muted below-name">
            <code>{id}</code>
          </small>
        </>
      ),
    },
    { name: ROLE, cell: ({ role }) => <span title={text(ROLES[role].may)}>{text(ROLES[role].name)}</span> },
    { name: STATE, cell: (key) => <Badge {...STATES[keyState(key, Date.now())]} /> },
    { name: USED, cell: (key) => <LastUse of={key} /> },
    {
      name: EXPIRES,
      cell: ({ expiresAt }) =>
        expiresAt === null ? <span class="muted">{text(NEVER)}</span> : <Time at={expiresAt} />,
    },
    {
      name: ACTIVITY,
      cell: ({ id, name }) => (
        <a href={addressOf(consolePath('/audit'), { actor: id })} aria-label={text(AUDIT_OF, { name })}>
          {text(AUDIT)}
        </a>
      ),
    },
    {
      name: REVOKE,
      cell: (key) =>
        key.revokedAt === null ? (
          <button
            type="button"
            class="danger"
            aria-label={text(REVOKE_THIS, { name: key.name })}
            onClick={() => revoke(key)}
          >
            {text(REVOKE)}
          </button>
        ) : (
          <Time at={key.revokedAt} />
        ),
    },
    { name: MADE, cell: ({ createdAt }) => <Time at={createdAt} /> },
  ];
}

import { useSignal } from '@preact/signals';
import { attempt, type Failure, mistakeAt } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { isApproval } from '../approvals/approval.ts';
import { CopyButton } from '../parts/CopyButton.tsx';
import { Dialog } from '../parts/Dialog.tsx';
import { Field } from '../parts/Field.tsx';
import { instantOf, localOf } from '../parts/filters.ts';
import { Icon } from '../parts/Icon.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { Waits } from '../parts/Waits.tsx';
import './keys.css';
import { type KeyRole, ROLES } from './words.ts';

const TITLE: Text = { ko: '새 API 키', en: 'New API key' };
const NAME: Text = { ko: '이름', en: 'Name' };
const NAME_HINT: Text = { ko: '누가 또는 무엇이 이 키를 쓰는지', en: 'Who or what uses the key' };
const ROLE: Text = { ko: '역할', en: 'Role' };
const EXPIRES: Text = { ko: '만료 시각', en: 'Expires' };
const NEVER: Text = { ko: '비워 두면 만료되지 않습니다.', en: 'Empty: never.' };
const CREATE: Text = { ko: '키 만들기', en: 'Make the key' };
const CANCEL: Text = { ko: '취소', en: 'Cancel' };

const MADE: Text = { ko: '"{name}" 키를 만들었습니다', en: 'The key “{name}” is made' };
const ASKED: Text = { ko: '"{name}" 키를 요청했습니다', en: 'The key “{name}” is asked for' };
const OPENS_NOTHING: Text = {
  ko: '다른 관리자가 승인하기 전에는 이 키로 아무것도 할 수 없습니다.',
  en: 'It opens nothing before another admin has approved it.',
};
const ONCE: Text = {
  ko: '키는 지금 한 번만 볼 수 있습니다. 서비스는 이 값을 저장하지 않습니다. 안전한 곳에 보관한 뒤 닫아 주세요.',
  en: 'The key is shown only now: the service does not store it. Keep it in a safe place before you close this.',
};
const KEY: Text = { ko: '키', en: 'Key' };
const COPY: Text = { ko: '복사', en: 'Copy' };
const SAVED: Text = { ko: '키를 안전한 곳에 보관했습니다', en: 'I have kept the key in a safe place' };
const CLOSE: Text = { ko: '닫기', en: 'Close' };

const POINTERS = ['/name', '/role', '/expiresAt'];

/** The key, or the request for it, where a second admin has to approve it. Both hold the text of the key. */
type MadeKey = Schemas['CreatedApiKey'] | Schemas['KeyApproval'];

interface CreateKeyProps {
  /** @param hasMade whether there is a new key. */
  readonly onClose: (hasMade: boolean) => void;
}

/** Makes a key, and shows its secret once. It is not closed before the admin says that it was kept. */
export function CreateKey({ onClose }: CreateKeyProps) {
  const typed = useSignal<{ readonly name: string; readonly role: KeyRole; readonly expiresAt: string }>({
    name: '',
    role: 'viewer',
    expiresAt: '',
  });
  const failure = useSignal<Failure | null>(null);
  const made = useSignal<MadeKey | null>(null);
  const isBusy = useSignal(false);
  const { name, role, expiresAt } = typed.value;
  if (made.value !== null) return <Made name={name.trim()} made={made.value} onClose={() => onClose(true)} />;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy.value) return;
    isBusy.value = true;
    const body = { name: name.trim(), role, expiresAt: expiresAt === '' ? null : expiresAt };
    const outcome = await attempt(api.POST('/api/admin/keys', { body }));
    isBusy.value = false;
    if (outcome.ok) made.value = outcome.data;
    else failure.value = outcome.failure;
  };
  return (
    <Dialog title={TITLE} onClose={() => onClose(false)}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <Field label={NAME} hint={NAME_HINT} mistake={mistakeAt(failure.value, '/name')}>
          {(attributes) => (
            <input
              {...attributes}
              name="name"
              autocomplete="off"
              value={name}
              onInput={({ currentTarget: { value } }) => (typed.value = { ...typed.value, name: value })}
            />
          )}
        </Field>
        <Field label={ROLE} hint={ROLES[role].may} mistake={mistakeAt(failure.value, '/role')}>
          {(attributes) => (
            <select
              {...attributes}
              name="role"
              value={role}
              onChange={({ currentTarget: { value } }) => (typed.value = { ...typed.value, role: value as KeyRole })}
            >
              {(Object.keys(ROLES) as KeyRole[]).map((one) => (
                <option key={one} value={one}>
                  {text(ROLES[one].name)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={EXPIRES} hint={NEVER} mistake={mistakeAt(failure.value, '/expiresAt')}>
          {(attributes) => (
            <input
              {...attributes}
              name="expiresAt"
              type="datetime-local"
              value={localOf(expiresAt)}
              onInput={({ currentTarget: { value } }) =>
                (typed.value = { ...typed.value, expiresAt: instantOf(value) })
              }
            />
          )}
        </Field>
        <ProblemNotice failure={failure.value} beside={POINTERS} />
        <div class="actions end">
          <button type="button" onClick={() => onClose(false)}>
            {text(CANCEL)}
          </button>
          <button type="submit" class="primary" disabled={isBusy.value}>
            {text(CREATE)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface MadeProps {
  readonly name: string;
  readonly made: MadeKey;
  readonly onClose: () => void;
}

function Made({ name, made, onClose }: MadeProps) {
  const isKept = useSignal(false);
  const title = isApproval(made) ? ASKED : MADE;
  return (
    <Dialog title={{ ko: title.ko.replace('{name}', name), en: title.en.replace('{name}', name) }} onClose={null}>
      <div class="stack">
        {isApproval(made) && <Waits approval={made} />}
        <div class="notice warn">
          <Icon name="warn" />
          <div>
            {text(ONCE)}
            {isApproval(made) && <p>{text(OPENS_NOTHING)}</p>}
          </div>
        </div>
        <Field label={KEY}>
          {(attributes) => (
            <input
              {...attributes}
              class="secret"
              readOnly
              autofocus
              value={made.key}
              onFocus={({ currentTarget }) => currentTarget.select()}
            />
          )}
        </Field>
        <CopyButton copied={made.key} label={COPY} />
        <label class="kept">
          <input
            type="checkbox"
            class="pick"
            checked={isKept.value}
            onChange={({ currentTarget }) => (isKept.value = currentTarget.checked)}
          />
          {text(SAVED)}
        </label>
        <div class="actions end">
          <button type="button" class="primary" disabled={!isKept.value} onClick={onClose}>
            {text(CLOSE)}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

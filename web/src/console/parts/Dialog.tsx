import { useSignal } from '@preact/signals';
import { type ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { type Failure } from '../../api/attempt.ts';
import { type Text, text } from '../../shared/language.ts';
import { type Approval, isApproval } from '../approvals/approval.ts';
import { Field } from './Field.tsx';
import { ProblemNotice } from './ProblemNotice.tsx';
import './parts.css';
import { WaitsInDialog } from './Waits.tsx';

const CANCEL: Text = { ko: '취소', en: 'Cancel' };
const CLOSE: Text = { ko: '닫기', en: 'Close' };
const NOT_YET: Text = { ko: '이름을 입력하면 누를 수 있습니다.', en: 'Type the name first.' };
const OTHER_NAME: Text = { ko: '이름이 다릅니다.', en: 'That is another name.' };
const TYPE_NAME: Text = { ko: '확인을 위해 이름을 입력해 주세요', en: 'Type the name to confirm' };

interface DialogProps {
  readonly title: Text;
  /** Esc and the cross; null: it cannot be left without an answer. */
  readonly onClose: (() => void) | null;
  readonly children: ComponentChildren;
}

/** Render it to open it. The browser keeps the focus within, and gives it back when the dialog is gone. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before the browser paints: a key that is pressed right after the dialog opens or closes must find its place.
  useLayoutEffect(() => {
    const opener = document.activeElement;
    const { current } = dialog;
    current?.showModal();
    return () => {
      current?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <div class="dialog-head">
        <h2 id={id}>{text(title)}</h2>
        {onClose !== null && (
          <button type="button" class="plain" onClick={onClose} aria-label={text(CLOSE)}>
            ×
          </button>
        )}
      </div>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: Text;
  readonly onClose: () => void;
  /** On the button: the verb, never "OK". */
  readonly verb: Text;
  /** It cannot be undone: the button is red, and this name has to be typed first. */
  readonly typeName?: string;
  readonly isBlocked?: boolean;
  /** @returns why it was not done, or the approval that it waits for; null closes the dialog. */
  readonly act: () => Promise<Failure | Approval | null>;
  /** More than the words of the API about a refusal; null: these are enough. */
  readonly explain?: (failure: Failure | null) => ComponentChildren;
  /** What will happen, as numbers. */
  readonly children: ComponentChildren;
}

/** Asks before something is done, and shows what the API says if it refuses. */
export function ConfirmDialog({
  title,
  onClose,
  verb,
  typeName,
  isBlocked = false,
  act,
  explain,
  children,
}: ConfirmProps) {
  const typed = useSignal('');
  const failure = useSignal<Failure | null>(null);
  const approval = useSignal<Approval | null>(null);
  const isBusy = useSignal(false);
  const isConfirmed = typeName === undefined || typed.value.trim() === typeName.trim();
  const isOther = !isConfirmed && !(typeName ?? '').trim().startsWith(typed.value.trim());
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!isConfirmed || isBusy.value || isBlocked) return;
    isBusy.value = true;
    const came = await act();
    isBusy.value = false;
    if (came === null) return onClose();
    if (isApproval(came)) approval.value = came;
    else failure.value = came;
  };
  if (approval.value !== null) {
    return (
      <Dialog title={title} onClose={onClose}>
        <WaitsInDialog approval={approval.value} onClose={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        {children}
        {typeName !== undefined && (
          <Field label={TYPE_NAME} hint={typeName} mistake={isOther ? text(OTHER_NAME) : undefined}>
            {(attributes) => (
              <input
                {...attributes}
                autocomplete="off"
                value={typed.value}
                onInput={({ currentTarget }) => (typed.value = currentTarget.value)}
              />
            )}
          </Field>
        )}
        {explain?.(failure.value) ?? <ProblemNotice failure={failure.value} />}
        <div class="actions end">
          {!isConfirmed && <span class="muted">{text(NOT_YET)}</span>}
          <button type="button" onClick={onClose}>
            {text(CANCEL)}
          </button>
          <button
            type="submit"
            class={typeName === undefined ? 'primary' : 'primary danger'}
            disabled={!isConfirmed || isBusy.value || isBlocked}
          >
            {text(verb)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

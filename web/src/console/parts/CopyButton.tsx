import { useSignal } from '@preact/signals';
import { type Text, text } from '../../shared/language.ts';
import './desk.css';

const COPIED: Text = { ko: '복사했습니다', en: 'Copied' };
const NOT_COPIED: Text = {
  ko: '복사하지 못했습니다. 직접 선택해 주세요.',
  en: 'Not copied: select the text yourself.',
};

/** Copies a text, and says whether it did. */
export function CopyButton({ copied, label }: { readonly copied: string; readonly label: Text }) {
  const said = useSignal<Text | null>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(copied);
      said.value = COPIED;
    } catch {
      // Over plain HTTP from another machine a browser forbids it.
      said.value = NOT_COPIED;
    }
  };
  return (
    <span class="copy">
      <button type="button" onClick={() => void copy()}>
        {text(label)}
      </button>
      <span role="status" class="muted">
        {said.value !== null && text(said.value)}
      </span>
    </span>
  );
}

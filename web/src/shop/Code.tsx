import { useSignal } from '@preact/signals';
import { text } from '../shared/language.ts';
import { T } from './texts.ts';

/** The code of the coupon. It can be selected and copied; the button is there where the browser allows it. */
export function Code({ code }: { readonly code: string }) {
  const isCopied = useSignal(false);
  const clipboard = navigator.clipboard as Clipboard | undefined;
  return (
    <div class="code">
      <p class="caption" id="code-label">
        {text(T.code)}
      </p>
      <output class="value" aria-labelledby="code-label">
        {code}
      </output>
      {clipboard !== undefined && (
        <button
          type="button"
          onClick={() =>
            void clipboard.writeText(code).then(
              () => (isCopied.value = true),
              () => undefined,
            )
          }
        >
          {text(isCopied.value ? T.copied : T.copy)}
        </button>
      )}
    </div>
  );
}

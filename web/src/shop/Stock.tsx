import { number, text } from '../shared/language.ts';
import { T } from './texts.ts';

/** What is left, as a number and as a bar. The number says all that the bar says. */
export function Stock({ remaining, total }: { readonly remaining: number | null; readonly total: number }) {
  // Stock and total may have been read a moment apart.
  const share = remaining === null ? 0 : Math.min(1, remaining / total);
  return (
    <div class="stock">
      <p class="caption">{text(T.left)}</p>
      <p class="amount">
        <span class="big number">{remaining === null ? '–' : number(remaining)}</span>{' '}
        <span class="muted">{text(T.ofTotal, { total: number(total) })}</span>
      </p>
      <div class="bar" aria-hidden="true">
        <div class="fill" style={{ transform: `scaleX(${share})` }} />
      </div>
    </div>
  );
}

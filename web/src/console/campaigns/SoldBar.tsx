import { locale, number, type Text, text } from '../../shared/language.ts';
import './campaigns.css';

const UNKNOWN: Text = { ko: '지금은 알 수 없음', en: 'not known now' };

interface SoldBarProps {
  readonly total: number;
  /** null while it is not known. */
  readonly taken: number | null;
  readonly isLarge?: boolean;
}

/** How much of the stock is taken: numbers, and a bar that says the same. */
export function SoldBar({ total, taken, isLarge = false }: SoldBarProps) {
  const part = taken === null || total === 0 ? 0 : Math.min(1, taken / total);
  return (
    <span class={isLarge ? 'sold large' : 'sold'}>
      <span class="sold-bar" aria-hidden="true">
        <span style={{ width: `${part * 100}%` }} />
      </span>
      <span class="number sold-numbers">
        {taken === null ? (
          <span class="muted">
            {text(UNKNOWN)} / {number(total)}
          </span>
        ) : (
          <>
            <strong>{number(taken)}</strong> / {number(total)} <span class="muted">{percent(part)}</span>
          </>
        )}
      </span>
    </span>
  );
}

/** Rounded down: 100 % is said only of a stock that is gone. */
function percent(part: number): string {
  const down = Math.floor(part * 1_000) / 1_000;
  return new Intl.NumberFormat(locale.value, { style: 'percent', maximumFractionDigits: 1 }).format(down);
}

import { type Text, text } from '../shared/language.ts';
import { partsOf } from './page-phase.ts';
import { T } from './texts.ts';

/** The time until the start. Screen readers hear it when they ask; {@link Announcer} says what matters by itself. */
export function Countdown({ left }: { readonly left: number | null }) {
  const parts = left === null ? null : partsOf(left);
  const cells: [Text, number | undefined][] = [
    [T.hours, parts?.hours],
    [T.minutes, parts?.minutes],
    [T.seconds, parts?.seconds],
  ];
  if (parts !== null && parts.days > 0) cells.unshift([T.days, parts.days]);
  const spoken = cells.map(([unit, value]) => `${value ?? '–'} ${text(unit)}`).join(' ');
  return (
    <div class="countdown">
      <p class="caption">{text(T.untilStart)}</p>
      <div role="timer" aria-label={`${text(T.untilStart)} ${spoken}`} class="cells">
        {cells.map(([unit, value]) => (
          <span key={unit.en} class="cell" aria-hidden="true">
            <span class="digits">{value === undefined ? '––' : String(value).padStart(2, '0')}</span>
            <span class="unit">{text(unit)}</span>
          </span>
        ))}
      </div>
    </div>
  );
}

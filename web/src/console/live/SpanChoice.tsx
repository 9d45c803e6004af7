import { type Signal } from '@preact/signals';
import { type Text, text } from '../../shared/language.ts';
import './live.css';
import { type LiveSample } from './samples.ts';

const MINUTE_MS = 60_000;
const SPANS_MS = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS] as const;
const SPAN: Text = { ko: '차트 기간', en: 'Charts show' };
const AUTO: Text = { ko: '자동', en: 'auto' };
const MINUTES: Text = { ko: '{n}분', en: '{n} min' };

/** The shortest span that holds all samples. It grows in steps, so that the charts seldom move. */
export function spanOf(samples: readonly LiveSample[]): number {
  const known = (samples[samples.length - 1]?.at ?? 0) - (samples[0]?.at ?? 0);
  return SPANS_MS.find((span) => known <= span) ?? SPANS_MS[2];
}

/** How far back the charts go. @param chosen null: as far as there are samples. */
export function SpanChoice({ chosen }: { readonly chosen: Signal<number | null> }) {
  return (
    <fieldset class="span-choice">
      <legend>{text(SPAN)}</legend>
      {[null, ...SPANS_MS].map((span) => (
        <label key={span}>
          <input type="radio" name="span" checked={chosen.value === span} onChange={() => (chosen.value = span)} />
          {span === null ? text(AUTO) : text(MINUTES, { n: span / MINUTE_MS })}
        </label>
      ))}
    </fieldset>
  );
}

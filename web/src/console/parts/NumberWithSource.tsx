import { type ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { number, type Text, text } from '../../shared/language.ts';
import { Source } from './Source.tsx';
import './parts.css';

const UNKNOWN: Text = { ko: '알 수 없음', en: 'not known' };

interface FigureProps {
  readonly label: Text;
  /** Where the number comes from, and what it counts. */
  readonly source: Text;
  /** null: it is not known now, which is not 0. */
  readonly value: number | string | null;
  readonly unit?: Text | undefined;
  /** The number is not of now: the connection is lost. */
  readonly isStale?: boolean;
  /** Something beside the number, such as a bar. */
  readonly children?: ComponentChildren;
}

/** A number with its name, its unit, and where it comes from. */
export function NumberWithSource({ label, source, value, unit, isStale = false, children }: FigureProps) {
  const id = useId();
  return (
    <div class={isStale ? 'figure stale' : 'figure'} role="group" aria-labelledby={id}>
      <div class="figure-label">
        <span id={id}>{text(label)}</span> <Source of={label} is={source} />
      </div>
      <div class="figure-value number">
        {value === null ? (
          <span class="muted">
            <span aria-hidden="true">–</span>
            <span class="sr-only">{text(UNKNOWN)}</span>
          </span>
        ) : (
          <>
            {typeof value === 'number' ? number(value) : value}
            {unit !== undefined && <span class="unit"> {text(unit)}</span>}
          </>
        )}
      </div>
      {children}
    </div>
  );
}

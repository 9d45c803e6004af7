import { type ComponentChildren } from 'preact';
import { type Text, text } from '../../shared/language.ts';
import { Badge } from '../parts/StateBadge.tsx';
import { type State } from './words.ts';

interface PanelProps {
  readonly title: Text;
  readonly state: State;
  readonly children: ComponentChildren;
}

/** One part of the system, and whether it works. */
export function Panel({ title, state, children }: PanelProps) {
  return (
    <section class="panel stack" aria-label={text(title)}>
      <div class="panel-head">
        <h2>{text(title)}</h2>
        <Badge {...state} />
      </div>
      {children}
    </section>
  );
}

export type FactPair = readonly [Text, ComponentChildren];

const NOT_KNOWN: Text = { ko: '알 수 없음', en: 'not known' };

/** Names and values; null is what is not known now. */
export function Facts({ facts }: { readonly facts: readonly FactPair[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name.en}>
          <dt>{text(name)}</dt>
          <dd>{value === null || value === false ? <span class="muted">{text(NOT_KNOWN)}</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

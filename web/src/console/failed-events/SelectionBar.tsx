import { number, type Text, text } from '../../shared/language.ts';
import './failed-events.css';
import { type Action } from './selection.ts';
import { type FailedEvent } from './words.ts';

const PICKED: Text = { ko: '{n}건 선택', en: '{n} selected' };
const PICK_SHOWN: Text = { ko: '표시된 {n}건 모두 선택', en: 'Select all {n} shown' };
const NONE: Text = { ko: '선택 해제', en: 'Clear selection' };
const OF_ALL: Record<Action, Text> = {
  requeue: { ko: '{state} {n}건 모두 다시 넣기…', en: 'Requeue all {n} of “{state}”…' },
  discard: { ko: '{state} {n}건 모두 폐기…', en: 'Discard all {n} of “{state}”…' },
};
const ACTIONS: Record<Action, Text> = {
  requeue: { ko: '다시 넣기…', en: 'Requeue…' },
  discard: { ko: '폐기…', en: 'Discard…' },
};

interface BarProps {
  readonly picked: ReadonlyMap<number, FailedEvent>;
  readonly shown: readonly FailedEvent[];
  readonly onPick: (rows: readonly FailedEvent[]) => void;
  readonly onAct: (action: Action) => void;
  /** All that the filters name, also what is not shown; null where the API has no such act. */
  readonly all: {
    readonly state: Text;
    /** Rows to which each act would be done. */
    readonly counts: Readonly<Record<Action, number>>;
    readonly onAct: (action: Action) => void;
  } | null;
}

/** What is selected, and what can be done to it. */
export function SelectionBar({ picked, shown, onPick, onAct, all }: BarProps) {
  const isNothing = picked.size === 0;
  return (
    <div class="selection">
      <span class="selection-count number" role="status">
        {text(PICKED, { n: number(picked.size) })}
      </span>
      <button type="button" disabled={shown.length === 0} onClick={() => onPick(shown)}>
        {text(PICK_SHOWN, { n: number(shown.length) })}
      </button>
      <button type="button" class="plain" disabled={isNothing} onClick={() => onPick([])}>
        {text(NONE)}
      </button>
      <button type="button" disabled={isNothing} onClick={() => onAct('requeue')}>
        {text(ACTIONS.requeue)}
      </button>
      <button type="button" class="danger" disabled={isNothing} onClick={() => onAct('discard')}>
        {text(ACTIONS.discard)}
      </button>
      {all !== null && (
        <span class="selection-all">
          {(['requeue', 'discard'] as const).map((action) => (
            <button
              key={action}
              type="button"
              class={action === 'discard' ? 'danger' : undefined}
              disabled={all.counts[action] === 0}
              onClick={() => all.onAct(action)}
            >
              {text(OF_ALL[action], { n: number(all.counts[action]), state: text(all.state) })}
            </button>
          ))}
        </span>
      )}
    </div>
  );
}

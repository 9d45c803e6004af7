import { useId, useRef } from 'preact/hooks';
import { type Text, text } from '../../shared/language.ts';
import { Icon } from './Icon.tsx';
import './parts.css';

const WHERE_FROM: Text = { ko: '{name}의 출처', en: 'Where {name} comes from' };
const MARGIN = 8;

interface SourceProps {
  /** The name of the number. */
  readonly of: Text;
  /** Where it comes from. */
  readonly is: Text;
}

/** Says where a number comes from: when it is pointed at, focused or touched. Esc closes it. */
export function Source({ of, is }: SourceProps) {
  const id = useId();
  const tip = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const show = (): void => {
    const { current: at } = button;
    const { current: shown } = tip;
    if (at === null || shown === null || shown.matches(':popover-open')) return;
    shown.showPopover();
    const { left, top, bottom } = at.getBoundingClientRect();
    const { width, height } = shown.getBoundingClientRect();
    const x = Math.max(MARGIN, Math.min(left, innerWidth - width - MARGIN));
    const below = bottom + height + MARGIN < innerHeight;
    shown.style.left = `${x}px`;
    shown.style.top = `${below ? bottom + 4 : Math.max(MARGIN, top - height - 4)}px`;
  };
  const hide = (): void => {
    if (tip.current?.matches(':popover-open') === true) tip.current.hidePopover();
  };
  // The pointer may move onto the words, to read or copy them.
  const leave = ({ relatedTarget }: MouseEvent): void => {
    if (!(relatedTarget instanceof Node && tip.current?.contains(relatedTarget) === true)) hide();
  };
  return (
    <span class="source" onMouseLeave={leave}>
      <button
        ref={button}
        type="button"
        class="source-button"
        aria-label={text(WHERE_FROM, { name: text(of) })}
        aria-describedby={id}
        onMouseEnter={show}
        onFocus={show}
        onBlur={hide}
        onClick={show}
        onKeyDown={({ key }) => {
          if (key === 'Escape') hide();
        }}
      >
        <Icon name="info" />
      </button>
      <span ref={tip} id={id} role="tooltip" popover="manual" class="source-words">
        {text(is)}
      </span>
    </span>
  );
}

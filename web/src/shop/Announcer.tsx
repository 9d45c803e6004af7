import { text } from '../shared/language.ts';
import { type Drop } from './drop.ts';
import { refusalText } from './refusal-text.ts';
import { NO_BUTTON, REASONS, T } from './texts.ts';

/** Says to screen readers what has changed, once: not each second, and not each look at the stock. */
export function Announcer({ drop }: { readonly drop: Drop }) {
  return (
    <p class="sr-only" role="status" data-testid="announcer">
      {announcement(drop)}
    </p>
  );
}

function announcement(drop: Drop): string {
  const view = drop.claim.value;
  switch (view.kind) {
    case 'asking':
      return text(T.asking);
    case 'proving':
      return text(T.proving);
    case 'waiting':
      return text(REASONS[view.reason]);
    case 'accepted':
      return `${text(T.accepted)}. ${text(T.number, { n: view.claim.sequence })}`;
    case 'issued':
      return `${text(T.issued)}. ${view.code ?? ''}`;
    case 'signed-out':
      return `${text(T.accepted)}. ${text(T.signedOutMore)}`;
    case 'failed':
      return text(T.failed);
    case 'gone':
      return text(T.gone);
    case 'refused':
      return refusalText(view.code);
    case 'none':
      break;
  }
  const [phase, left] = [drop.phase.value, drop.left.value];
  if (phase === 'scheduled' && left !== null) {
    // The text changes twice before the start, and so is read twice.
    return left <= 10_000 ? text(T.tenLeft) : left <= 60_000 ? text(T.minuteLeft) : '';
  }
  if (phase === 'open') return text(T.started);
  const none = NO_BUTTON[phase];
  return none === undefined ? '' : text(none);
}

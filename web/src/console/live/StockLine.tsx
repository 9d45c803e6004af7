import { number, type Text, text } from '../../shared/language.ts';
import { Time } from '../parts/Time.tsx';
import './live.css';
import { type LiveSample } from './samples.ts';

const SOLD_OUT: Text = { ko: '모두 발급되었습니다:', en: 'Every coupon is issued since' };
const ALL_CLAIMED: Text = {
  ko: '남은 수량이 없습니다. {n}건은 아직 발급되지 않았고, 그중 폐기되는 것은 다시 나옵니다.',
  en: 'None is left. {n} are not issued yet; those that are discarded come back.',
};

/** Whether anything is left, in words. Its line is there before, so that nothing moves in the moment of the sell-out. */
export function StockLine({ sample }: { readonly sample: LiveSample | null }) {
  return (
    <p class="stock-line" role="status">
      {sample !== null && wordsOf(sample)}
    </p>
  );
}

function wordsOf({ remaining, pending, soldOutAt }: LiveSample) {
  if (soldOutAt !== null) {
    return (
      <>
        {text(SOLD_OUT)} <Time at={soldOutAt} />
      </>
    );
  }
  return remaining === 0 && pending !== null ? text(ALL_CLAIMED, { n: number(pending) }) : null;
}

import { text } from '../shared/language.ts';
import { OTHER_REFUSAL, REFUSALS } from './texts.ts';

/** Refusals after which another click can have another outcome. */
const REPEATABLE = new Set([
  'campaign-not-started',
  'campaign-paused',
  'entry-required',
  'challenge-failed',
  'internal-error',
]);

export function refusalText(code: string): string {
  return text(REFUSALS[code] ?? OTHER_REFUSAL, { code });
}

/** Refusals that no longer hold once the campaign is open again: more stock, another end, a proxy whose service is back. */
export const isOpenedAgain = (code: string): boolean => /^(sold-out|campaign-ended|http-\d+)$/.test(code);

export const isRepeatable = (code: string): boolean => REPEATABLE.has(code);

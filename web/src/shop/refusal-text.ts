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

export const isRepeatable = (code: string): boolean => REPEATABLE.has(code);

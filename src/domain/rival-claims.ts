import { type ClaimEvent } from './claim.js';

/**
 * Which of two claims of one user counts: the one with the higher epoch, then the one with the higher sequence. A gate
 * admits a user twice only when it has forgotten or released the first claim, so the later claim is the one it knows.
 *
 * The consumer and the rebuild must decide alike, or gate and database would show the user different claims. So both
 * call this function. A coupon wins over either claim.
 */
export function isLaterClaim(
  a: Pick<ClaimEvent, 'epoch' | 'sequence'>,
  b: Pick<ClaimEvent, 'epoch' | 'sequence'>,
): boolean {
  // mutant: earlier-claim
  return a.epoch === b.epoch ? a.sequence > b.sequence : a.epoch > b.epoch;
}

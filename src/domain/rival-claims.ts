import { type ClaimEvent } from './claim.js';

/**
 * Which of two claims of one user counts: the highest epoch, then the highest sequence. A gate admits a user twice only
 * when it has forgotten or released the first claim, so the later one is what it stands by.
 *
 * The consumer and the rebuild must decide alike, or gate and database would tell the user of different claims; therefore
 * both ask here. A coupon wins over either.
 */
export function isLaterClaim(
  a: Pick<ClaimEvent, 'epoch' | 'sequence'>,
  b: Pick<ClaimEvent, 'epoch' | 'sequence'>,
): boolean {
  return a.epoch === b.epoch ? a.sequence > b.sequence : a.epoch > b.epoch;
}

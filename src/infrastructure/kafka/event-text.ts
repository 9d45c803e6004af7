import { encodeClaimEvent } from '../../domain/claim.js';
import { type EventKey, signEvent } from '../../ports/log/event-signature.js';
import { type OutgoingClaim } from '../../ports/log/claim-log.js';

/** The value of a message: signed, unless we cannot stand for the claim. */
export function eventText(event: OutgoingClaim, key: EventKey): string {
  const text = encodeClaimEvent(event);
  // mutant: unproven-signed
  return event.unproven === true ? text : signEvent(text, key);
}

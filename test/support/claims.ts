import { ulid } from 'ulid';
import { type ClaimEvent } from '../../src/events/claim-event.js';

let made = 0;

/** A claim event like any other, of a user who has made no other one in this process. */
export function claimEvent(over: Partial<ClaimEvent> = {}): ClaimEvent {
  made += 1;
  return {
    claimId: ulid(),
    campaignId: 'default',
    userId: `user-${made}`,
    sequence: made,
    claimedAt: 1_764_000_000_000 + made,
    epoch: 1_764_000_000,
    ...over,
  };
}

import { ulid } from 'ulid';
import { type ClaimEvent } from '../../src/domain/claim.js';

let made = 0;

/** A claim event of a user who has no other claim in this process. */
export function claimEvent(over: Partial<ClaimEvent> = {}): ClaimEvent {
  made += 1;
  return {
    claimId: ulid(),
    campaignId: 'default',
    userId: `user-${made}`,
    sequence: made,
    claimedAt: 1_764_000_000_000 + made,
    idempotencyDigest: null,
    epoch: 1_764_000_000,
    ...over,
  };
}

/** Names the installation of tests that make a gate by hand. */
export const INSTALLATION = 'tests2installat3';

/** The epoch of `claimOf`, and of the stacks that open one by hand. */
export const EPOCH = 100;

/** A claim of user `u<number>`. Its id depends on the number only. */
export function claimOf(number: number, claim: Partial<ClaimEvent> = {}): ClaimEvent {
  return {
    claimId: `01J${String(number).padStart(23, '0')}`,
    campaignId: 'default',
    userId: `u${number}`,
    sequence: number,
    claimedAt: 1_764_000_000_000 + number,
    idempotencyDigest: null,
    epoch: EPOCH,
    ...claim,
  };
}

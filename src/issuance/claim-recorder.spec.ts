import { describe, expect, it } from '@jest/globals';
import {
  type ClaimLog,
  ClaimLogFullError,
  ClaimLogUnavailableError,
  ClaimLogUnconfirmedError,
} from '../events/claim-log.js';
import { claimEvent } from '../../test/support/claims.js';
import { systemClock } from '../platform/flow/clock.js';
import { systemTimers } from '../platform/flow/timers.js';
import { ClaimRecorder } from './claim-recorder.js';
import { type UnpublishedClaims } from './unpublished-claims.js';

/** The error codes of what was stored instead of published. */
async function codesOf(log: Partial<ClaimLog>): Promise<string[]> {
  const codes: string[] = [];
  const unpublished = {
    save: ({ failure }: Parameters<UnpublishedClaims['save']>[0]) => {
      codes.push(failure.errorCode);
      return Promise.resolve();
    },
  } as unknown as UnpublishedClaims;
  const recorder = new ClaimRecorder(log as ClaimLog, unpublished, systemClock, systemTimers);
  expect(await recorder.record(claimEvent(), performance.now())).toBe(true);
  return codes;
}

describe('a claim that the log does not take', () => {
  it.each([
    ['log-away', new ClaimLogUnavailableError('no broker answers')],
    ['log-full', new ClaimLogFullError('too many claims are waiting')],
    ['log-unconfirmed', new ClaimLogUnconfirmedError('no acknowledgement')],
  ])('is stored with the code %s', async (code, error) => {
    expect(await codesOf({ away: false, publish: () => Promise.reject(error) })).toEqual([code]);
  });

  it('is not even offered to a log that is known to be away', async () => {
    expect(await codesOf({ away: true })).toEqual(['log-away']);
  });
});

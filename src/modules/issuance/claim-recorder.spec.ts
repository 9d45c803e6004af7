import { describe, expect, it, jest } from '@jest/globals';
import { claimEvent } from '../../../test/support/claims.js';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { SystemClock, systemClock } from '../../platform/flow/clock.js';
import { systemTimers } from '../../platform/flow/timers.js';
import {
  type ClaimLog,
  ClaimLogFullError,
  ClaimLogUnavailableError,
  ClaimLogUnconfirmedError,
} from '../../ports/log/claim-log.js';
import { type Admission } from '../gate-watch/admission.js';
import { ClaimBudget } from './claim-budget.js';
import { ClaimRecorder } from './claim-recorder.js';
import { type UnpublishedClaims } from './unpublished-claims.js';

/** The error codes of the rows that were stored, after a record that answered `durable`. */
async function codesOf(
  log: Partial<ClaimLog>,
  durable = true,
  budget = new ClaimBudget(systemClock, systemTimers),
): Promise<string[]> {
  const codes: string[] = [];
  const unpublished = {
    save: ({ failure }: Parameters<UnpublishedClaims['save']>[0]) => {
      codes.push(failure.errorCode);
      return Promise.resolve();
    },
  } as unknown as UnpublishedClaims;
  const recorder = new ClaimRecorder(log as ClaimLog, unpublished, { nowhereDurable: false } as Admission, systemClock);
  expect(await recorder.record(claimEvent(), budget)).toBe(durable);
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

  it('is not stored once its time is up, also when the machine slept and only the wall clock tells', async () => {
    const clock = new SystemClock();
    const budget = new ClaimBudget(clock, systemTimers);
    jest.spyOn(clock, 'wall').mockReturnValue(Date.now() + CLAIM_DEADLINE_MS + 1_000);
    expect(await codesOf({ away: true }, false, budget)).toEqual([]);
  });
});

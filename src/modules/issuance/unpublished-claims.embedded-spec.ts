import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimOf, EPOCH } from '../../../test/support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { RecordingDatabase } from '../../../test/support/recording-database.js';
import { watchOf } from '../../../test/support/recovery.js';
import { systemClock } from '../../platform/flow/clock.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { Admission } from '../gate-watch/admission.js';
import { UnpublishedClaims } from './unpublished-claims.js';

describe('a claim that the log did not take', () => {
  let stack: EmbeddedStack;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'default' });
    await openEpoch(stack, EPOCH);
  });

  afterEach(() => stack.close());

  it('is stored under a share of the gate row, so that a rebuild sees it or it is refused', async () => {
    const database = new RecordingDatabase(stack.database);
    const failure = { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: 'away' };
    const watch = watchOf({ database, gate: stack.gate });
    await new UnpublishedClaims(database, new Admission(watch, stack.log), systemClock, systemTimers).save({
      claim: claimOf(1),
      source: 'API',
      failure,
    });
    expect(database.calls).toEqual(['gate.lockShared', 'failedEvents.addUnpublished']);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimOf, EPOCH } from '../../../test/support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import { JOURNAL_PARTITION } from './journal-claim-log.js';
import { recordUnsettled } from './unsettled-journal.js';

const FAILURE = { errorClass: 'unpublished', errorCode: 'x', errorMessage: 'y' };

describe('recordUnsettled', () => {
  let stack: EmbeddedStack;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'default' });
  });
  afterEach(() => stack.close());

  const record = () => recordUnsettled(stack.log, stack.database);
  const rows = async () =>
    (await stack.database.read((unit) => unit.failedEvents.list({ limit: 100 }))).map(({ claim, status, failure }) => ({
      user: claim?.userId ?? null,
      status,
      code: failure.errorCode,
    }));

  it('makes one due row of each claim that is not settled, also when it is repeated', async () => {
    await stack.log.publish(claimOf(1));
    await stack.log.settle(2);
    for (const number of [2, 3, 3]) await stack.log.publish(claimOf(number));
    expect(await record()).toBe(3);
    expect(await record()).toBe(0);
    expect(await rows()).toEqual([
      { user: 'u3', status: 'PENDING', code: 'moved' },
      { user: 'u2', status: 'PENDING', code: 'moved' },
    ]);
    expect((await stack.log.committedOffsets()).get(JOURNAL_PARTITION)).toBe(5);
  });

  it('begins at the first record of a journal that no consumer has read', async () => {
    for (let number = 1; number <= 1_200; number++) void stack.log.publish(claimOf(number));
    await stack.log.drain();
    expect(await record()).toBe(1_200);
  });

  it('makes no row of a claim whose user has a coupon, of a discarded one, or of one that has its row', async () => {
    await stack.database.transaction(async (unit) => {
      await unit.coupons.insert([{ ...claimOf(1), code: 'CODE', createdAt: 0 }]);
      const claims = [claimOf(2), claimOf(3)].map((claim) => ({ claim, source: 'API' as const, failure: FAILURE }));
      await unit.failedEvents.addUnpublished(claims);
      await unit.failedEvents.discard(1, 'a test');
    });
    for (const number of [1, 2, 3]) await stack.log.publish(claimOf(number));
    expect(await record()).toBe(0);
    expect(await rows()).toEqual([
      { user: 'u3', status: 'PENDING', code: 'x' },
      { user: 'u2', status: 'DISCARDED', code: 'x' },
    ]);
  });

  it('makes no row of a stale claim: its slot may belong to another user', async () => {
    await stack.log.publish(claimOf(1));
    await stack.log.publish(claimOf(2));
    await stack.database.transaction((unit) =>
      unit.gate.storeCut({ epoch: EPOCH + 1, offsets: new Map([[JOURNAL_PARTITION, 2]]) }),
    );
    expect(await record()).toBe(1);
    expect(await rows()).toEqual([{ user: 'u1', status: 'PENDING', code: 'moved' }]);
  });

  it('keeps what cannot be read for an operator', async () => {
    await stack.connection.exclusive((runner) =>
      runner.query("INSERT INTO journal (message_key, value, appended_at) VALUES ('k', 'no JSON', 0)"),
    );
    expect(await record()).toBe(1);
    expect(await record()).toBe(0);
    expect(await rows()).toEqual([{ user: null, status: 'DEAD', code: 'unreadable' }]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import '../../../test/support/quiet.js';
import { byOperator } from '../../../test/support/callers.js';
import { failToPublish } from '../../../test/support/failed-events.js';
import { consumeJournal } from '../../../test/support/journal-consumer.js';
import {
  admit,
  CAMPAIGN,
  claimed,
  couponOf,
  drainerOf,
  knownRowOf,
  openRetryStack,
  type RetryStack,
  sql,
} from '../../../test/support/retry.js';
import { DiscardedSlots } from '../gate-watch/discarded-slots.js';
import { type BulkAct, BULK_LIMIT, FailedEventBulk } from './failed-event-bulk.js';
import { FailedEventOperations } from './failed-event-operations.js';

const BY = byOperator('r-1');
const REQUEUE: BulkAct = { kind: 'requeue' };
const DISCARD: BulkAct = { kind: 'discard', reason: 'fraud' };
const DEAD = { status: 'DEAD' } as const;

describe('many failed events at once', () => {
  let stack: RetryStack;
  let bulk: FailedEventBulk;

  beforeEach(async () => {
    stack = await openRetryStack(3);
    const slots = new DiscardedSlots(stack.database, stack.gate, stack.watch);
    bulk = new FailedEventBulk(stack.database, new FailedEventOperations(stack.database, slots));
  });
  afterEach(() => stack.close());

  const dead = async (user: string) => {
    const claim = await admit(stack, user);
    await failToPublish(stack, claim);
    await sql(stack, "UPDATE failed_events SET status = 'DEAD' WHERE claim_id = ?", claim.claimId);
    return claim;
  };
  const unreadable = () =>
    stack.database.transaction(({ failedEvents }) => {
      const record = {
        topic: 'coupon_create',
        partition: 0,
        offset: 7,
        key: null,
        value: Buffer.from('{'),
        headers: {},
      };
      const failure = { errorClass: 'poison', errorCode: 'unreadable', errorMessage: 'no JSON' };
      return failedEvents.quarantine([{ record, claim: null, failure }]);
    });
  const audited = async () =>
    (await stack.database.read(({ audit }) => audit.list({ limit: 100 }))).map(({ action, subject, detail }) => [
      action,
      subject,
      detail.bulk,
    ]);

  it('are counted before: how many there are, and how many hold a claim', async () => {
    await dead('alice');
    await dead('bob');
    await unreadable();
    expect(await bulk.consequences(DEAD)).toEqual({ count: 3, claims: 2, unreadable: 1 });
    expect(await bulk.consequences({ ...DEAD, campaignId: CAMPAIGN })).toEqual({ count: 2, claims: 2, unreadable: 0 });
    expect(await bulk.consequences({ status: 'PENDING' })).toEqual({ count: 0, claims: 0, unreadable: 0 });
  });

  it('are requeued, and become coupons; those without a claim are left', async () => {
    const claims = [await dead('alice'), await dead('bob')];
    await unreadable();
    expect(await bulk.act(DEAD, REQUEUE, 3, BY)).toEqual({
      kind: 'done',
      changed: 2,
      refused: { 'invalid-state': 1 },
      left: 1,
    });
    await drainerOf(stack.database, stack.log).drain();
    await consumeJournal(stack);
    for (const claim of claims) expect(await couponOf(stack, claim)).not.toBeNull();
    expect(await audited()).toEqual([
      ['failed-event.requeue', '2', true],
      ['failed-event.requeue', '1', true],
    ]);
  });

  it('are discarded, and their slots come free; those of users with a coupon are left', async () => {
    const claims = [await dead('alice'), await dead('bob'), await dead('carol')];
    const [alice] = claims;
    await stack.database.transaction(({ coupons }) => coupons.insert([{ ...alice!, code: 'code', createdAt: 1 }]));
    expect(await claimed(stack)).toBe(3);
    expect(await bulk.act({ ...DEAD, campaignId: CAMPAIGN }, DISCARD, 3, BY)).toEqual({
      kind: 'done',
      changed: 2,
      refused: { 'coupon-exists': 1 },
      left: 1,
    });
    expect(await claimed(stack)).toBe(1);
    expect(await knownRowOf(stack, claims[2]!)).toMatchObject({ status: 'DISCARDED', note: 'fraud' });
  });

  it('are left alone where there are not as many as the operator has seen', async () => {
    const claim = await dead('alice');
    for (const expected of [0, 2]) {
      for (const act of [REQUEUE, DISCARD]) {
        expect(await bulk.act(DEAD, act, expected, BY)).toEqual({ kind: 'precondition-failed', count: 1 });
      }
    }
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'DEAD', version: 1 });
    expect(await audited()).toEqual([]);
  });

  it('are left alone where another operator was faster', async () => {
    const claim = await dead('alice');
    const { snapshot } = stack.database;
    stack.database.snapshot = async (work) => {
      const seen = await snapshot.call(stack.database, work as never);
      await sql(stack, "UPDATE failed_events SET status = 'DISCARDED'");
      return seen as never;
    };
    expect(await bulk.act(DEAD, REQUEUE, 1, BY)).toMatchObject({ changed: 0, refused: { 'invalid-state': 1 } });
    stack.database.snapshot = snapshot;
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'DISCARDED' });
  });

  it('are changed a thousand at a time, the newest first', async () => {
    const failure = { errorClass: 'poison', errorCode: 'unreadable', errorMessage: 'no JSON' };
    await stack.database.transaction(({ failedEvents }) =>
      failedEvents.quarantine(
        Array.from({ length: BULK_LIMIT + 1 }, (_, offset) => ({
          record: { topic: 't', partition: 0, offset, key: null, value: null, headers: {} },
          claim: null,
          failure,
        })),
      ),
    );
    const first = await bulk.act(DEAD, DISCARD, BULK_LIMIT + 1, BY);
    expect(first).toEqual({ kind: 'done', changed: BULK_LIMIT, refused: {}, left: 1 });
    expect(await bulk.act(DEAD, DISCARD, 1, BY)).toEqual({ kind: 'done', changed: 1, refused: {}, left: 0 });
  });
});

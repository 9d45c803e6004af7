import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimOf, EPOCH } from '../../../test/support/claims.js';
import {
  claimsOf,
  type ConsumerStack,
  coupons,
  failedEvents,
  failure,
  issuedClaims,
  issuedCount,
  openConsumerStack,
  readableOf,
  recordOf,
  sql,
  statusOf,
} from '../../../test/support/consumer.js';
import { storeCampaign } from '../../../test/support/embedded.js';
import { discardClaim, failToPublish } from '../../../test/support/failed-events.js';
import { type ClaimEvent } from '../../domain/claim.js';

describe('the transaction of a chunk', () => {
  let stack: ConsumerStack;

  beforeEach(async () => {
    stack = await openConsumerStack();
  });

  afterEach(() => stack.close());

  const persist = async (...events: ClaimEvent[]) =>
    (await stack.persistence.persist(events.map((event) => readableOf(event)))).verdicts;
  const storeCut = (epoch: number, ...offsets: [partition: number, offset: number][]) =>
    stack.database.transaction((unit) => unit.gate.storeCut({ epoch, offsets: new Map(offsets) }));
  const persistAt = async (event: ClaimEvent, offset: number, partition = 0) =>
    (await stack.persistence.persist([readableOf(event, offset, partition)])).verdicts[0];

  it('makes a coupon of each claim, as the claim says', async () => {
    const now = () => stack.database.read((unit) => unit.now());
    const before = await now();
    const claim = claimOf(2, { idempotencyDigest: 'A'.repeat(43) });
    expect(await persist(claim, claimOf(1))).toEqual(['issued', 'issued']);
    const [first, second] = await coupons(stack);
    expect(first).toMatchObject({ ...couponOf(claimOf(1)), idempotencyDigest: null });
    expect(second).toMatchObject({ ...couponOf(claim), idempotencyDigest: 'A'.repeat(43) });
    expect(first?.code).not.toBe(second?.code);
    expect(second?.createdAt).toBeGreaterThanOrEqual(before);
    expect(second?.createdAt).toBeLessThanOrEqual(await now());
    expect(await issuedCount(stack)).toBe(2);
  });

  it('counts each campaign for itself', async () => {
    await storeCampaign(stack, { id: 'another', total: 1 });
    const elsewhere = (number: number) => claimOf(number, { campaignId: 'another', userId: 'u1' });
    expect(await persist(claimOf(1), elsewhere(2), claimOf(3))).toEqual(['issued', 'issued', 'issued']);
    expect(await issuedCount(stack)).toBe(2);
    expect(await issuedCount(stack, 'another')).toBe(1);
  });

  it('hands out the pass of the gate row, and none while that is closed', async () => {
    const pass = async () => (await stack.persistence.persist([readableOf(claimOf(1))])).pass;
    expect(await pass()).toEqual(stack.pass);
    await stack.database.transaction((unit) => unit.gate.beginEpoch('somebody', EPOCH + 1, 10_000));
    expect(await pass()).toBeNull();
  });

  describe('for one user', () => {
    it('settles a claim that comes again, in the same chunk or later', async () => {
      expect(await persist(claimOf(1), claimOf(1))).toEqual(['issued', 'duplicate']);
      expect(await persist(claimOf(1))).toEqual(['duplicate']);
      expect(await issuedCount(stack)).toBe(1);
    });

    it('keeps the coupon that exists, whatever claim comes later', async () => {
      await persist(claimOf(1));
      const later = claimOf(2, { userId: 'u1', epoch: EPOCH + 1 });
      expect(await persist(later)).toEqual(['duplicate']);
      expect(await issuedClaims(stack)).toEqual([claimOf(1).claimId]);
    });

    it.each([
      ['the highest epoch', { epoch: EPOCH + 1, sequence: 1 }, { epoch: EPOCH, sequence: 9 }],
      ['the highest sequence of one epoch', { sequence: 9 }, { sequence: 1 }],
    ])('prefers %s among claims of one chunk, as the rebuild does', async (_what, better, worse) => {
      const winner = claimOf(1, { ...better, userId: 'u' });
      const loser = claimOf(2, { ...worse, userId: 'u' });
      expect(await persist(loser, winner, loser)).toEqual(['duplicate', 'issued', 'duplicate']);
      expect(await issuedClaims(stack)).toEqual([winner.claimId]);
    });
  });

  describe('beyond the total', () => {
    it('gives what is left to the first in the order of the gate', async () => {
      await stack.close();
      stack = await openConsumerStack({ total: 2 });
      expect(await persist(claimOf(3), claimOf(1), claimOf(2))).toEqual(['over-total', 'issued', 'issued']);
      expect(await persist(claimOf(4))).toEqual(['over-total']);
      expect(await issuedCount(stack)).toBe(2);
    });

    it('recognizes a repeated claim when the stock is gone, alone or with others', async () => {
      await stack.close();
      stack = await openConsumerStack({ total: 2 });
      await persist(claimOf(1), claimOf(2));
      expect(await persist(claimOf(1))).toEqual(['duplicate']);
      expect(await persist(claimOf(3), claimOf(2))).toEqual(['over-total', 'duplicate']);
    });

    it('does not call a claim a duplicate of one that got nothing', async () => {
      await stack.close();
      stack = await openConsumerStack({ total: 1 });
      const [second, third] = [claimOf(2, { userId: 'u' }), claimOf(3, { userId: 'u' })];
      expect(await persist(claimOf(1), second, third)).toEqual(['issued', 'over-total', 'over-total']);
    });

    it('issues exactly the total when 1,000 claims arrive for 100 coupons', async () => {
      const claims = claimsOf(1, 1_000);
      const chunks = Array.from({ length: 10 }, (_, index) => claims.filter(({ sequence }) => sequence % 10 === index));
      const verdicts = (await Promise.all(chunks.map((chunk) => persist(...chunk)))).flat();
      expect(verdicts.filter((verdict) => verdict === 'issued')).toHaveLength(100);
      expect(verdicts.filter((verdict) => verdict === 'over-total')).toHaveLength(900);
      expect(await issuedCount(stack)).toBe(100);
    });
  });

  describe('a claim of an epoch that is over', () => {
    it('counts before the cut, and is stale from the cut on', async () => {
      await storeCut(EPOCH + 1, [0, 10]);
      expect(await persistAt(claimOf(1), 9)).toBe('issued');
      expect(await persistAt(claimOf(2), 10)).toBe('stale');
      expect(await persistAt(claimOf(3), 11)).toBe('stale');
      expect(await issuedCount(stack)).toBe(1);
    });

    it('is measured by the lowest cut above its own epoch, and by no other', async () => {
      await storeCut(EPOCH, [0, 0]);
      await storeCut(EPOCH + 2, [0, 10]);
      await storeCut(EPOCH + 5, [0, 20]);
      expect(await persistAt(claimOf(1), 15)).toBe('stale');
      expect(await persistAt(claimOf(2, { epoch: EPOCH + 2 }), 15)).toBe('issued');
      expect(await persistAt(claimOf(3, { epoch: EPOCH + 2 }), 20)).toBe('stale');
      expect(await persistAt(claimOf(4, { epoch: EPOCH + 5 }), 1_000)).toBe('issued');
    });

    it('is stale on a partition that the cut does not name', async () => {
      await storeCut(EPOCH + 1, [0, 10]);
      expect(await persistAt(claimOf(1), 0, 1)).toBe('stale');
    });

    it('is stale at every offset of a log that was made anew after the cut', async () => {
      let asked = 0;
      stack.log.logId = () => {
        asked += 1;
        return Promise.resolve('second');
      };
      const cut = { epoch: EPOCH + 1, offsets: new Map([[0, 10]]), logId: 'first' };
      await stack.database.transaction((unit) => unit.gate.storeCut(cut));
      expect(await persistAt(claimOf(1), 0)).toBe('stale');
      expect(asked).toBe(1);
      // Of the open epoch: no cut is above it, and nothing is asked.
      expect(await persistAt(claimOf(2, { epoch: EPOCH + 1 }), 0)).toBe('issued');
      expect(asked).toBe(1);
      stack.log.logId = () => Promise.resolve('first');
      expect(await persistAt(claimOf(3), 9)).toBe('issued');
    });

    it('waits while the log does not tell which one it is', async () => {
      const cut = { epoch: EPOCH + 1, offsets: new Map([[0, 10]]), logId: 'first' };
      await stack.database.transaction((unit) => unit.gate.storeCut(cut));
      stack.log.logId = () => Promise.reject(new Error('no broker answers'));
      await expect(persistAt(claimOf(1), 0)).rejects.toMatchObject({ kind: 'infrastructure', code: 'LOG_AWAY' });
      expect(await issuedCount(stack)).toBe(0);
    });

    it('keeps the coupon that it has', async () => {
      await persist(claimOf(1));
      await storeCut(EPOCH + 1, [0, 0]);
      expect(await persistAt(claimOf(1), 5)).toBe('duplicate');
    });

    it('counts when it was published again under the current epoch', async () => {
      await storeCut(EPOCH + 1, [0, 5]);
      const late = readableOf(claimOf(1), 7);
      const again = readableOf(claimOf(1, { epoch: EPOCH + 1 }), 8);
      expect((await stack.persistence.persist([late, again])).verdicts).toEqual(['stale', 'issued']);
    });

    it('is stale before it is anything that would be quarantined, or it would be published again', async () => {
      await storeCut(EPOCH + 1, [0, 0]);
      await sql(stack, "UPDATE campaigns SET total = 0 WHERE id = 'default'");
      expect(await persist(claimOf(1), claimOf(2, { campaignId: 'unknown' }))).toEqual(['stale', 'stale']);
    });

    it('leaves its failed event alone, which lives under an epoch of its own', async () => {
      await failToPublish(stack, claimOf(1));
      await storeCut(EPOCH + 1, [0, 0]);
      expect(await persist(claimOf(1))).toEqual(['stale']);
      expect(await statusOf(stack, claimOf(1))).toBe('PENDING');
    });
  });

  it('names a claim of a campaign that does not exist', async () => {
    expect(await persist(claimOf(1, { campaignId: 'unknown' }), claimOf(2))).toEqual(['unknown-campaign', 'issued']);
  });

  describe('with failed events', () => {
    it('passes over a claim that an operator has discarded', async () => {
      await failToPublish(stack, claimOf(1), claimOf(2));
      await discardClaim(stack, claimOf(1));
      expect(await persist(claimOf(1), claimOf(2))).toEqual(['discarded', 'issued']);
      expect(await statusOf(stack, claimOf(1))).toBe('DISCARDED');
    });

    it('lets the user of a discarded claim have a new one', async () => {
      await failToPublish(stack, claimOf(1));
      await discardClaim(stack, claimOf(1));
      expect(await persist(claimOf(1), claimOf(2, { userId: 'u1' }))).toEqual(['discarded', 'issued']);
    });

    it('resolves that of a claim that becomes a coupon, and no other', async () => {
      await failToPublish(stack, claimOf(1), claimOf(2));
      await persist(claimOf(1));
      expect(await statusOf(stack, claimOf(1))).toBe('RESOLVED');
      expect(await statusOf(stack, claimOf(2))).toBe('PENDING');
    });

    it('resolves that of a claim that was a coupon already', async () => {
      await persist(claimOf(1));
      await failToPublish(stack, claimOf(1));
      await persist(claimOf(1));
      expect(await statusOf(stack, claimOf(1))).toBe('RESOLVED');
    });

    it('resolves that of a claim whose user has a coupon of another claim: the retry would repeat it without end', async () => {
      const loser = claimOf(2, { userId: 'u1' });
      await failToPublish(stack, loser);
      await persist(claimOf(1));
      expect(await persist(loser)).toEqual(['duplicate']);
      expect(await statusOf(stack, loser)).toBe('RESOLVED');
    });
  });

  it('locks the gate row, then the campaigns, before it reads anything that others change under these locks', async () => {
    await failToPublish(stack, claimOf(1));
    await stack.persistence.persist([readableOf(claimOf(1)), readableOf(claimOf(2, { campaignId: 'another' }))]);
    expect(stack.faults.calls).toEqual([
      'gate.lockShared',
      'gate.cutAbove',
      'campaigns.lock',
      'failedEvents.existOf',
      'failedEvents.statusesOf',
      'coupons.findByUsers',
      'coupons.insert',
      'campaigns.addIssued',
      'failedEvents.resolve',
    ]);
  });

  describe('of claims that are all new', () => {
    it('asks for neither their coupons nor their failed events one by one', async () => {
      expect(await persist(claimOf(1), claimOf(2))).toEqual(['issued', 'issued']);
      expect(stack.faults.calls).toEqual([
        'gate.lockShared',
        'gate.cutAbove',
        'campaigns.lock',
        'failedEvents.existOf',
        'coupons.insert',
        'campaigns.addIssued',
        'failedEvents.resolve',
      ]);
    });

    it('reads the coupons when one of them is not new, and counts no claim twice', async () => {
      await persist(claimOf(2));
      expect(await persist(claimOf(1), claimOf(2), claimOf(3))).toEqual(['issued', 'duplicate', 'issued']);
      expect(await issuedClaims(stack)).toEqual([claimOf(2), claimOf(1), claimOf(3)].map(({ claimId }) => claimId));
      expect(await issuedCount(stack)).toBe(3);
    });

    it('reads first while duplicates come, and later relies on the unique key again', async () => {
      const reads = async (...events: ClaimEvent[]) => {
        stack.faults.calls.length = 0;
        await persist(...events);
        return stack.faults.calls.filter((call) => call.startsWith('coupons.'));
      };
      await persist(claimOf(1));
      expect(await reads(claimOf(1), claimOf(2))).toEqual(['coupons.insert', 'coupons.findByUsers', 'coupons.insert']);
      expect(await reads(claimOf(1), claimOf(3))).toEqual(['coupons.findByUsers', 'coupons.insert']);
      // A trial does not count as a chunk.
      expect(await stack.persistence.acceptsCoupons(claimOf(1).campaignId)).toBe(true);
      expect(await reads(claimOf(4), claimOf(5))).toEqual(['coupons.findByUsers', 'coupons.insert']);
      expect(await reads(claimOf(6), claimOf(7))).toEqual(['coupons.insert']);
      expect(await issuedCount(stack)).toBe(7);
    });

    it('fails as a whole when they are refused for any other reason', async () => {
      await sql(stack, 'CREATE TRIGGER t BEFORE INSERT ON coupons BEGIN SELECT RAISE(ABORT, "no"); END');
      await expect(persist(claimOf(1), claimOf(2))).rejects.toThrow('no');
      expect(stack.faults.calls).not.toContain('coupons.findByUsers');
    });
  });

  it('locks the gate row before it sets anything aside', async () => {
    const record = recordOf('broken', 0);
    const failed = { errorClass: 'poison', errorCode: 'unreadable', errorMessage: 'broken' };
    expect(await stack.persistence.quarantine([{ record, claim: null, failure: failed }])).toEqual(stack.pass);
    expect(stack.faults.calls).toEqual(['gate.lockShared', 'failedEvents.quarantine']);
  });

  it('sets nothing aside that a rebuild has cut off since it was read: it would be published under the new epoch', async () => {
    await storeCut(EPOCH + 1, [0, 5]);
    const failed = { errorClass: 'poison', errorCode: 'over-total', errorMessage: 'no room' };
    const both = [readableOf(claimOf(1), 4), readableOf(claimOf(2), 5)];
    await stack.persistence.quarantine(
      both.map(({ event }, index) => ({
        record: { ...recordOf('{}', 0), offset: 4 + index },
        claim: event,
        failure: failed,
      })),
    );
    expect(await statusOf(stack, claimOf(1))).toBe('PENDING');
    expect(await statusOf(stack, claimOf(2))).toBeUndefined();
  });

  it('leaves nothing behind when it fails before the commit', async () => {
    await failToPublish(stack, claimOf(1));
    stack.faults.beforeCommit = () => {
      throw failure('infrastructure');
    };
    await expect(persist(claimOf(1))).rejects.toThrow('injected');
    expect(await issuedCount(stack)).toBe(0);
    expect(await statusOf(stack, claimOf(1))).toBe('PENDING');
  });

  describe('on trial', () => {
    it('says that coupons are accepted, and leaves nothing behind', async () => {
      expect(await stack.persistence.acceptsCoupons('default')).toBe(true);
      expect(await issuedCount(stack)).toBe(0);
      expect(await failedEvents(stack)).toEqual([]);
    });

    it.each([
      ['no coupon', 'CREATE TRIGGER t BEFORE INSERT ON coupons BEGIN SELECT RAISE(ABORT, "no"); END'],
      ['no counting', 'CREATE TRIGGER t BEFORE UPDATE ON campaigns BEGIN SELECT RAISE(ABORT, "no"); END'],
      ['no look at failed events', 'ALTER TABLE failed_events RENAME TO elsewhere'],
    ])('says that none is accepted when the database allows %s', async (_what, statement) => {
      await sql(stack, statement.replaceAll('"', "'"));
      expect(await stack.persistence.acceptsCoupons('default')).toBe(false);
    });

    it('says that none is accepted when the campaign has no coupon left, or does not exist', async () => {
      await sql(stack, "UPDATE campaigns SET total = 0 WHERE id = 'default'");
      expect(await stack.persistence.acceptsCoupons('default')).toBe(false);
      expect(await stack.persistence.acceptsCoupons('unknown')).toBe(false);
    });

    it('says that none is accepted when the database does not answer', async () => {
      stack.faults.before = () => {
        throw failure('infrastructure');
      };
      expect(await stack.persistence.acceptsCoupons('default')).toBe(false);
    });

    it('rejects when a mistake of ours makes the trial fail', async () => {
      stack.faults.before = () => {
        throw new TypeError('x is undefined');
      };
      await expect(stack.persistence.acceptsCoupons('default')).rejects.toThrow(TypeError);
    });
  });
});

function couponOf({ claimId, campaignId, userId, sequence, claimedAt }: ClaimEvent) {
  return { claimId, campaignId, userId, sequence, claimedAt };
}

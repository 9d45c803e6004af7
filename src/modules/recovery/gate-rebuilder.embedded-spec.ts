import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Border, makeBorder } from '../../../test/support/border.js';
import { claimOf, EPOCH } from '../../../test/support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import { discardClaim, failToPublish } from '../../../test/support/failed-events.js';
import {
  expireLease,
  issueCoupons,
  openPass,
  rebuilderOf,
  SharedGateBuilder,
  StepProbe,
  wipeGate,
} from '../../../test/support/recovery.js';
import { encodeClaimEvent } from '../../domain/claim.js';
import { type ClaimOutcome } from '../../ports/gate/issuance-gate.js';
import { BuilderLease, LEASE_MS } from './builder-lease.js';
import { REBUILD_STEPS, type RebuildStep } from './rebuild-probe.js';

Logger.overrideLogger(false);

let stack: EmbeddedStack;

beforeEach(async () => {
  stack = await openEmbeddedStack();
});

afterEach(async () => {
  await stack.close();
});

const row = () => stack.database.read((unit) => unit.gate.read());
const rebuild = async (probe?: StepProbe) =>
  rebuilderOf(stack, probe === undefined ? {} : { probe }).rebuild((await row()).epoch);
const lookUp = async (userId: string, campaignId = 'default') =>
  stack.gate.lookUp(await openPass(stack), campaignId, userId);
const gauge = async (campaignId = 'default') => (await stack.gate.gauge(await openPass(stack), [campaignId]))[0];
const claim = async (userId: string, campaignId = 'default'): Promise<ClaimOutcome> =>
  stack.gate.claim(await openPass(stack), {
    campaignId,
    userId,
    claimId: `01K${userId.toUpperCase().padStart(23, '0')}`,
    idempotencyDigest: null,
  });
const journal = (sql: string, parameters: unknown[] = []) =>
  stack.connection.exclusive((runner) => runner.query(sql, parameters));

describe('what a rebuilt gate remembers', () => {
  it('keeps every coupon, every open failed event and every claim that is only on the log', async () => {
    await storeCampaign(stack, { id: 'default', total: 10 });
    await issueCoupons(stack, [claimOf(1), claimOf(2, { idempotencyDigest: 'A'.repeat(43) })]);
    await failToPublish(stack, claimOf(3));
    await stack.log.publish(claimOf(4, { idempotencyDigest: 'B'.repeat(43) }));
    wipeGate(stack);

    await rebuild();

    const { claimId, sequence, claimedAt } = claimOf(2);
    expect(await lookUp('u1')).toMatchObject({ kind: 'found', pending: false });
    expect(await lookUp('u2')).toEqual({
      kind: 'found',
      record: { claimId, sequence, claimedAt, idempotencyDigest: 'A'.repeat(43) },
      pending: false,
    });
    expect(await lookUp('u3')).toMatchObject({ kind: 'found', record: { claimId: claimOf(3).claimId }, pending: true });
    expect(await lookUp('u4')).toMatchObject({
      kind: 'found',
      record: { claimId: claimOf(4).claimId, idempotencyDigest: 'B'.repeat(43) },
      pending: true,
    });
    expect(await gauge()).toMatchObject({ claimed: 4, pending: 2, sequence: 4, terms: { total: 10 } });
  });

  it('goes on with the next sequence, and admits exactly what is left', async () => {
    await storeCampaign(stack, { id: 'default', total: 4 });
    await issueCoupons(stack, [claimOf(1)]);
    await failToPublish(stack, claimOf(2));
    await stack.log.publish(claimOf(7));
    await rebuild();
    expect(await claim('new1')).toMatchObject({ kind: 'admitted', sequence: 8 });
    expect(await claim('new2')).toEqual({ kind: 'sold-out', final: false });
  });

  it.each(['a coupon', 'a failed event', 'an event on the log'])(
    'goes on from the latest instant, also when that is of %s',
    async (kind) => {
      await storeCampaign(stack, { id: 'default', total: 9 });
      const ahead = { ...claimOf(2), claimedAt: Date.now() + 3_600_000 };
      if (kind === 'a coupon') await issueCoupons(stack, [ahead]);
      else if (kind === 'a failed event') await failToPublish(stack, ahead);
      else await stack.log.publish(ahead);
      await issueCoupons(stack, [claimOf(1)]);
      await rebuild();
      expect(await claim('new1')).toEqual({ kind: 'admitted', sequence: 3, claimedAt: ahead.claimedAt });
    },
  );

  it('does not go on from an instant that is days ahead', async () => {
    await storeCampaign(stack, { id: 'default', total: 9 });
    await stack.log.publish({ ...claimOf(1), claimedAt: Date.now() + 3 * 86_400_000 });
    await rebuild();
    const { claimedAt } = (await claim('new1')) as { claimedAt: number };
    expect(claimedAt).toBeLessThanOrEqual(Date.now());
  });

  describe('of a log that others can write to', () => {
    let border: Border;
    const write = (text: string) =>
      journal('INSERT INTO journal (message_key, value, appended_at) VALUES (NULL, ?, 0)', [text]);

    beforeEach(async () => {
      await storeCampaign(stack, { id: 'default', total: 2 });
      border = await makeBorder(stack);
    });

    it('is what it has signed itself: a forged event takes no slot and spoils no sequence', async () => {
      await write(border.signed(claimOf(1)).replace('"u1"', '"u66"'));
      await write(border.signed(claimOf(3)));
      await write(encodeClaimEvent(claimOf(67, { sequence: 1_000_000 })));
      await rebuild();
      expect(await gauge()).toMatchObject({ claimed: 1, sequence: 3 });
      expect(await lookUp('u3')).toMatchObject({ kind: 'found', pending: true });
      expect([await lookUp('u66'), await lookUp('u67')]).toEqual([{ kind: 'absent' }, { kind: 'absent' }]);
    });

    it('shows coupons of users whose events are not trusted any more', async () => {
      await write(encodeClaimEvent(claimOf(1)));
      await write(border.signed(claimOf(2)));
      // A consumer has taken it while unsigned events were accepted, behind the back of the snapshot.
      await rebuild(new StepProbe().at('snapshot-staged', () => issueCoupons(stack, [claimOf(1)])));
      expect(await lookUp('u1')).toMatchObject({ kind: 'found', pending: false });
      expect(await gauge()).toMatchObject({ claimed: 2, pending: 1 });
    });

    it('is also what is unsigned, while signatures are not demanded', async () => {
      await border.demand(false);
      await write(border.signed(claimOf(1)).replace('"u1"', '"u66"'));
      await write(encodeClaimEvent(claimOf(3)));
      await rebuild();
      expect(await gauge()).toMatchObject({ claimed: 1, sequence: 3 });
      expect(await lookUp('u3')).toMatchObject({ kind: 'found', pending: true });
    });
  });

  it('reads coupons, failed events and the log in as many pages as it takes', async () => {
    await storeCampaign(stack, { id: 'default', total: 10_000 });
    await storeCampaign(stack, { id: 'other', total: 10_000 });
    const numbers = Array.from({ length: 4_500 }, (_, index) => index + 1);
    await issueCoupons(
      stack,
      numbers.map((number) => claimOf(number, { campaignId: number % 3 === 0 ? 'other' : 'default' })),
    );
    await failToPublish(stack, ...numbers.slice(0, 2_100).map((number) => claimOf(10_000 + number)));
    await Promise.all(numbers.slice(0, 1_200).map((number) => stack.log.publish(claimOf(20_000 + number))));
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 3_000 + 2_100 + 1_200, pending: 3_300, sequence: 21_200 });
    expect(await gauge('other')).toMatchObject({ claimed: 1_500, pending: 0, sequence: 4_500 });
  });

  it('does not give a slot back to a discarded claim, neither from its row nor from the log', async () => {
    await storeCampaign(stack, { id: 'default' });
    await failToPublish(stack, claimOf(1));
    await stack.log.publish(claimOf(1));
    await discardClaim(stack, claimOf(1));
    await rebuild();
    expect(await lookUp('u1')).toEqual({ kind: 'absent' });
  });

  it.each([
    ['a coupon', () => issueCoupons(stack, [claimOf(50)])],
    ['an open failed event', () => failToPublish(stack, claimOf(50))],
    [
      'a discarded claim',
      async () => {
        await failToPublish(stack, claimOf(50));
        await discardClaim(stack, claimOf(50));
      },
    ],
    ['a claim on the log', () => stack.log.publish(claimOf(50))],
    [
      'a claim on the log that loses against the coupon of its user',
      async () => {
        await issueCoupons(stack, [claimOf(1)]);
        await stack.log.publish(claimOf(50, { userId: 'u1' }));
      },
    ],
    [
      'a stale claim on the log',
      async () => {
        await stack.database.transaction((unit) =>
          unit.gate.storeCut({ epoch: EPOCH + 1, offsets: new Map([[0, 1]]) }),
        );
        await stack.log.publish(claimOf(50));
      },
    ],
  ])('never gives the sequence of %s out again', async (_what, happen) => {
    await storeCampaign(stack, { id: 'default' });
    await happen();
    await rebuild();
    expect(await claim('new1')).toMatchObject({ kind: 'admitted', sequence: 51 });
  });

  it('ignores a forged sequence on the log that no gate can have reached', async () => {
    await storeCampaign(stack, { id: 'default' });
    await stack.log.publish(claimOf(50));
    await stack.log.publish(claimOf(51, { sequence: Number.MAX_SAFE_INTEGER }));
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 2 });
    expect(await claim('new1')).toMatchObject({ kind: 'admitted', sequence: 51 });
  });

  it('leaves out a stale claim, and keeps the one right before the cut', async () => {
    await storeCampaign(stack, { id: 'default' });
    await stack.log.publish(claimOf(1));
    await stack.log.publish(claimOf(2));
    await stack.log.publish(claimOf(3, { epoch: EPOCH + 1 }));
    await stack.database.transaction((unit) => unit.gate.storeCut({ epoch: EPOCH + 1, offsets: new Map([[0, 2]]) }));
    await rebuild();
    expect(await lookUp('u1')).toMatchObject({ kind: 'found' });
    expect(await lookUp('u2')).toEqual({ kind: 'absent' });
    expect(await lookUp('u3')).toMatchObject({ kind: 'found' });
  });

  it('lets the coupon win over another claim of its user, which is not pending then', async () => {
    await storeCampaign(stack, { id: 'default' });
    await issueCoupons(stack, [claimOf(1), claimOf(2)]);
    await failToPublish(stack, claimOf(11, { userId: 'u1', epoch: EPOCH + 1 }));
    await stack.log.publish(claimOf(12, { userId: 'u2', epoch: EPOCH + 1 }));
    await rebuild();
    for (const number of [1, 2]) {
      const { claimId } = claimOf(number);
      expect(await lookUp(`u${number}`)).toMatchObject({ kind: 'found', record: { claimId }, pending: false });
    }
    expect(await gauge()).toMatchObject({ claimed: 2, pending: 0 });
  });

  it('keeps of two claims of a user that of the higher epoch, then that of the higher sequence', async () => {
    await storeCampaign(stack, { id: 'default' });
    await failToPublish(
      stack,
      claimOf(11, { userId: 'u1', epoch: EPOCH }),
      claimOf(3, { userId: 'u2', epoch: EPOCH + 1 }),
    );
    await stack.log.publish(claimOf(5, { userId: 'u1', epoch: EPOCH + 1 }));
    await stack.log.publish(claimOf(4, { userId: 'u2', epoch: EPOCH + 1 }));
    await rebuild();
    expect(await lookUp('u1')).toMatchObject({ record: { sequence: 5 } });
    expect(await lookUp('u2')).toMatchObject({ record: { sequence: 4 } });
  });

  it('passes over what is unreadable and what belongs to no campaign', async () => {
    await storeCampaign(stack, { id: 'default' });
    await journal('INSERT INTO journal (message_key, value, appended_at) VALUES (NULL, ?, 0), (NULL, NULL, 0)', [
      'not json',
    ]);
    await stack.log.publish(claimOf(1, { campaignId: 'nowhere' }));
    await failToPublish(stack, claimOf(2, { campaignId: 'nowhere' }));
    await stack.log.publish(claimOf(3));
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 1 });
    expect(await gauge('nowhere')).toEqual({ kind: 'fenced', reason: 'meta-missing' });
  });

  it('passes over the claims of a past epoch on a log that was made anew, and stores which log its cut is of', async () => {
    await storeCampaign(stack, { id: 'default' });
    stack.log.logId = () => Promise.resolve('second');
    const cut = { epoch: EPOCH + 1, offsets: new Map([[0, 1_000]]), logId: 'first' };
    await stack.database.transaction((unit) => unit.gate.storeCut(cut));
    await stack.log.publish(claimOf(1));
    await stack.log.publish(claimOf(2, { epoch: EPOCH + 1 }));
    await rebuild();
    expect(await lookUp('u1')).toEqual({ kind: 'absent' });
    expect(await lookUp('u2')).toMatchObject({ kind: 'found', pending: true });
    const own = await stack.database.read((unit) => unit.gate.cutAbove(EPOCH + 1));
    expect(own).toEqual({ epoch: (await row()).epoch, offsets: new Map([[0, 3]]), logId: 'second' });
  });

  it('fails when the log is made anew while its offsets are read', async () => {
    await storeCampaign(stack, { id: 'default' });
    let asked = 0;
    stack.log.logId = () => Promise.resolve(`log ${(asked += 1)}`);
    await expect(rebuild()).rejects.toThrow('made anew');
    expect(await stack.database.read((unit) => unit.gate.epochsWithCut())).toEqual([]);
  });

  it('passes over the claims of another installation, and says so once', async () => {
    await storeCampaign(stack, { id: 'default' });
    const { installation } = await row();
    await stack.log.publish({ ...claimOf(1), installation });
    await stack.log.publish({ ...claimOf(90), installation: 'another' });
    await stack.log.publish({ ...claimOf(91), installation: 'another' });
    // An event of a version that named no installation.
    await stack.log.publish(claimOf(2));
    const errors = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    await rebuild();
    // Their sequences are not ours either.
    expect(await gauge()).toMatchObject({ claimed: 2, pending: 2, sequence: 2 });
    expect(await lookUp('u90')).toEqual({ kind: 'absent' });
    const lines = errors.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('another'));
    expect(lines).toEqual([`claims of installation another are on the log of ${installation}: ignored`]);
    errors.mockRestore();
  });

  it('passes over a batch that cannot be read, whatever its bytes look like', async () => {
    await storeCampaign(stack, { id: 'default' });
    await stack.log.publish(claimOf(1));
    await stack.log.publish(claimOf(2));
    const read = stack.log.read.bind(stack.log);
    stack.log.read = async function* (...range) {
      for await (const page of read(...range)) {
        yield page.map((record, at) => (at === 0 ? { ...record, unreadable: 'offsets 1 to 1: lz4' } : record));
      }
    };
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 1 });
    expect(await lookUp(claimOf(1).userId)).toEqual({ kind: 'absent' });
  });

  it('forgets a claim that did not become durable, and lets its user claim again', async () => {
    await storeCampaign(stack, { id: 'default' });
    await rebuild();
    expect(await claim('alice')).toMatchObject({ kind: 'admitted' });
    wipeGate(stack);
    await rebuild();
    expect(await lookUp('alice')).toEqual({ kind: 'absent' });
    expect(await claim('alice')).toMatchObject({ kind: 'admitted' });
  });

  it('holds more claims than the total when more are durable, and admits no other', async () => {
    await storeCampaign(stack, { id: 'default', total: 1 });
    await issueCoupons(stack, [claimOf(1)]);
    await stack.log.publish(claimOf(2));
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 2, terms: { total: 1 } });
    expect(await claim('new1')).toEqual({ kind: 'sold-out', final: false });
  });
});

describe('where a rebuild reads the log from', () => {
  const publishThree = async () => {
    await storeCampaign(stack, { id: 'default' });
    for (const number of [1, 2, 3]) await stack.log.publish(claimOf(number));
  };
  const commit = (offset: number) =>
    journal("INSERT INTO journal_offsets (consumer_group, settled) VALUES ('coupon-consumer', ?)", [offset]);

  it('is the start of the log when the group never committed', async () => {
    await publishThree();
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 3 });
  });

  it('is the committed offset otherwise', async () => {
    await publishThree();
    await commit(3);
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 1 });
  });

  it('is the start of the log when the committed offset was pruned away', async () => {
    await publishThree();
    await commit(1);
    await journal('DELETE FROM journal WHERE id < 2');
    const read = stack.log.read.bind(stack.log);
    let from: unknown;
    stack.log.read = (first, end) => {
      from = first;
      return read(first, end);
    };
    await rebuild();
    expect(from).toEqual(new Map([[0, 2]]));
    expect(await gauge()).toMatchObject({ claimed: 2 });
  });

  it('is the start of the log when the committed offset lies above its end, as after the topic was recreated', async () => {
    await publishThree();
    await commit(1_000);
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 3 });
  });
});

describe('the cut', () => {
  it('is the end of the log after the old answers ran out, stored before the database is read', async () => {
    await storeCampaign(stack, { id: 'default' });
    await rebuild();
    const { epoch: old } = await row();
    const builder = new SharedGateBuilder(stack.memory);
    let late = Promise.resolve();
    const probe = new StepProbe()
      .at('older-epochs-dropped', () => stack.log.publish(claimOf(1, { epoch: old })))
      .at('offsets-read', () => (late = stack.log.publish(claimOf(2, { epoch: old }))))
      .at('cut-stored', async () => {
        await late;
        // From here on the consumer judges by the cut; it committed this claim just before.
        await issueCoupons(stack, [claimOf(3, { epoch: old })]);
      });
    await rebuilderOf(stack, { probe, builder }).rebuild(old);

    expect(await stack.database.read((unit) => unit.gate.cutAbove(old))).toEqual({
      epoch: probe.epoch,
      offsets: new Map([[0, 2]]),
    });
    expect(await lookUp('u1')).toMatchObject({ kind: 'found', pending: true });
    expect(await lookUp('u2')).toEqual({ kind: 'absent' });
    expect(await lookUp('u3')).toMatchObject({ kind: 'found', pending: false });
  });

  it('is stored before the snapshot begins, so that the consumer judges by it what the snapshot lacks', async () => {
    await storeCampaign(stack, { id: 'default' });
    const { database } = stack;
    const snapshot = database.snapshot.bind(database);
    const cuts: unknown[] = [];
    database.snapshot = async (work) => {
      cuts.push(await database.read((unit) => unit.gate.cutAbove(0)));
      return snapshot(work);
    };
    await rebuild();
    expect(cuts).toEqual([{ epoch: (await row()).epoch, offsets: new Map([[0, 1]]) }]);
  });

  it.each([
    ['a coupon', () => issueCoupons(stack, [claimOf(1)]), false],
    ['a failed event', () => failToPublish(stack, claimOf(1)), true],
  ])('does not lose %s whose message was consumed and deleted after the snapshot', async (_what, consume, pending) => {
    await storeCampaign(stack, { id: 'default' });
    await stack.log.publish(claimOf(1));
    await stack.log.publish(claimOf(2));
    let deleted = false;
    const probe = new StepProbe().at('snapshot-staged', async () => {
      if (deleted) return;
      deleted = true;
      await consume();
      await stack.log.settle(2);
    });
    await rebuild(probe);
    expect(await lookUp('u1')).toMatchObject({ kind: 'found', record: { claimId: claimOf(1).claimId }, pending });
    expect(await lookUp('u2')).toMatchObject({ kind: 'found', pending: true });
    expect(await gauge()).toMatchObject({ claimed: 2 });
  });

  it('does not lose a coupon whose message is deleted while the log is read', async () => {
    await storeCampaign(stack, { id: 'default' });
    for (const number of [1, 2, 3]) await stack.log.publish(claimOf(number));
    const { log } = stack;
    const read = log.read.bind(log);
    let reads = 0;
    log.read = async function* (from, to) {
      reads += 1;
      if (reads === 1) {
        await issueCoupons(stack, [claimOf(1), claimOf(2), claimOf(3)]);
        await log.settle(4);
      }
      yield* read(from, to);
    };
    await rebuild();
    expect(await gauge()).toMatchObject({ claimed: 3, pending: 0 });
  });

  it('does not forget claims that it has read when retention deletes them before they are consumed', async () => {
    await storeCampaign(stack, { id: 'default' });
    for (const number of [1, 2, 3]) await stack.log.publish(claimOf(number));
    let deleted = false;
    const probe = new StepProbe().at('log-read', async () => {
      if (deleted) return;
      deleted = true;
      // The second round also sees the campaign as it is now.
      await stack.database.transaction((unit) => unit.campaigns.update('default', { total: 60 }, 2));
      await journal('DELETE FROM journal');
    });
    await rebuild(probe);
    expect(probe.steps.filter((step) => step === 'log-read')).toHaveLength(2);
    for (const number of [1, 2, 3]) {
      const { claimId } = claimOf(number);
      expect(await lookUp(`u${number}`)).toMatchObject({ kind: 'found', record: { claimId }, pending: true });
    }
    expect(await gauge()).toMatchObject({ claimed: 3, pending: 3, sequence: 3, terms: { total: 60, version: 2 } });
  });

  it('does not lose a coupon that was committed between the snapshot and the reading of the log', async () => {
    await storeCampaign(stack, { id: 'default' });
    await stack.log.publish(claimOf(1));
    await rebuild(new StepProbe().at('snapshot-staged', () => issueCoupons(stack, [claimOf(1)])));
    expect(await lookUp('u1')).toMatchObject({
      kind: 'found',
      record: { claimId: claimOf(1).claimId },
      pending: false,
    });
  });
});

describe('campaigns that change during a rebuild', () => {
  it.each(REBUILD_STEPS.slice(0, -1))(
    'are at the gate as the database has them when they change after: %s',
    async (step) => {
      await storeCampaign(stack, { id: 'default', total: 100 });
      await issueCoupons(stack, [claimOf(1)]);
      await stack.log.publish(claimOf(2));
      const probe = new StepProbe().at(step, async () => {
        await stack.database.transaction((unit) => unit.campaigns.update('default', { total: 60, state: 'PAUSED' }, 2));
        await storeCampaign(stack, { id: 'fresh', total: 5 });
      });
      await rebuild(probe);
      expect(await gauge()).toMatchObject({
        claimed: 2,
        sequence: 2,
        terms: { total: 60, state: 'PAUSED', version: 2 },
      });
      expect(await gauge('fresh')).toMatchObject({ claimed: 0, terms: { total: 5, version: 1 } });
      expect(await claim('new1', 'fresh')).toMatchObject({ kind: 'admitted', sequence: 1 });
    },
  );
});

describe('the epoch of a rebuild', () => {
  it('is at least the unix time, and above the one before', async () => {
    const now = Math.floor((await stack.database.read((unit) => unit.now())) / 1_000);
    await rebuild();
    const first = await row();
    expect(first.epoch).toBeGreaterThanOrEqual(now);
    await rebuild();
    expect((await row()).epoch).toBeGreaterThan(first.epoch);
    const ahead = first.epoch + 1_000_000;
    await journal('UPDATE gate SET epoch = ?', [ahead]);
    await rebuild();
    expect((await row()).epoch).toBe(ahead + 1);
  });

  it('is none that a restored database has forgotten', async () => {
    await storeCampaign(stack, { id: 'default' });
    await rebuild();
    const lost = await row();
    await journal('UPDATE gate SET epoch = 3, script_sha = ?', ['backup']);
    await rebuilderOf(stack).rebuild(lost.epoch);
    expect((await row()).epoch).toBeGreaterThan(lost.epoch);
    expect(await gauge()).toMatchObject({ claimed: 0 });
  });

  it('waits for the answers under an older one, and waits for nothing where none was ever open', async () => {
    const probe = new StepProbe();
    const waits: [number, RebuildStep | undefined][] = [];
    const wait = jest.spyOn(BuilderLease.prototype, 'wait').mockImplementation((ms) => {
      waits.push([ms, probe.steps.at(-1)]);
      return Promise.resolve();
    });
    const builder = new (class extends SharedGateBuilder {
      override readonly quiesceMs = 3_000;
    })(stack.memory);
    const rebuilder = rebuilderOf(stack, { probe, builder });
    await rebuilder.rebuild(0);
    expect(waits).toEqual([]);
    await rebuilder.rebuild((await row()).epoch);
    expect(waits).toEqual([[3_000, 'older-epochs-dropped']]);
    wait.mockRestore();
  });
});

describe('several rebuilders', () => {
  const shared = (probe?: StepProbe) =>
    rebuilderOf(stack, { builder: new SharedGateBuilder(stack.memory), ...(probe === undefined ? {} : { probe }) });
  let revive: () => void = () => undefined;
  /** A builder that dies after the step: it no longer reaches the database, until it is revived. */
  const dying = (probe: StepProbe, step: RebuildStep) => {
    const database = Object.create(stack.database) as typeof stack.database;
    const killed = () => Promise.reject(new Error('killed'));
    probe.at(step, () => {
      database.transaction = killed;
      return killed();
    });
    revive = () => {
      probe.at(step, () => Promise.resolve());
      database.transaction = stack.database.transaction.bind(stack.database);
    };
    return rebuilderOf({ ...stack, database }, { probe, builder: new SharedGateBuilder(stack.memory) });
  };

  it('meet the same fence: one opens, the others return', async () => {
    await storeCampaign(stack, { id: 'default' });
    const probes = [new StepProbe(), new StepProbe(), new StepProbe()];
    await Promise.all(probes.map((probe) => shared(probe).rebuild(0)));
    const built = probes.filter(({ steps }) => steps.length > 0);
    expect(built).toHaveLength(1);
    expect((await openPass(stack)).epoch).toBe(built[0]?.epoch);
  });

  it('return at once when the epoch has moved on and the gate answers', async () => {
    await storeCampaign(stack, { id: 'default' });
    await shared().rebuild(0);
    const before = await row();
    await shared().rebuild(before.epoch - 1);
    expect(await row()).toEqual(before);
  });

  it.each([
    ['the fence is gone', () => wipeGate(stack)],
    [
      'a campaign is damaged',
      () => {
        for (const epoch of openEpochs) stack.memory.campaign(epoch, 'default').applied.set('ghost', claimRecord);
      },
    ],
  ])('rebuild again when the epoch has moved on but %s', async (_what, damage) => {
    await storeCampaign(stack, { id: 'default' });
    await shared().rebuild(0);
    const before = await row();
    openEpochs = [before.epoch];
    damage();
    await shared().rebuild(before.epoch - 1);
    expect((await row()).epoch).toBeGreaterThan(before.epoch);
    expect(await gauge()).toMatchObject({ claimed: 0 });
  });

  describe('read the row before they lock it, and', () => {
    /** Runs `happen` between the first read and the lock of the next rebuild. */
    const inBetween = (happen: () => Promise<unknown>) => {
      const { database } = stack;
      const transaction = database.transaction.bind(database);
      let happened = false;
      database.transaction = async (work) => {
        if (!happened) {
          happened = true;
          await happen();
        }
        return transaction(work);
      };
    };

    it('do not close an epoch that was opened in between', async () => {
      await storeCampaign(stack, { id: 'default' });
      await shared().rebuild(0);
      const seen = (await row()).epoch;
      let opened = await row();
      inBetween(async () => {
        await shared().rebuild(seen);
        opened = await row();
      });
      await shared().rebuild(seen);
      expect(opened.epoch).toBeGreaterThan(seen);
      expect(await row()).toEqual(opened);
    });

    it('leave an expired lease to a builder that renewed it in between', async () => {
      await stack.database.transaction((unit) => unit.gate.beginEpoch('elsewhere', 7, 0));
      inBetween(() => stack.database.transaction((unit) => unit.gate.renewLease('elsewhere', 7, 10_000)));
      await shared().rebuild(7);
      expect(await row()).toMatchObject({ epoch: 7, builder: 'elsewhere', fence: null });
    });
  });

  it('join one another in one process', async () => {
    const probe = new StepProbe();
    const rebuilder = shared(probe);
    await Promise.all([rebuilder.rebuild(0), rebuilder.rebuild(0), rebuilder.rebuild(0)]);
    expect(probe.steps).toEqual([...REBUILD_STEPS]);
  });

  it('leave another builder’s lease alone until it has run out', async () => {
    await stack.database.transaction((unit) => unit.gate.beginEpoch('elsewhere', 7, 10_000));
    await shared().rebuild(7);
    expect(await row()).toMatchObject({ epoch: 7, builder: 'elsewhere', fence: null });
    await expireLease(stack);
    await shared().rebuild(7);
    expect((await openPass(stack)).epoch).toBeGreaterThan(7);
  });

  it('do not wait for a lease that ends later than any lease can: the database’s clock has stepped back', async () => {
    await stack.database.transaction((unit) => unit.gate.beginEpoch('elsewhere', 7, LEASE_MS + 60_000));
    await shared().rebuild(7);
    expect((await openPass(stack)).epoch).toBeGreaterThan(7);
  });

  it('do not wait for the second in which others go first when the database’s clock has stepped back', async () => {
    const probe = new StepProbe().at('cut-stored', () => Promise.reject(new Error('the log is away')));
    const rebuilder = shared(probe);
    await expect(rebuilder.rebuild(0)).rejects.toThrow('away');
    probe.at('cut-stored', () => Promise.resolve());
    await journal('UPDATE gate SET lease_until = lease_until + 5000');
    await rebuilder.rebuild(0);
    expect((await openPass(stack)).epoch).toBe(probe.epoch);
  });

  it('do not wait for a dead process where no other one can live', async () => {
    await stack.database.transaction((unit) => unit.gate.beginEpoch('killed', 7, 10_000));
    await rebuilderOf(stack).rebuild(7);
    expect((await openPass(stack)).epoch).toBeGreaterThan(7);
  });

  it.each(REBUILD_STEPS.slice(0, -1))(
    'change nothing after another one took the expired lease over, when they go on after: %s',
    async (step) => {
      await storeCampaign(stack, { id: 'default', total: 10 });
      await shared().rebuild(0);
      await issueCoupons(stack, [claimOf(1)]);
      const seen = (await row()).epoch;
      await stack.log.publish(claimOf(2, { epoch: seen }));
      let opened = await row();
      let cuts: unknown;
      const sleeper = new StepProbe().at(step, async () => {
        await expireLease(stack);
        await shared().rebuild(seen);
        opened = await row();
        // A user claims under the new epoch; the sleeper must not remove that claim either.
        expect(await claim('new1')).toMatchObject({ kind: 'admitted', sequence: 3 });
        cuts = await journal('SELECT * FROM gate_cuts ORDER BY epoch, log_partition');
      });

      await shared(sleeper).rebuild(seen);

      expect(sleeper.epoch).toBeLessThan(opened.epoch);
      expect(await row()).toEqual(opened);
      expect(await journal('SELECT * FROM gate_cuts ORDER BY epoch, log_partition')).toEqual(cuts);
      expect(await gauge()).toMatchObject({ claimed: 3, sequence: 3 });
      expect(stack.memory.letsIn({ ...(await openPass(stack)), epoch: sleeper.epoch })).toBe(false);
      expect(epochsInMemory()).toEqual([opened.epoch]);
    },
  );

  it.each(REBUILD_STEPS.slice(0, -1))('start again after a rebuild that died after: %s', async (step) => {
    await storeCampaign(stack, { id: 'default', total: 10 });
    await shared().rebuild(0);
    await issueCoupons(stack, [claimOf(1)]);
    const seen = (await row()).epoch;
    await stack.log.publish(claimOf(2, { epoch: seen }));
    const failing = new StepProbe();
    await expect(dying(failing, step).rebuild(seen)).rejects.toThrow('killed');
    expect(await row()).toMatchObject({ epoch: failing.epoch, fence: null });

    await shared().rebuild(seen);
    expect(await row()).toMatchObject({ epoch: failing.epoch, fence: null });
    await expireLease(stack);
    await shared().rebuild(seen);
    expect((await openPass(stack)).epoch).toBeGreaterThan(failing.epoch);
    expect(await gauge()).toMatchObject({ claimed: 2, pending: 1, sequence: 2 });
    expect(epochsInMemory()).toEqual([(await row()).epoch]);
  });

  it.each(REBUILD_STEPS.slice(0, -1))(
    'need not wait for the lease of a rebuild that failed after: %s',
    async (step) => {
      await storeCampaign(stack, { id: 'default', total: 10 });
      await shared().rebuild(0);
      await issueCoupons(stack, [claimOf(1)]);
      const seen = (await row()).epoch;
      const failing = new StepProbe().at(step, () => Promise.reject(new Error('the log is away')));
      await expect(shared(failing).rebuild(seen)).rejects.toThrow('away');
      expect(await row()).toMatchObject({ epoch: failing.epoch, fence: null, builder: null });

      await shared().rebuild(seen);
      expect((await openPass(stack)).epoch).toBeGreaterThan(failing.epoch);
      expect(await gauge()).toMatchObject({ claimed: 1 });
      expect(epochsInMemory()).toEqual([(await row()).epoch]);
    },
  );

  it('do not give back what another one has taken over before they failed', async () => {
    const theirs = { epoch: 2_000_000_000, fence: null, builder: 'elsewhere' };
    let taken = await row();
    const probe = new StepProbe().at('cut-stored', async () => {
      await stack.database.transaction((unit) => unit.gate.beginEpoch('elsewhere', theirs.epoch, LEASE_MS));
      taken = await row();
      throw new Error('the log is away');
    });
    await expect(shared(probe).rebuild(0)).rejects.toThrow('away');
    expect(taken).toMatchObject(theirs);
    expect(await row()).toEqual(taken);
  });

  it('leave a gate open that they have opened before they failed', async () => {
    await storeCampaign(stack, { id: 'default' });
    const probe = new StepProbe().at('opened', () => Promise.reject(new Error('the answer was lost')));
    await expect(shared(probe).rebuild(0)).rejects.toThrow('lost');
    expect((await openPass(stack)).epoch).toBe(probe.epoch);
  });

  it('leave the first second to those who have not failed, and then take a failed rebuild up again', async () => {
    const probe = new StepProbe().at('cut-stored', () => Promise.reject(new Error('the log is away')));
    const rebuilder = shared(probe);
    await expect(rebuilder.rebuild(0)).rejects.toThrow('away');
    const given = await row();
    probe.at('cut-stored', () => Promise.resolve());
    await rebuilder.rebuild(0);
    expect(await row()).toEqual(given);
    await journal('UPDATE gate SET lease_until = lease_until - 1000');
    await rebuilder.rebuild(0);
    expect((await openPass(stack)).epoch).toBe(probe.epoch);
    // After a success the builder no longer lets others go first.
    wipeGate(stack);
    const opened = (await row()).epoch;
    const other = new StepProbe().at('cut-stored', () => Promise.reject(new Error('the log is away')));
    await expect(shared(other).rebuild(opened)).rejects.toThrow('away');
    await rebuilder.rebuild(opened);
    expect((await openPass(stack)).epoch).toBe(probe.epoch);
  });

  it('let no other go first where no other process can live', async () => {
    const probe = new StepProbe().at('cut-stored', () => Promise.reject(new Error('the disk is full')));
    const rebuilder = rebuilderOf(stack, { probe });
    await expect(rebuilder.rebuild(0)).rejects.toThrow('full');
    probe.at('cut-stored', () => Promise.resolve());
    await rebuilder.rebuild(0);
    expect((await openPass(stack)).epoch).toBe(probe.epoch);
  });

  it('do not wait for their own lease, where it could not be given back', async () => {
    const probe = new StepProbe();
    const rebuilder = dying(probe, 'cut-stored');
    await expect(rebuilder.rebuild(0)).rejects.toThrow('killed');
    const { epoch, builder } = await row();
    expect(builder).not.toBeNull();
    revive();
    await rebuilder.rebuild(0);
    expect((await openPass(stack)).epoch).toBeGreaterThan(epoch);
  });

  it('stop with their process, and start nothing after that', async () => {
    const probe = new StepProbe();
    const rebuilder = shared(probe);
    let stopping = Promise.resolve();
    probe.at('quiesced', () => {
      stopping = rebuilder.stop();
      return Promise.resolve();
    });
    await expect(rebuilder.rebuild(0)).rejects.toThrow('shutting down');
    await stopping;
    expect(probe.steps.at(-1)).toBe('quiesced');
    await expect(rebuilder.rebuild(0)).rejects.toThrow('shutting down');
    await shared().rebuild(0);
    expect((await openPass(stack)).epoch).toBeGreaterThan(probe.epoch);
  });
});

let openEpochs: number[] = [];
const claimRecord = { claimId: 'ghost', sequence: 1, claimedAt: 1, idempotencyDigest: null };

/** The epochs that the memory of the in-process gate holds. */
function epochsInMemory(): number[] {
  return [...(stack.memory as unknown as { epochs: Map<number, unknown> }).epochs.keys()];
}

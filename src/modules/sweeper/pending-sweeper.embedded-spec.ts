import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import '../../../test/support/quiet.js';
import { EPOCH } from '../../../test/support/claims.js';
import { discardClaim, failToPublish } from '../../../test/support/failed-events.js';
import { openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { consumeJournal, eventsOnJournal } from '../../../test/support/journal-consumer.js';
import {
  admit,
  CAMPAIGN,
  claimed,
  couponOf,
  InterruptibleClaimLog,
  InterruptibleDatabase,
  isPending,
  knownRowOf,
  makeOlder,
  openRetryStack,
  type RetryStack,
  rowOf,
  sql,
  SteeredGate,
  drainerOf,
} from '../../../test/support/retry.js';
import { type ClaimEvent } from '../../domain/claim.js';
import { type LogOffsets } from '../../ports/log/claim-log.js';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { SystemClock } from '../../platform/flow/clock.js';
import { GateTimeoutError } from '../../ports/gate/issuance-gate.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { DiscardedSlots } from '../gate-watch/discarded-slots.js';
import { QuietCampaigns } from '../gate-watch/quiet-campaigns.js';
import { PendingSweeper } from './pending-sweeper.js';

const MINUTE = 60_000;
const NOTHING = { cleared: 0, released: 0, recorded: 0 };

/** A log of several partitions whose offsets a test sets. */
class SetLog extends InterruptibleClaimLog {
  start: LogOffsets = new Map();
  end: LogOffsets = new Map();
  committed: LogOffsets = new Map();

  override startOffsets = () => Promise.resolve(this.start);
  override endOffsets = () => Promise.resolve(this.end);
  override committedOffsets = () => Promise.resolve(this.committed);
}

/** Time passes at the gate and here alike when a test moves the gate's clock on. */
class MovedClock extends SystemClock {
  override monotonic = () => super.monotonic() + gate.offsetMs;
}

let stack: RetryStack;
let gate: SteeredGate;
let log: InterruptibleClaimLog;
let database: InterruptibleDatabase;
let sweeper: PendingSweeper;
let quiet: QuietCampaigns;

function newSweeper(claimLog: InterruptibleClaimLog = log) {
  const slots = new DiscardedSlots(database, gate, stack.watch);
  return new PendingSweeper(database, gate, stack.watch, claimLog, slots, quiet, new MovedClock());
}

async function open(total: number): Promise<void> {
  stack = await openRetryStack(total);
  quiet = new QuietCampaigns();
  gate = new SteeredGate(stack.memory);
  log = new InterruptibleClaimLog(stack.log);
  database = new InterruptibleDatabase(stack.database);
  sweeper = newSweeper();
}

beforeEach(() => open(10));

const restore: (() => void)[] = [];
afterEach(async () => {
  for (const undo of restore.splice(0)) undo();
  await stack.close();
});

/** Sets the gate's clock back by `ms`. `passed` lets time pass at the gate and here. */
function setBack(ms: number): { passed(ms: number): void } {
  const real = Date.now.bind(Date);
  let passedMs = 0;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => real() - ms + passedMs);
  const monotonic = performance.now.bind(performance);
  const own = jest.spyOn(performance, 'now').mockImplementation(() => monotonic() + passedMs);
  restore.push(() => [clock, own].forEach((spy) => spy.mockRestore()));
  return { passed: (more) => (passedMs += more) };
}

/** Admitted a minute ago, unless told otherwise. */
async function oldClaim(user = 'alice', ageMs = MINUTE): Promise<ClaimEvent> {
  const claim = await admit(stack, user);
  makeOlder(stack, claim, ageMs);
  return claim;
}

async function issue(claim: ClaimEvent) {
  const { claimId, campaignId, userId, sequence, claimedAt } = claim;
  await stack.database.transaction(async (unit) => {
    const code = `code-${claimId}`;
    const createdAt = await unit.now();
    const coupon = { claimId, campaignId, userId, sequence, claimedAt, idempotencyDigest: null, code, createdAt };
    await unit.coupons.insert([coupon]);
    await unit.campaigns.addIssued(campaignId, 1, claimedAt);
  });
}

const failedEvents = () =>
  stack.database.read((unit) => unit.failedEvents.list({ limit: 100 })).then((rows) => rows.length);

describe('a claim that is pending for long', () => {
  it('and is nowhere becomes a failed event under the open epoch, and then a coupon', async () => {
    const claim = await oldClaim();
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 1 });
    const row = await knownRowOf(stack, claim);
    expect(row).toMatchObject({
      source: 'SWEEPER',
      status: 'PENDING',
      attempts: 0,
      claim,
      failure: { errorClass: 'lost', errorCode: 'never-arrived' },
    });
    expect(await eventsOnJournal(stack)).toEqual([]);
    expect(isPending(stack, claim)).toBe(false);
    await drainerOf(stack.database, stack.log).drain();
    await consumeJournal(stack);
    expect(await couponOf(stack, claim)).toMatchObject({ claimId: claim.claimId });
    expect(await claimed(stack)).toBe(1);
  });

  it('keeps the digest of its idempotency key', async () => {
    const digest = 'A'.repeat(43);
    const claimId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    await stack.gate.claim(stack.pass, { campaignId: CAMPAIGN, userId: 'alice', claimId, idempotencyDigest: digest });
    stack.memory.campaign(EPOCH, CAMPAIGN).pending.set('alice', 1);
    await sweeper.sweep();
    const [row] = await stack.database.read((unit) => unit.failedEvents.findByClaimIds([claimId]));
    expect(row?.claim?.idempotencyDigest).toBe(digest);
  });

  it('is forgotten as pending when it is a coupon', async () => {
    const claim = await oldClaim();
    await stack.log.publish(claim);
    await consumeJournal(stack);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
    expect(isPending(stack, claim)).toBe(false);
    expect(await claimed(stack)).toBe(1);
    expect(await rowOf(stack, claim)).toBeUndefined();
  });

  it('is forgotten as pending when the user has a coupon by another claim', async () => {
    const claim = await oldClaim();
    await issue({ ...claim, claimId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' });
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
    expect(await failedEvents()).toBe(0);
  });

  it.each(['PENDING', 'PUBLISHING', 'REPUBLISHED', 'DEAD'])(
    'is forgotten as pending when its failed event is %s, which stays as it is',
    async (status) => {
      const claim = await oldClaim();
      await failToPublish(stack, claim);
      await sql(stack, 'UPDATE failed_events SET status = ?', status);
      expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
      expect(isPending(stack, claim)).toBe(false);
      expect(await claimed(stack)).toBe(1);
      expect(await knownRowOf(stack, claim)).toMatchObject({ status, source: 'API', version: 1 });
    },
  );

  it('gives its slot back when it was discarded', async () => {
    const claim = await oldClaim();
    await failToPublish(stack, claim);
    await discardClaim(stack, claim);
    // As if the row had been marked before a rebuild took the claim over.
    await sql(stack, 'UPDATE failed_events SET released_at = 1');
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, released: 1 });
    expect(await claimed(stack)).toBe(0);
    expect(isPending(stack, claim)).toBe(false);
  });

  it('keeps its slot when it was discarded and the user has a coupon', async () => {
    const claim = await oldClaim();
    await failToPublish(stack, claim);
    await issue({ ...claim, claimId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' });
    await discardClaim(stack, claim);
    await sweeper.sweep();
    expect(gate.releases).toBe(0);
    expect(await claimed(stack)).toBe(1);
    expect(isPending(stack, claim)).toBe(false);
    expect((await knownRowOf(stack, claim)).releasedAt).not.toBeNull();
  });

  it('is found behind any number of others and in every campaign', async () => {
    await stack.close();
    await open(2_000);
    await sql(
      stack,
      'WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 300) ' +
        'INSERT INTO campaigns (id, name, total, starts_at, state, version, created_at, updated_at) ' +
        "SELECT 'c' || i, 'c', 5, 0, 'OPEN', 1, 0, 0 FROM n",
    );
    stack = { ...stack, pass: await openEpoch(stack, EPOCH + 1) };
    for (let user = 0; user < 1_200; user++) await oldClaim(`user-${user}`);
    const claimId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const request = { campaignId: 'c299', userId: 'zoe', claimId, idempotencyDigest: null };
    await stack.gate.claim(stack.pass, request);
    stack.memory.campaign(EPOCH + 1, 'c299').pending.set('zoe', 1);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 1_201 });
    expect(await sweeper.sweep()).toEqual(NOTHING);
  });

  it('costs nothing when nothing is left to do', async () => {
    await oldClaim('alice');
    await oldClaim('bob');
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 2 });
    expect(await sweeper.sweep()).toEqual(NOTHING);
    expect(await newSweeper().sweep()).toEqual(NOTHING);
    expect(await failedEvents()).toBe(2);
  });
});

describe('a claim that may still be on its way', () => {
  it('is never touched while its event lies ahead of the consumer, however old it is', async () => {
    const claim = await oldClaim('alice', 60 * MINUTE);
    await stack.log.publish(claim);
    for (let pass = 0; pass < 3; pass++) {
      gate.offsetMs += 10 * MINUTE;
      expect(await sweeper.sweep()).toEqual(NOTHING);
    }
    expect(isPending(stack, claim)).toBe(true);
    await consumeJournal(stack);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
    expect(await failedEvents()).toBe(0);
  });

  it('is never touched before it is older than a passed sample by the whole budget of a request', async () => {
    // In the order of their ages, as the gate admits and keeps them.
    const old = await admit(stack, 'old');
    const young = await admit(stack, 'young');
    const now = Date.now();
    const setAge = ({ userId }: ClaimEvent, ms: number) =>
      stack.memory.campaign(EPOCH, CAMPAIGN).pending.set(userId, now + MINUTE - ms);
    gate.now = () => Promise.resolve(now + MINUTE);
    setAge(young, CLAIM_DEADLINE_MS);
    setAge(old, CLAIM_DEADLINE_MS + 1);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 1 });
    expect(isPending(stack, young)).toBe(true);
    expect(await rowOf(stack, old)).toBeDefined();
  });

  it('is judged by the sample that was passed, not by the time at which that shows', async () => {
    const before = await oldClaim('before');
    await stack.log.publish(before);
    await sweeper.sweep();
    // Admitted after the sample; its event never arrives, and the next sample is not passed either.
    gate.offsetMs = MINUTE;
    const after = await oldClaim('after', -MINUTE / 2);
    await consumeJournal(stack);
    await stack.log.publish(await admit(stack, 'unconsumed'));
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
    expect(isPending(stack, after)).toBe(true);
    await consumeJournal(stack);
    expect(await sweeper.sweep()).toMatchObject({ recorded: 1 });
    expect(await rowOf(stack, after)).toBeDefined();
  });

  it('is not mistaken for an old one when it arrives while the sample is taken', async () => {
    let arriving: ClaimEvent | undefined;
    log.afterEndOffsets = async () => {
      if (arriving !== undefined) return;
      arriving = await admit(stack, 'arriving');
      await stack.log.publish(arriving);
      gate.offsetMs = MINUTE;
    };
    expect(await sweeper.sweep()).toEqual(NOTHING);
    expect(isPending(stack, arriving!)).toBe(true);
  });

  it('is found soon after the gate’s clock was set back by an hour, and not when the clock has caught up', async () => {
    await sweeper.sweep();
    const lost = await admit(stack, 'alice');
    const back = setBack(60 * MINUTE);
    // Its instant is that of the claim before it, which lies an hour ahead now.
    const after = await admit(stack, 'bob');
    expect(after.claimedAt).toBeGreaterThanOrEqual(lost.claimedAt);
    // The samples of before mean nothing now.
    expect(await sweeper.sweep()).toEqual(NOTHING);
    // Dates both to now.
    expect(await sweeper.sweep()).toEqual(NOTHING);
    back.passed(MINUTE);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 2 });
    expect(await knownRowOf(stack, lost)).toMatchObject({ source: 'SWEEPER', claim: lost });
  });

  it.each([-10, 10])('is not taken for lost when the gate’s clock was set by %i minutes', async (minutes) => {
    // The consumer has passed this sample.
    await sweeper.sweep();
    const onItsWay = await admit(stack, 'alice');
    await stack.log.publish(onItsWay);
    const set = setBack(-minutes * MINUTE);
    const late = await admit(stack, 'bob');
    await stack.log.publish(late);
    for (let sweep = 0; sweep < 3; sweep++) {
      expect(await sweeper.sweep()).toEqual(NOTHING);
      set.passed(MINUTE);
    }
    await consumeJournal(stack);
    await sweeper.sweep();
    set.passed(MINUTE);
    await sweeper.sweep();
    expect([isPending(stack, onItsWay), isPending(stack, late)]).toEqual([false, false]);
    expect(await failedEvents()).toBe(0);
  });

  it('waits for every partition, of which those without a message count as read', async () => {
    const partitions = new SetLog(stack.log);
    sweeper = newSweeper(partitions);
    await oldClaim();
    const judge = async (end: [number, number][], committed: [number, number][], start: [number, number][]) => {
      partitions.start = new Map(start);
      partitions.end = new Map(end);
      partitions.committed = new Map(committed);
      return (await newSweeper(partitions).sweep()).recorded;
    };
    const end: [number, number][] = [
      [0, 10],
      [1, 7],
    ];
    const start = (second: number): [number, number][] => [
      [0, 0],
      [1, second],
    ];
    expect(await judge([], [], [])).toBe(0);
    expect(await judge(end, [[0, 10]], start(0))).toBe(0);
    expect(await judge(end, [[0, 10]], start(6))).toBe(0);
    expect(
      await judge(
        end,
        [
          [0, 9],
          [1, 7],
        ],
        start(0),
      ),
    ).toBe(0);
    expect(await judge(end, [[0, 10]], start(7))).toBe(1);
  });

  it('waits for nothing that was deleted from the log unread, also where the consumer had begun to read', async () => {
    const partition = new SetLog(stack.log);
    sweeper = newSweeper(partition);
    await oldClaim();
    partition.start = partition.end = new Map([[0, 7]]);
    partition.committed = new Map([[0, 3]]);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 1 });
  });

  it('is found although the consumer is too far behind for all samples to be kept', async () => {
    await stack.close();
    await open(200);
    const claim = await oldClaim();
    for (let pass = 0; pass < 100; pass++) {
      await stack.log.publish(await admit(stack, `backlog-${pass}`));
      expect(await sweeper.sweep()).toEqual(NOTHING);
    }
    // The consumer gets as far as the log was at the second sample.
    await stack.log.settle(3);
    expect(await sweeper.sweep()).toMatchObject({ recorded: 1 });
    expect(await rowOf(stack, claim)).toBeDefined();
  });

  it('is found although the log has lost the end that all samples were waiting for', async () => {
    const partitions = new SetLog(stack.log);
    sweeper = newSweeper(partitions);
    partitions.start = new Map([[0, 0]]);
    partitions.end = new Map([[0, 1_000]]);
    const claim = await oldClaim();
    for (let pass = 0; pass < 100; pass++) expect(await sweeper.sweep()).toEqual(NOTHING);
    partitions.end = new Map([[0, 0]]);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 1 });
    expect(await rowOf(stack, claim)).toBeDefined();
  });
});

describe('what happens while the sweeper looks', () => {
  /** Before the transaction in which the sweeper looks again and inserts. */
  const beforeInsert = (happening: () => Promise<unknown>) => {
    database.before = async (kind) => {
      if (kind === 'transaction') await happening();
    };
  };

  it('the consumer clears the entry: nothing is written for it', async () => {
    const claim = await oldClaim();
    gate.afterPending = async () => {
      if (!isPending(stack, claim)) return;
      await issue(claim);
      await stack.gate.clearPending(stack.pass, [claim]);
    };
    await sweeper.sweep();
    expect(await failedEvents()).toBe(0);
    expect(await claimed(stack)).toBe(1);
  });

  it('the consumer commits the coupon between look and insert: nothing is written', async () => {
    const claim = await oldClaim();
    beforeInsert(() => issue(claim));
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
    expect(await failedEvents()).toBe(0);
  });

  it('the api writes the row between look and insert: its row stays', async () => {
    const claim = await oldClaim();
    beforeInsert(() => failToPublish(stack, claim));
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
    expect(await knownRowOf(stack, claim)).toMatchObject({ source: 'API', version: 1 });
  });

  it('no other process writes about the claim between the second look and the insert: the locks come first', async () => {
    await oldClaim();
    await sweeper.sweep();
    expect(database.calls).toEqual([
      'gate.lockShared',
      'campaigns.lock',
      'coupons.findByUsers',
      'failedEvents.findByClaimIds',
      'failedEvents.addUnpublished',
    ]);
  });

  it('two sweepers find the same claim: one row, one coupon', async () => {
    const claim = await oldClaim();
    const reports = await Promise.all([sweeper.sweep(), newSweeper().sweep()]);
    expect(reports.reduce((sum, { recorded }) => sum + recorded, 0)).toBe(1);
    expect(await failedEvents()).toBe(1);
    expect(isPending(stack, claim)).toBe(false);
  });

  it('the unique key refuses the insert: the sweeper reads again and finds the row', async () => {
    const claim = await oldClaim();
    database.before = async (kind, count) => {
      if (kind !== 'transaction' || count > 1) return;
      await failToPublish(stack, claim);
      throw new DatabaseError('duplicate', 'ER_DUP_ENTRY', 'failed_events_once');
    };
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, cleared: 1 });
    expect(await knownRowOf(stack, claim)).toMatchObject({ source: 'API', version: 1 });
  });

  it('a rebuild begins: nothing is written under the old epoch', async () => {
    const claim = await oldClaim();
    beforeInsert(() => stack.database.transaction((unit) => unit.gate.beginEpoch('somebody', EPOCH + 1, 10_000)));
    expect(await sweeper.sweep()).toEqual(NOTHING);
    expect(await failedEvents()).toBe(0);
    expect(isPending(stack, claim)).toBe(true);
  });

  it('a rebuild is over: nothing is written under the new epoch either', async () => {
    const claim = await oldClaim();
    beforeInsert(() => openEpoch(stack, EPOCH + 1));
    expect(await sweeper.sweep()).toEqual(NOTHING);
    expect(await failedEvents()).toBe(0);
    expect(isPending(stack, claim)).toBe(true);
  });

  it('no epoch is open: nothing is looked at', async () => {
    await oldClaim();
    await stack.database.transaction((unit) => unit.gate.beginEpoch('somebody', EPOCH + 1, 10_000));
    expect(await sweeper.sweep()).toEqual(NOTHING);
    expect(await failedEvents()).toBe(0);
  });

  it('the epoch changes: samples of the old gate’s clock are forgotten', async () => {
    gate.offsetMs = 60 * MINUTE;
    await stack.log.publish(await admit(stack, 'backlog'));
    await sweeper.sweep();
    gate.offsetMs = 0;
    stack = { ...stack, pass: await openEpoch(stack, EPOCH + 1) };
    const young = await admit(stack, 'young');
    await consumeJournal(stack);
    // Only the old sample is passed.
    await stack.log.publish(await admit(stack, 'more'));
    await sweeper.sweep();
    expect(isPending(stack, young)).toBe(true);
  });

  it('the gate is damaged: the fence is reported, and nothing is written', async () => {
    await oldClaim();
    const reports: unknown[] = [];
    stack.watch.onFence((epoch, reason) => reports.push([epoch, reason]));
    stack.memory.campaign(EPOCH, CAMPAIGN).count += 1;
    expect(await sweeper.sweep()).toEqual(NOTHING);
    expect(reports).toEqual([[EPOCH, 'count-mismatch']]);
    expect(await failedEvents()).toBe(0);
  });

  it('the gate keeps a cleared entry: the sweep ends, and does not loop', async () => {
    const claim = await oldClaim();
    let looks = 0;
    gate.afterPending = async () => {
      looks += 1;
      if (looks > 2) throw new Error('it goes round');
    };
    gate.clearPending = () => Promise.resolve();
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 1 });
    expect(looks).toBe(2);
    expect(isPending(stack, claim)).toBe(true);
  });

  it('a campaign is stored that the gate does not know yet: no rebuild is called for', async () => {
    const reports: unknown[] = [];
    stack.watch.onFence((epoch, reason) => reports.push([epoch, reason]));
    await stack.database.transaction((unit) =>
      unit.campaigns.insert({ id: 'a-new', name: 'new', total: 1, startsAt: 0, endsAt: null, state: 'OPEN' }),
    );
    await oldClaim();
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, recorded: 1 });
    expect(reports).toEqual([]);
  });
});

describe('the slot of a discarded claim', () => {
  it('goes back once, also when the sweeper comes several times', async () => {
    const claim = await admit(stack, 'alice');
    await failToPublish(stack, claim);
    await admit(stack, 'bob');
    await discardClaim(stack, claim);
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, released: 1 });
    expect(await sweeper.sweep()).toEqual(NOTHING);
    expect(await newSweeper().sweep()).toEqual(NOTHING);
    expect(gate.releases).toBe(1);
    expect(await claimed(stack)).toBe(1);
    expect((await knownRowOf(stack, claim)).releasedAt).not.toBeNull();
  });

  it('goes back although it is younger than any sample that was passed', async () => {
    const claim = await admit(stack, 'alice');
    await failToPublish(stack, claim);
    await discardClaim(stack, claim);
    await stack.log.publish(await admit(stack, 'backlog'));
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, released: 1 });
  });

  it('stays taken when the user has claimed again', async () => {
    const claim = await admit(stack, 'alice');
    await failToPublish(stack, claim);
    await discardClaim(stack, claim);
    await stack.gate.release(stack.pass, claim);
    const again = await admit(stack, 'alice');
    await sweeper.sweep();
    expect(await claimed(stack)).toBe(1);
    expect(isPending(stack, again)).toBe(true);
    expect((await knownRowOf(stack, claim)).releasedAt).not.toBeNull();
  });

  it('is tried again when the gate did not answer', async () => {
    const claim = await admit(stack, 'alice');
    await failToPublish(stack, claim);
    await discardClaim(stack, claim);
    gate.away = true;
    await expect(sweeper.sweep()).rejects.toBeInstanceOf(GateTimeoutError);
    expect((await knownRowOf(stack, claim)).releasedAt).toBeNull();
    gate.away = false;
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, released: 1 });
    expect(await claimed(stack)).toBe(0);
  });

  it('is not marked as released when the epoch ended in between: the new gate may hold it too', async () => {
    const claim = await admit(stack, 'alice');
    await failToPublish(stack, claim);
    await discardClaim(stack, claim);
    database.before = async (kind) => {
      if (kind === 'transaction') await openEpoch(stack, EPOCH + 1);
    };
    await sweeper.sweep();
    expect((await knownRowOf(stack, claim)).releasedAt).toBeNull();
    database.before = () => Promise.resolve();
    await sweeper.sweep();
    expect((await knownRowOf(stack, claim)).releasedAt).not.toBeNull();
  });

  it('is marked as released under a share of the gate row, which keeps the next epoch from beginning', async () => {
    const claim = await admit(stack, 'alice');
    await failToPublish(stack, claim);
    await discardClaim(stack, claim);
    await sweeper.sweep();
    expect(database.calls).toEqual(['gate.lockShared', 'failedEvents.markReleased']);
  });

  it('stays with a campaign whose gate is damaged, which is asked once; those of others go back', async () => {
    await storeCampaign(stack, { id: 'sound' });
    stack = { ...stack, pass: await openEpoch(stack, EPOCH + 1) };
    const held = [await admit(stack, 'alice'), await admit(stack, 'bob')];
    const sound = { ...(await admit(stack, 'carol')), campaignId: 'sound' };
    await stack.gate.claim(stack.pass, { ...sound, idempotencyDigest: null });
    await failToPublish(stack, ...held, sound);
    for (const claim of [...held, sound]) await discardClaim(stack, claim);
    stack.memory.campaign(EPOCH + 1, CAMPAIGN).count += 1;
    expect(await sweeper.sweep()).toEqual({ ...NOTHING, released: 1 });
    expect(gate.releases).toBe(2);
    for (const claim of held) expect((await knownRowOf(stack, claim)).releasedAt).toBeNull();
    expect((await knownRowOf(stack, sound)).releasedAt).not.toBeNull();
  });

  it('is nothing to wait for when the campaign never existed', async () => {
    const claim = { ...(await admit(stack, 'alice')), campaignId: 'unknown' };
    await failToPublish(stack, claim);
    await discardClaim(stack, claim);
    await sweeper.sweep();
    expect(gate.releases).toBe(0);
    expect((await knownRowOf(stack, claim)).releasedAt).not.toBeNull();
  });
});

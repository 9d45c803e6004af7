import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import '../../../test/support/quiet.js';
import { EPOCH } from '../../../test/support/claims.js';
import { recordOf } from '../../../test/support/consumer.js';
import { failToPublish } from '../../../test/support/failed-events.js';
import { openEpoch } from '../../../test/support/embedded.js';
import { SetTimers } from '../../../test/support/flow.js';
import { consumeJournal, eventsOnJournal, loggedOnJournal } from '../../../test/support/journal-consumer.js';
import {
  admit,
  CAMPAIGN,
  couponOf,
  InterruptibleClaimLog,
  InterruptibleDatabase,
  knownRowOf,
  letTimePass,
  openRetryStack,
  type RetryStack,
  sql,
  drainerOf,
} from '../../../test/support/retry.js';
import {
  ClaimLogFullError,
  ClaimLogUnavailableError,
  ClaimLogUnconfirmedError,
  type OutgoingClaim,
} from '../../ports/log/claim-log.js';
import { postponementMs, PUBLISH_LEASE_MS } from '../../domain/retry-policy.js';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { type FailedEventDrainer } from './failed-event-drainer.js';

let stack: RetryStack;
let log: InterruptibleClaimLog;
let database: InterruptibleDatabase;
let drainer: FailedEventDrainer;

beforeEach(async () => {
  stack = await openRetryStack();
  log = new InterruptibleClaimLog(stack.log);
  database = new InterruptibleDatabase(stack.database);
  drainer = drainerOf(database, log);
});

afterEach(() => stack.close());

const refuseWith = (error: Error) => {
  log.beforePublish = () => Promise.reject(error);
};
const acceptAgain = () => {
  log.beforePublish = () => Promise.resolve();
};

/** Claims admitted at the gate whose publish failed at the api. */
async function failedClaims(...users: string[]) {
  const claims = [];
  for (const user of users) claims.push(await admit(stack, user));
  await failToPublish(stack, ...claims);
  return claims;
}

async function failedClaim(user = 'alice') {
  const claim = await admit(stack, user);
  await failToPublish(stack, claim);
  return claim;
}

/** May be more than the stock: the drainer does not look at it. */
async function backlog(rows: number) {
  const claim = await failedClaim('user-0');
  const copies = Array.from({ length: rows - 1 }, (_, index) => {
    const claimId = `01ARZ3NDEKTSV4RRFFQ6${String(index).padStart(6, '0')}`;
    return { ...claim, claimId, userId: `user-${index + 1}`, sequence: index + 2 };
  });
  for (let first = 0; first < copies.length; first += 400) {
    await failToPublish(stack, ...copies.slice(first, first + 400));
  }
}

describe('draining failed events', () => {
  it('signs no claim that only an unsigned event has told of, once signatures are demanded', async () => {
    const [proven, unproven] = [await admit(stack, 'alice'), await admit(stack, 'mallory')];
    const failure = { errorClass: 'poison', errorCode: 'refused-by-database', errorMessage: '' };
    const demand = (demanded: boolean) => stack.database.transaction((unit) => unit.gate.demandSignatures(demanded));
    await stack.database.transaction((unit) =>
      unit.failedEvents.quarantine([
        { record: recordOf(proven, 0), claim: proven, failure },
        { record: recordOf(unproven, 1), claim: unproven, unsigned: true, failure },
      ]),
    );
    await letTimePass(stack);
    expect(await drainer.drain()).toEqual({ leased: 1, published: 1, postponed: 0 });
    expect(await knownRowOf(stack, unproven)).toMatchObject({
      status: 'DEAD',
      failure: { errorCode: 'bad-signature' },
      leaseOwner: null,
    });
    // An operator stands for it.
    const { id } = await knownRowOf(stack, unproven);
    await stack.database.transaction((unit) => unit.failedEvents.requeue(id, 'seen at the gate'));
    expect(await drainer.drain()).toEqual({ leased: 1, published: 1, postponed: 0 });
    expect((await eventsOnJournal(stack)).map(({ userId }) => userId)).toEqual(['alice', 'mallory']);

    const early = await admit(stack, 'bob');
    await demand(false);
    await stack.database.transaction((unit) =>
      unit.failedEvents.quarantine([{ record: recordOf(early, 2), claim: early, unsigned: true, failure }]),
    );
    await letTimePass(stack);
    const published: OutgoingClaim[] = [];
    log.beforePublish = (event) => Promise.resolve(void published.push(event));
    expect((await drainer.drain()).published).toBeGreaterThanOrEqual(1);
    expect(await knownRowOf(stack, early)).toMatchObject({ status: 'REPUBLISHED' });
    const signed = published.filter(({ unproven }) => unproven !== true).map(({ userId }) => userId);
    expect(signed).toEqual(published.map(({ userId }) => userId).filter((userId) => userId !== 'bob'));
    expect(published.map(({ userId }) => userId)).toContain('bob');
  });

  it('brings a due claim onto the log, and the consumer makes it a coupon', async () => {
    const claim = await failedClaim();
    expect(await drainer.drain()).toEqual({ leased: 1, published: 1, postponed: 0 });
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'REPUBLISHED', attempts: 0, leaseOwner: null });
    await consumeJournal(stack);
    expect(await couponOf(stack, claim)).toMatchObject({ claimId: claim.claimId, sequence: claim.sequence });
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'RESOLVED', resolvedBy: 'consumer' });
    expect(await drainer.drain()).toEqual({ leased: 0, published: 0, postponed: 0 });
  });

  it('has a trace for each batch, to which the batch on the log links once', async () => {
    const spans: SampledSpan[] = [];
    const sdk = { now: () => 5, take: (span: SampledSpan) => void spans.push(span), shutdown: () => Promise.resolve() };
    tracing.use(sdk, { ratio: 0, byParent: true });
    try {
      await drainer.drain();
      expect(spans).toEqual([]);
      await failedClaims('alice', 'bob');
      await drainer.drain();
      const [append, retry] = spans;
      expect(retry).toMatchObject({
        name: 'retry failed events',
        parent: undefined,
        attributes: { 'coupon.rows': 2, 'coupon.published': 2, 'coupon.postponed': 0 },
      });
      expect(append?.name).toBe('journal append');
      expect(append?.links.map(({ context }) => context)).toEqual([retry?.context]);
      const records = await stack.log.readPage(0, 10);
      const { traceId, spanId } = retry?.context ?? {};
      expect(records.slice(-2).map(({ headers }) => headers['traceparent'])).toEqual(
        Array(2).fill(Buffer.from(`00-${traceId}-${spanId}-01`)),
      );
    } finally {
      await tracing.stop();
    }
  });

  it('goes on batch after batch until nothing is due', async () => {
    await backlog(1_002);
    expect(await drainer.drain()).toEqual({ leased: 1_002, published: 1_002, postponed: 0 });
    const counts = await stack.database.read((unit) => unit.failedEvents.countByStatus());
    expect(counts).toMatchObject({ PENDING: 0, PUBLISHING: 0, REPUBLISHED: 1_002 });
  });

  it('ends the leases of a batch by a statement for each result, however many rows they are', async () => {
    await failedClaims('alice', 'bob', 'carol', 'dave');
    log.beforePublish = ({ userId }) =>
      userId < 'c' ? Promise.reject(new ClaimLogUnconfirmedError('no answer')) : Promise.resolve();
    expect(await drainer.drain()).toEqual({ leased: 4, published: 2, postponed: 2 });
    const statements = database.calls.filter((call) => call === 'failedEvents.finishLease');
    expect(statements).toHaveLength(2);
  });

  it('stops between two batches when the process shuts down', async () => {
    await failedClaim();
    const shutdown = new AbortController();
    shutdown.abort();
    expect(await drainer.drain(shutdown.signal)).toEqual({ leased: 0, published: 0, postponed: 0 });
  });

  it('publishes under the epoch that is open now, not under the one in the row', async () => {
    const claim = await failedClaim();
    await openEpoch(stack, EPOCH + 1);
    await drainer.drain();
    const { installation } = await stack.database.read((unit) => unit.gate.read());
    expect(await loggedOnJournal(stack)).toEqual([{ ...claim, epoch: EPOCH + 1, installation }]);
  });

  it('publishes nothing while no epoch is open, and leaves the row due', async () => {
    const claim = await failedClaim();
    await stack.database.transaction((unit) => unit.gate.beginEpoch('somebody', EPOCH + 1, 10_000));
    expect(await drainer.drain()).toEqual({ leased: 0, published: 0, postponed: 0 });
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PENDING', attempts: 0, version: 1 });
    expect(await eventsOnJournal(stack)).toEqual([]);
    await openEpoch(stack, EPOCH + 2);
    expect(await drainer.drain()).toMatchObject({ published: 1 });
  });

  it('publishes again soon when a rebuild began in between, since the event may lie behind its cut', async () => {
    const claim = await failedClaim();
    log.beforePublish = async () => {
      await openEpoch(stack, EPOCH + 1);
    };
    expect(await drainer.drain()).toEqual({ leased: 1, published: 0, postponed: 1 });
    const { status, attempts, nextAttemptAt } = await knownRowOf(stack, claim);
    expect({ status, attempts }).toEqual({ status: 'PENDING', attempts: 0 });
    expect(nextAttemptAt).toBeLessThan(Date.now() + 15_000);
    acceptAgain();
    await letTimePass(stack);
    await drainer.drain();
    expect((await eventsOnJournal(stack)).map(({ epoch }) => epoch)).toEqual([EPOCH, EPOCH + 1]);
  });
});

describe('a log that takes nothing', () => {
  it.each([
    ['is away', new ClaimLogUnavailableError('no broker')],
    ['is full', new ClaimLogFullError('queue')],
    ['does not confirm', new ClaimLogUnconfirmedError('no answer')],
  ])('uses up no attempt when it %s, however often', async (_what, error) => {
    const claim = await failedClaim();
    refuseWith(error);
    for (let outage = 0; outage < 15; outage++) {
      expect(await drainer.drain()).toEqual({ leased: 1, published: 0, postponed: 1 });
      await letTimePass(stack);
    }
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PENDING', attempts: 0, leaseOwner: null });
    acceptAgain();
    expect(await drainer.drain()).toMatchObject({ published: 1 });
  });

  it('backs off for 1 to 10 s, at random', async () => {
    expect([0, 0.5, 0.999_999].map(postponementMs)).toEqual([1_000, 5_500, 9_999]);
    const claim = await failedClaim();
    refuseWith(new ClaimLogUnavailableError('no broker'));
    const before = Date.now();
    await drainer.drain();
    const { nextAttemptAt } = await knownRowOf(stack, claim);
    expect(nextAttemptAt).toBeGreaterThanOrEqual(before + 1_000);
    expect(nextAttemptAt).toBeLessThan(Date.now() + 10_000);
    expect(await drainer.drain()).toMatchObject({ leased: 0 });
  });

  it('is not asked at all while it is known to be away', async () => {
    const claim = await failedClaim();
    log.away = true;
    expect(await drainer.drain()).toEqual({ leased: 0, published: 0, postponed: 0 });
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PENDING', version: 1 });
  });

  it('is given up on long before the lease runs out when it does not answer at all', async () => {
    const claim = await failedClaim();
    const asked = new Promise<void>((resolve) => {
      log.beforePublish = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const timers = new SetTimers();
    const draining = drainerOf(database, log, timers).drain();
    await asked;
    await timers.pass(PUBLISH_LEASE_MS / 6);
    expect(await draining).toEqual({ leased: 1, published: 0, postponed: 1 });
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PENDING', attempts: 0 });
  });

  it('leaves the rest of the backlog alone when it refused a whole batch', async () => {
    await backlog(501);
    refuseWith(new ClaimLogUnavailableError('no broker'));
    expect(await drainer.drain()).toEqual({ leased: 500, published: 0, postponed: 500 });
  });

  it('keeps back only the claims that it refused', async () => {
    const [first, second] = await failedClaims('alice', 'bob');
    log.beforePublish = ({ userId }) =>
      userId === 'alice' ? Promise.reject(new ClaimLogUnconfirmedError('no answer')) : Promise.resolve();
    expect(await drainer.drain()).toEqual({ leased: 2, published: 1, postponed: 1 });
    expect(await knownRowOf(stack, first!)).toMatchObject({ status: 'PENDING' });
    expect(await knownRowOf(stack, second!)).toMatchObject({ status: 'REPUBLISHED' });
  });
});

describe('leases', () => {
  it('are taken under a share of the gate row, so that none is of a later epoch than the one that is published', async () => {
    await failedClaim();
    await drainer.drain();
    expect(database.calls.slice(0, 2)).toEqual(['gate.lockShared', 'failedEvents.lease']);
  });

  it('let two drainers take disjoint rows', async () => {
    await failedClaims('alice', 'bob', 'carol', 'dave', 'erin', 'frank');
    const other = drainerOf(stack.database, log);
    const reports = await Promise.all([drainer.drain(), other.drain()]);
    expect(reports.reduce((sum, { published }) => sum + published, 0)).toBe(6);
    const users = (await eventsOnJournal(stack)).map(({ userId }) => userId);
    expect(users.toSorted()).toEqual(['alice', 'bob', 'carol', 'dave', 'erin', 'frank']);
  });

  it('hide a row from other drainers until they run out', async () => {
    await failedClaim();
    const other = drainerOf(stack.database, stack.log);
    let duringPublish: unknown;
    log.beforePublish = async () => {
      duringPublish = await other.drain();
    };
    await drainer.drain();
    expect(duringPublish).toEqual({ leased: 0, published: 0, postponed: 0 });
  });

  it('that ran out are not finished by their former holder: the row is due again', async () => {
    const claim = await failedClaim();
    let publishes = 0;
    log.beforePublish = async () => {
      publishes += 1;
      if (publishes > 1) expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PUBLISHING' });
      else await letTimePass(stack);
    };
    expect(await drainer.drain()).toMatchObject({ leased: 2 });
    expect(publishes).toBe(2);
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'REPUBLISHED' });
  });

  it('that ran out and were taken over by the same process are left to the later call', async () => {
    const claim = await failedClaim();
    let calls = 0;
    log.beforePublish = async () => {
      calls += 1;
      if (calls === 1) {
        await letTimePass(stack);
        // The second call holds the row for the rest of this one.
        await stack.database.transaction((unit) => unit.failedEvents.lease('later', 1, 60_000, null));
      }
    };
    await drainer.drain();
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PUBLISHING', leaseOwner: 'later' });
  });

  it('name every batch differently, also within one process', async () => {
    const owners: (string | null)[] = [];
    const claim = await failedClaim();
    log.beforePublish = async () => {
      owners.push((await knownRowOf(stack, claim)).leaseOwner);
    };
    for (const each of [drainer, drainer, drainerOf(stack.database, log)]) {
      await each.drain();
      await sql(stack, "UPDATE failed_events SET status = 'PENDING', next_attempt_at = 1");
    }
    expect(new Set(owners).size).toBe(3);
    expect(owners.every((owner) => owner !== null && owner.length <= 64)).toBe(true);
  });

  it('leave the row as the consumer left it, when the consumer is faster', async () => {
    const claim = await failedClaim();
    database.before = async (kind, count) => {
      if (kind === 'transaction' && count === 2) await consumeJournal(stack);
    };
    await drainer.drain();
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'RESOLVED' });
  });

  it('survive a collision with another transaction', async () => {
    const claim = await failedClaim();
    database.before = (kind, count) =>
      kind === 'transaction' && count === 2
        ? Promise.reject(new DatabaseError('infrastructure', 'ER_LOCK_DEADLOCK', 'deadlock'))
        : Promise.resolve();
    expect(await drainer.drain()).toMatchObject({ published: 1 });
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'REPUBLISHED' });
  });
});

describe('a republished claim', () => {
  const MINUTE = 60_000;
  /** How long ago what happens now has happened, ms. The database keeps the real time, so the test moves what it stores. */
  let ago: number;

  beforeEach(() => {
    ago = 0;
    const real = database.read.bind(database);
    // What the drainer notes as the instant of a sample.
    database.read = (work) =>
      real((unit) => work(Object.assign(Object.create(unit), { now: async () => (await unit.now()) - ago })));
  });

  /** Publishes all rows, `minutes` ago. */
  async function publishedBefore(minutes: number) {
    ago = minutes * MINUTE;
    const report = await drainer.drain();
    await sql(
      stack,
      'UPDATE failed_events SET next_attempt_at = next_attempt_at - ?, updated_at = updated_at - ?',
      ago,
      ago,
    );
    return report;
  }

  /** The message is gone, as if the log had lost its end, and the consumer has come as far as the log goes now. */
  async function lose() {
    await sql(stack, 'DELETE FROM journal');
    await stack.log.settle([...(await stack.log.endOffsets()).values()][0] ?? 0);
  }

  it('is due again after two minutes without a coupon, when the consumer has come that far', async () => {
    const claim = await failedClaim();
    const before = Date.now();
    await drainer.drain();
    const { nextAttemptAt } = await knownRowOf(stack, claim);
    expect(nextAttemptAt).toBeGreaterThanOrEqual(before + 120_000);
    expect(nextAttemptAt).toBeLessThanOrEqual(Date.now() + 120_000);
    await lose();
    expect(await drainer.drain()).toMatchObject({ leased: 0 });
    await letTimePass(stack);
    expect(await drainer.drain()).toMatchObject({ leased: 1, published: 1 });
  });

  it('is on the log once while no consumer works, however long, also for a retry that was started since', async () => {
    const claims = await failedClaims('alice', 'bob', 'carol');
    expect(await publishedBefore(10)).toMatchObject({ published: 3 });
    for (const minutes of [8, 6, 4, 2, 0]) {
      ago = minutes * MINUTE;
      expect(await drainer.drain()).toMatchObject({ leased: 0 });
      expect(await drainerOf(database, log).drain()).toMatchObject({ leased: 0 });
    }
    expect(await eventsOnJournal(stack)).toEqual(claims);
    await consumeJournal(stack);
    for (const claim of claims) expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'RESOLVED' });
    expect(await drainer.drain()).toMatchObject({ leased: 0 });
  });

  it('is published again when its message was lost and the consumer has come that far', async () => {
    const claim = await failedClaim();
    await publishedBefore(10);
    ago = 5 * MINUTE;
    await drainer.drain();
    await lose();
    ago = 0;
    expect(await drainer.drain()).toMatchObject({ published: 1 });
    expect(await eventsOnJournal(stack)).toEqual([claim]);
    await consumeJournal(stack);
    expect(await couponOf(stack, claim)).toMatchObject({ claimId: claim.claimId });
  });

  it('is published again by a retry that has not seen the publish, once the consumer has passed its own sample', async () => {
    await failedClaim();
    await publishedBefore(10);
    await stack.log.publish(await admit(stack, 'another'));
    const successor = drainerOf(database, log);
    ago = 5 * MINUTE;
    expect(await successor.drain()).toMatchObject({ leased: 0 });
    await lose();
    ago = 0;
    expect(await successor.drain()).toMatchObject({ published: 1 });
  });

  it('does not keep others waiting when the offsets of the log cannot be read', async () => {
    await failedClaims('alice');
    await publishedBefore(10);
    await lose();
    ago = 0;
    const [late] = await failedClaims('bob');
    log.afterEndOffsets = () => Promise.reject(new Error('no answer'));
    expect(await drainer.drain()).toMatchObject({ published: 1 });
    expect(await knownRowOf(stack, late!)).toMatchObject({ status: 'REPUBLISHED' });
    log.afterEndOffsets = () => Promise.resolve();
    expect(await drainer.drain()).toMatchObject({ leased: 0 });
  });

  it('is published at most twice and issued once when the process dies before it says so', async () => {
    const claim = await failedClaim();
    database.before = (kind, count) =>
      kind === 'transaction' && count > 1 ? Promise.reject(new Error('killed')) : Promise.resolve();
    await expect(drainer.drain()).rejects.toThrow('killed');

    const successor = drainerOf(stack.database, stack.log);
    expect(await successor.drain()).toMatchObject({ leased: 0 });
    await letTimePass(stack);
    expect(await successor.drain()).toMatchObject({ leased: 1, published: 1 });
    expect(await eventsOnJournal(stack)).toEqual([claim, claim]);
    await consumeJournal(stack);
    expect(await couponOf(stack, claim)).toMatchObject({ claimId: claim.claimId });
    expect(await stack.database.read((unit) => unit.campaigns.find(CAMPAIGN))).toMatchObject({ issued: 1 });
    await letTimePass(stack);
    expect(await successor.drain()).toMatchObject({ leased: 0 });
  });

  it('is never one that waits for an operator, or that is at its end', async () => {
    await failedClaim();
    for (const status of ['DEAD', 'DISCARDED', 'RESOLVED']) {
      await sql(stack, 'UPDATE failed_events SET status = ?', status);
      await letTimePass(stack);
      expect(await drainer.drain()).toMatchObject({ leased: 0 });
    }
  });
});

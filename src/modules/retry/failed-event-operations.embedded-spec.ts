import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import '../../../test/support/quiet.js';
import { byOperator } from '../../../test/support/callers.js';
import { EPOCH } from '../../../test/support/claims.js';
import { failToPublish } from '../../../test/support/failed-events.js';
import { openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { consumeJournal, eventsOnJournal } from '../../../test/support/journal-consumer.js';
import { RecordingDatabase } from '../../../test/support/recording-database.js';
import {
  admit,
  CAMPAIGN,
  claimed,
  couponOf,
  InterruptibleClaimLog,
  isPending,
  knownRowOf,
  openRetryStack,
  type RetryStack,
  sql,
  SteeredGate,
  drainerOf,
  sweeperOf,
} from '../../../test/support/retry.js';
import { type FailedEvent, type FailedEventStatus } from '../../ports/database/failed-event-store.js';
import { DiscardedSlots } from '../gate-watch/discarded-slots.js';
import { FailedEventOperations } from './failed-event-operations.js';

const ALWAYS = (_version: number) => true;
const REQUEST = 'request-1';

let stack: RetryStack;
let gate: SteeredGate;
let slots: DiscardedSlots;
let operations: FailedEventOperations;

beforeEach(async () => {
  stack = await openRetryStack(3);
  gate = new SteeredGate(stack.memory);
  slots = new DiscardedSlots(stack.database, gate, stack.watch);
  operations = new FailedEventOperations(stack.database, slots);
});

afterEach(() => stack.close());

async function failedClaim(user = 'alice', status: FailedEventStatus = 'DEAD') {
  const claim = await admit(stack, user);
  await failToPublish(stack, claim);
  await sql(stack, 'UPDATE failed_events SET status = ? WHERE claim_id = ?', status, claim.claimId);
  return { claim, row: await knownRowOf(stack, claim) };
}

/** A message that the consumer could not read. */
async function unreadable(): Promise<FailedEvent> {
  const [row] = await stack.database.transaction(async (unit) => {
    const record = { topic: 'coupon_create', partition: 0, offset: 7, key: null, value: Buffer.from('{'), headers: {} };
    const failure = { errorClass: 'poison', errorCode: 'unreadable', errorMessage: 'no JSON' };
    await unit.failedEvents.quarantine([{ record, claim: null, failure }]);
    return unit.failedEvents.list({ limit: 1 });
  });
  if (row === undefined) throw new Error('nothing was quarantined');
  return row;
}

const discard = (row: FailedEvent, hasSeen = ALWAYS) =>
  operations.discard(row.id, 'fraud', hasSeen, byOperator(REQUEST));
const requeue = (row: FailedEvent, hasSeen = ALWAYS) => operations.requeue(row.id, hasSeen, byOperator(REQUEST));
const audits = async () =>
  (
    await sql<{ action: string; subject: string; request_id: string; campaign_id: string; detail: string }>(
      stack,
      'SELECT * FROM admin_audit ORDER BY id',
    )
  ).map(({ action, subject, request_id, campaign_id, detail }) => ({
    action,
    subject,
    requestId: request_id,
    campaignId: campaign_id,
    ...(JSON.parse(detail) as object),
  }));
const newSweeper = () => sweeperOf(stack, gate, slots);

describe('listing failed events', () => {
  it('shows the newest first, page by page, and by status and campaign', async () => {
    await storeCampaign(stack, { id: 'other' });
    const { row: first } = await failedClaim('alice', 'DEAD');
    const { row: second } = await failedClaim('bob', 'PENDING');
    const { row: third } = await failedClaim('carol', 'DEAD');
    await sql(stack, "UPDATE failed_events SET campaign_id = 'other' WHERE id = ?", first.id);
    const ids = async (filter: Parameters<FailedEventOperations['list']>[0]) => {
      const { rows, next } = await operations.list(filter);
      return [rows.map(({ id }) => id), next];
    };
    expect(await ids({ limit: 2 })).toEqual([[third.id, second.id], second.id]);
    expect(await ids({ limit: 2, beforeId: second.id })).toEqual([[first.id], null]);
    expect(await ids({ limit: 3 })).toEqual([[third.id, second.id, first.id], null]);
    expect(await ids({ limit: 9, status: 'DEAD' })).toEqual([[third.id, first.id], null]);
    expect(await ids({ limit: 9, status: 'DEAD', campaignId: 'other' })).toEqual([[first.id], null]);
  });
});

describe('requeueing', () => {
  it('gives a dead claim all its attempts again, and it becomes a coupon', async () => {
    const { claim, row } = await failedClaim();
    await sql(stack, 'UPDATE failed_events SET attempts = 12, next_attempt_at = 9999999999999');
    expect(await requeue(row)).toMatchObject({ kind: 'changed', row: { status: 'PENDING', attempts: 0, version: 2 } });
    await drainerOf(stack.database, stack.log).drain();
    await consumeJournal(stack);
    expect(await couponOf(stack, claim)).not.toBeNull();
  });

  it('cuts a back-off short', async () => {
    const { row } = await failedClaim('alice', 'PENDING');
    await sql(stack, 'UPDATE failed_events SET next_attempt_at = 9999999999999');
    expect(await requeue(row)).toMatchObject({ kind: 'changed' });
    expect(await drainerOf(stack.database, stack.log).drain()).toMatchObject({ published: 1 });
  });

  it.each(['PUBLISHING', 'REPUBLISHED', 'RESOLVED', 'DISCARDED'] as const)('is refused when %s', async (status) => {
    const { row, claim } = await failedClaim('alice', status);
    expect(await requeue(row)).toMatchObject({ kind: 'invalid-state' });
    expect(await knownRowOf(stack, claim)).toEqual(row);
    expect(await audits()).toEqual([]);
  });

  it('is refused for an unreadable message', async () => {
    expect(await requeue(await unreadable())).toMatchObject({ kind: 'invalid-state' });
  });

  it('is refused without the latest version, and for a row that does not exist', async () => {
    const { row } = await failedClaim();
    expect(await requeue(row, (version) => version === 7)).toMatchObject({
      kind: 'precondition-failed',
      row: { version: 1 },
    });
    expect(await operations.requeue(row.id + 1, ALWAYS, byOperator(REQUEST))).toEqual({
      kind: 'failed-event-not-found',
    });
    expect(await audits()).toEqual([]);
  });

  it('leaves a row in the audit', async () => {
    const { row, claim } = await failedClaim();
    await requeue(row);
    expect(await audits()).toEqual([
      {
        action: 'failed-event.requeue',
        subject: String(row.id),
        requestId: REQUEST,
        campaignId: CAMPAIGN,
        claimId: claim.claimId,
        before: { status: 'DEAD' },
        after: { status: 'PENDING' },
        version: 2,
      },
    ]);
  });
});

describe('discarding', () => {
  it.each(['DEAD', 'PENDING', 'PUBLISHING', 'REPUBLISHED'] as const)(
    'frees exactly one slot when %s',
    async (status) => {
      const { claim, row } = await failedClaim('alice', status);
      await admit(stack, 'bob');
      expect(await discard(row)).toMatchObject({
        kind: 'changed',
        row: { status: 'DISCARDED', note: 'fraud', resolvedBy: 'operator', leaseOwner: null },
      });
      expect(await claimed(stack)).toBe(1);
      expect(isPending(stack, claim)).toBe(false);
      expect((await knownRowOf(stack, claim)).releasedAt).not.toBeNull();
    },
  );

  it('locks the gate row, then the campaign, then the row, before it looks for a coupon', async () => {
    const { row } = await failedClaim();
    const database = new RecordingDatabase(stack.database);
    operations = new FailedEventOperations(database, slots);
    expect(await discard(row)).toMatchObject({ kind: 'changed' });
    expect(database.calls).toEqual([
      'gate.lockShared',
      'campaigns.lock',
      'failedEvents.lock',
      'coupons.find',
      'failedEvents.discard',
      'failedEvents.find',
      'audit.record',
    ]);
  });

  it('frees nothing more when it is repeated', async () => {
    const { row } = await failedClaim();
    await admit(stack, 'bob');
    await discard(row);
    expect(await discard(row)).toMatchObject({ kind: 'invalid-state' });
    await newSweeper().sweep();
    expect(await claimed(stack)).toBe(1);
    expect(await audits()).toHaveLength(1);
  });

  it('lets the user claim again, and leaves that claim alone', async () => {
    const { row } = await failedClaim();
    await discard(row);
    const again = await admit(stack, 'alice');
    expect(await discard(row)).toMatchObject({ kind: 'invalid-state' });
    await slots.release(stack.pass, [row]);
    expect(isPending(stack, again)).toBe(true);
    expect(await claimed(stack)).toBe(1);
  });

  it('is carried out although the gate does not answer; the sweeper frees the slot', async () => {
    const { claim, row } = await failedClaim();
    await admit(stack, 'bob');
    gate.away = true;
    expect(await discard(row)).toMatchObject({ kind: 'changed' });
    expect((await knownRowOf(stack, claim)).releasedAt).toBeNull();
    expect(await claimed(stack)).toBe(2);
    gate.away = false;
    expect(await newSweeper().sweep()).toMatchObject({ released: 1 });
    expect(await newSweeper().sweep()).toMatchObject({ released: 0 });
    expect(await claimed(stack)).toBe(1);
  });

  it('during a rebuild leaves the slot to the sweeper, since the new gate may have staged the claim', async () => {
    const { claim, row } = await failedClaim();
    await stack.database.transaction((unit) => unit.gate.beginEpoch('somebody', EPOCH + 1, 10_000));
    const { claimId, sequence, claimedAt, userId } = claim;
    const staged = { claimId, sequence, claimedAt, userId, idempotencyDigest: null, pending: true };
    await stack.builder.stage(EPOCH + 2, CAMPAIGN, [staged]);
    expect(await discard(row)).toMatchObject({ kind: 'changed' });
    expect((await knownRowOf(stack, claim)).releasedAt).toBeNull();
    stack = { ...stack, pass: await openEpoch(stack, EPOCH + 2) };
    expect(await claimed(stack)).toBe(1);
    expect(await newSweeper().sweep()).toMatchObject({ released: 1 });
    expect(await claimed(stack)).toBe(0);
  });

  it('is refused once the user has a coupon of the campaign', async () => {
    const { claim, row } = await failedClaim('alice', 'REPUBLISHED');
    await stack.log.publish(claim);
    await consumeJournal(stack);
    expect(await discard(row)).toMatchObject({ kind: 'coupon-exists', row: { status: 'RESOLVED' } });
    expect(await claimed(stack)).toBe(1);
    expect(await audits()).toEqual([]);
  });

  it('is refused also when the coupon came from another claim of the user', async () => {
    const { claim, row } = await failedClaim();
    await stack.log.publish({ ...claim, claimId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' });
    await consumeJournal(stack);
    expect(await discard(row)).toMatchObject({ kind: 'coupon-exists' });
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'DEAD' });
  });

  it('is refused in a final state, without the latest version, and for a row that does not exist', async () => {
    const { row: resolved } = await failedClaim('alice', 'RESOLVED');
    expect(await discard(resolved)).toMatchObject({ kind: 'invalid-state' });
    const { row } = await failedClaim('bob');
    expect(await discard(row, () => false)).toMatchObject({ kind: 'precondition-failed', row: { status: 'DEAD' } });
    expect(await operations.discard(row.id + 1, 'fraud', ALWAYS, byOperator(REQUEST))).toEqual({
      kind: 'failed-event-not-found',
    });
    expect(await claimed(stack)).toBe(2);
    expect(await audits()).toEqual([]);
  });

  it('also ends an unreadable message', async () => {
    expect(await discard(await unreadable())).toMatchObject({ kind: 'changed', row: { status: 'DISCARDED' } });
    expect(await newSweeper().sweep()).toMatchObject({ released: 0 });
  });

  it('leaves a row in the audit, with the reason', async () => {
    const { row, claim } = await failedClaim('alice', 'PENDING');
    await discard(row);
    expect(await audits()).toEqual([
      {
        action: 'failed-event.discard',
        subject: String(row.id),
        requestId: REQUEST,
        reason: 'fraud',
        campaignId: CAMPAIGN,
        claimId: claim.claimId,
        before: { status: 'PENDING' },
        after: { status: 'DISCARDED' },
        version: 2,
      },
    ]);
  });

  it('is undone with its audit row when it cannot be committed', async () => {
    const { row, claim } = await failedClaim();
    await sql(stack, 'DROP TABLE admin_audit');
    await expect(discard(row)).rejects.toThrow();
    expect(await knownRowOf(stack, claim)).toEqual(row);
    expect(await claimed(stack)).toBe(1);
  });
});

describe('an event that is on the log when its claim is discarded', () => {
  it('is skipped by the consumer, and its slot goes to another user', async () => {
    const { claim, row } = await failedClaim('alice', 'PENDING');
    await drainerOf(stack.database, stack.log).drain();
    expect(await eventsOnJournal(stack)).toEqual([claim]);
    expect(await discard(row)).toMatchObject({ kind: 'changed' });
    await consumeJournal(stack);
    expect(await couponOf(stack, claim)).toBeNull();
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'DISCARDED' });
    for (const user of ['bob', 'carol', 'dave']) await admit(stack, user);
    expect(await claimed(stack)).toBe(3);
  });

  it('was being published at that moment: the drainer leaves the row DISCARDED and never takes it again', async () => {
    const { claim, row } = await failedClaim('alice', 'PENDING');
    const log = new InterruptibleClaimLog(stack.log);
    log.beforePublish = async () => {
      expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PUBLISHING' });
      await discard(row);
    };
    const drainer = drainerOf(stack.database, log);
    await drainer.drain();
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'DISCARDED', note: 'fraud' });
    await sql(stack, 'UPDATE failed_events SET next_attempt_at = 1');
    expect(await drainer.drain()).toMatchObject({ leased: 0 });
    await consumeJournal(stack);
    expect(await couponOf(stack, claim)).toBeNull();
    expect(await claimed(stack)).toBe(0);
  });

  it('does not bring the claim back into the gate through the sweeper', async () => {
    const { claim, row } = await failedClaim('alice', 'PENDING');
    stack.memory.campaign(EPOCH, CAMPAIGN).pending.set('alice', 1);
    await discard(row);
    expect(await newSweeper().sweep()).toEqual({ cleared: 0, released: 0, recorded: 0 });
    expect(await claimed(stack)).toBe(0);
    expect(isPending(stack, claim)).toBe(false);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { claimOf } from '../../../test/support/claims.js';
import { persistenceOf } from '../../../test/support/consumer.js';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import { discardClaim, failToPublish } from '../../../test/support/failed-events.js';
import {
  expireLease,
  issueCoupons,
  openPass,
  rebuilderOf,
  SharedGateBuilder,
  StepProbe,
} from '../../../test/support/recovery.js';
import { type ClaimEvent, encodeClaimEvent } from '../../domain/claim.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { type FailedEvent } from '../../ports/database/failed-event-store.js';
import { REBUILD_STEPS } from './rebuild-probe.js';

Logger.overrideLogger(false);

let stack: EmbeddedStack;
/** The epoch whose memory is taken over. */
let old: number;

beforeEach(async () => {
  stack = await openEmbeddedStack();
  await storeCampaign(stack, { id: 'default', total: 10 });
  await shared().rebuild(0);
  old = (await row()).epoch;
});

afterEach(async () => {
  await stack.close();
});

const row = () => stack.database.read((unit) => unit.gate.read());
const shared = (probe?: StepProbe) =>
  rebuilderOf(stack, { builder: new SharedGateBuilder(stack.memory), ...(probe === undefined ? {} : { probe }) });
const lookUp = async (userId: string) => stack.gate.lookUp(await openPass(stack), 'default', userId);
const gauge = async () => (await stack.gate.gauge(await openPass(stack), ['default']))[0];
const execute = (sql: string) => stack.connection.exclusive((runner) => runner.query(sql));

/** A claim of user `u<number>` that the open gate admits. */
async function admit(number: number): Promise<ClaimEvent> {
  const { claimId, campaignId, userId, idempotencyDigest } = claimOf(number);
  const pass = await openPass(stack);
  const outcome = await stack.gate.claim(pass, { claimId, campaignId, userId, idempotencyDigest });
  if (outcome.kind !== 'admitted') throw new Error(`expected admitted, got ${outcome.kind}`);
  const { sequence, claimedAt } = outcome;
  return { claimId, campaignId, userId, sequence, claimedAt, idempotencyDigest, epoch: pass.epoch };
}

const admitAll = async (...numbers: number[]): Promise<ClaimEvent[]> => {
  const claims = [];
  for (const number of numbers) claims.push(await admit(number));
  return claims;
};

const failedEvents = (claims: readonly ClaimEvent[]): Promise<FailedEvent[]> =>
  stack.database.read((unit) => unit.failedEvents.findByClaimIds(claims.map(({ claimId }) => claimId)));

describe('what only the gate knew that was open last', () => {
  it('becomes failed events under the new epoch, and stays admitted', async () => {
    const claims = await admitAll(1, 2, 3);
    await shared().rebuild(old);

    const { epoch } = await openPass(stack);
    for (const [index, { userId, claimId, claimedAt }] of claims.entries()) {
      expect(await lookUp(userId)).toEqual({
        kind: 'found',
        record: { claimId, sequence: index + 1, claimedAt, idempotencyDigest: null },
        pending: true,
      });
    }
    const rows = await failedEvents(claims);
    expect(rows.map(({ claim }) => claim)).toEqual(claims.map((claim) => ({ ...claim, epoch })));
    for (const one of rows) {
      expect(one).toMatchObject({ source: 'SWEEPER', status: 'PENDING', failure: { errorCode: 'taken-over' } });
    }
    expect(await gauge()).toMatchObject({ claimed: 3, pending: 3, sequence: 3 });
    expect(await admit(4)).toMatchObject({ sequence: 4 });
  });

  it('becomes one coupon also when its event arrives after the cut', async () => {
    const [claim] = (await admitAll(1)) as [ClaimEvent];
    let late = Promise.resolve();
    await shared(new StepProbe().at('cut-stored', () => (late = stack.log.publish(claim)))).rebuild(old);
    await late;
    const [taken] = (await failedEvents([claim])) as [FailedEvent];
    await stack.log.publish(taken.claim as ClaimEvent);

    const records = [];
    for await (const page of stack.log.read(new Map([[0, 1]]), await stack.log.endOffsets())) records.push(...page);
    const texts = records.map(({ value }) => Buffer.from(value ?? []).toString());
    expect(texts).toEqual([claim, taken.claim as ClaimEvent].map(encodeClaimEvent));
    const events = [claim, taken.claim as ClaimEvent];
    const { verdicts } = await persistenceOf(stack).persist(
      records.map((record, index) => ({ record, event: events[index] as ClaimEvent })),
    );
    expect(verdicts).toEqual(['stale', 'issued']);
    const coupon = await stack.database.read((unit) => unit.coupons.find('default', claim.userId));
    expect(coupon).toMatchObject({ claimId: claim.claimId, sequence: claim.sequence, claimedAt: claim.claimedAt });
    expect(await failedEvents([claim])).toMatchObject([{ status: 'RESOLVED' }]);
  });

  it.each<[string, (claims: ClaimEvent[]) => Promise<unknown>, Partial<FailedEvent>[]]>([
    ['has a coupon', ([claim]) => issueCoupons(stack, [claim as ClaimEvent]), []],
    ['is on the log', ([claim]) => stack.log.publish(claim as ClaimEvent), []],
    ['has a failed event', ([claim]) => failToPublish(stack, claim as ClaimEvent), [{ source: 'API' }]],
    [
      'has another claim of its user beside it that is durable',
      ([claim]) => stack.log.publish(claimOf(50, { userId: claim?.userId ?? '', epoch: old })),
      [],
    ],
  ])('gets no failed event when it %s', async (_what, happen, rows) => {
    const claims = await admitAll(1);
    await happen(claims);
    await shared().rebuild(old);
    expect(await lookUp('u1')).toMatchObject({ kind: 'found' });
    expect(await gauge()).toMatchObject({ claimed: 1 });
    expect(await failedEvents(claims)).toMatchObject(rows);
  });

  it('gives no slot back to a discarded claim', async () => {
    const claims = await admitAll(1, 2);
    await failToPublish(stack, claims[0] as ClaimEvent);
    await discardClaim(stack, claims[0] as ClaimEvent);
    await shared().rebuild(old);
    expect(await lookUp('u1')).toEqual({ kind: 'absent' });
    expect(await lookUp('u2')).toMatchObject({ kind: 'found' });
    expect(await failedEvents(claims)).toMatchObject([{ status: 'DISCARDED' }, { status: 'PENDING' }]);
  });

  it('gets what the total leaves, first come first served', async () => {
    const claims = await admitAll(5, 1, 4, 2);
    await issueCoupons(stack, [claimOf(9, { sequence: 5 })]);
    await execute("UPDATE campaigns SET total = 3 WHERE id = 'default'");
    await shared().rebuild(old);
    expect(await gauge()).toMatchObject({ claimed: 3, pending: 2, terms: { total: 3 } });
    for (const userId of ['u5', 'u1']) expect(await lookUp(userId)).toMatchObject({ kind: 'found' });
    expect(await failedEvents(claims)).toHaveLength(2);
  });

  it('keeps its sequence also where the total leaves no room', async () => {
    await admitAll(1, 2, 3);
    await execute("UPDATE campaigns SET total = 1 WHERE id = 'default'");
    await shared().rebuild(old);
    expect(await gauge()).toMatchObject({ claimed: 1, sequence: 3 });
  });

  it('is taken over in as many transactions as it takes', async () => {
    await execute("UPDATE campaigns SET total = 2000, version = version + 1 WHERE id = 'default'");
    await shared().rebuild(old);
    const numbers = Array.from({ length: 1_200 }, (_, index) => index + 1);
    const claims = await admitAll(...numbers);
    await shared().rebuild((await row()).epoch);
    expect(await gauge()).toMatchObject({ claimed: 1_200, pending: 1_200, sequence: 1_200 });
    expect(await failedEvents(claims)).toHaveLength(1_200);
  });

  it('is forgotten when the memory of its campaign is not whole', async () => {
    const claims = await admitAll(1, 2);
    stack.memory.campaign(old, 'default').applied.delete('u2');
    await shared().rebuild(old);
    expect(await gauge()).toMatchObject({ claimed: 0 });
    expect(await failedEvents(claims)).toEqual([]);
  });

  it('is forgotten when the database does not know the campaign', async () => {
    const claims = await admitAll(1);
    await execute("DELETE FROM campaigns WHERE id = 'default'");
    await shared().rebuild(old);
    expect(await failedEvents(claims)).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'a version that notes no last epoch has begun another one',
      () => execute('UPDATE gate SET epoch = epoch + 1, script_sha = NULL'),
    ],
    ['the database was restored', () => execute('UPDATE gate SET epoch = epoch - 1000')],
  ])('is forgotten when %s', async (_what, happen) => {
    const claims = await admitAll(1);
    await happen();
    await shared().rebuild(old);
    expect(await gauge()).toMatchObject({ claimed: 0 });
    expect(await failedEvents(claims)).toEqual([]);
  });
});

describe('a takeover', () => {
  it.each(REBUILD_STEPS.slice(0, -1))(
    'is finished by the next builder after the first one died after: %s',
    async (step) => {
      const claims = await admitAll(1, 2);
      const dying = new StepProbe().at(step, () => Promise.reject(new Error('killed')));
      await expect(shared(dying).rebuild(old)).rejects.toThrow('killed');
      await shared().rebuild((await row()).epoch);
      expect(await gauge()).toMatchObject({ claimed: 2, pending: 2, sequence: 2 });
      expect((await failedEvents(claims)).map(({ claim }) => claim?.claimId)).toEqual(
        claims.map(({ claimId }) => claimId),
      );
    },
  );

  it('keeps what it takes over until its failed events are committed', async () => {
    const claims = await admitAll(1, 2);
    const database = Object.create(stack.database) as typeof stack.database;
    database.transaction = <T>(work: (unit: UnitOfWork) => Promise<T>) =>
      stack.database.transaction(async (unit) => {
        unit.failedEvents.addUnpublished = () => Promise.reject(new Error('read-only'));
        return work(unit);
      });
    const builder = new SharedGateBuilder(stack.memory);
    await expect(rebuilderOf({ ...stack, database }, { builder }).rebuild(old)).rejects.toThrow('read-only');
    expect(await failedEvents(claims)).toEqual([]);
    await shared().rebuild((await row()).epoch);
    expect(await gauge()).toMatchObject({ claimed: 2, pending: 2 });
    expect(await failedEvents(claims)).toHaveLength(2);
  });

  it('writes nothing when another builder has the row', async () => {
    const claims = await admitAll(1);
    const sleeper = new StepProbe().at('pending-staged', async () => {
      await expireLease(stack);
      await shared().rebuild(old);
    });
    await shared(sleeper).rebuild(old);
    const { epoch } = await openPass(stack);
    expect(epoch).toBeGreaterThan(sleeper.epoch);
    expect((await failedEvents(claims)).map(({ claim }) => claim?.epoch)).toEqual([epoch]);
    expect(await gauge()).toMatchObject({ claimed: 1, pending: 1 });
  });

  it('leaves nothing of the old epoch behind', async () => {
    await admitAll(1);
    await shared().rebuild(old);
    expect(stack.memory.seal(old)).toEqual([]);
  });
});

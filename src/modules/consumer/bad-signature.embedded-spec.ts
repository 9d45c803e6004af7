import { createSecretKey, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import '../../../test/support/quiet.js';
import { type Border, makeBorder } from '../../../test/support/border.js';
import { claimOf } from '../../../test/support/claims.js';
import {
  admit,
  claimsOf,
  consumed,
  type ConsumerStack,
  failedEvents,
  failure,
  isPending,
  issuedClaims,
  issuedCount,
  openConsumerStack,
  recordOf,
  recordsOf,
  sql,
} from '../../../test/support/consumer.js';
import { encodeClaimEvent } from '../../domain/claim.js';
import { keyIdOf } from '../../ports/database/installation-key-store.js';

let stack: ConsumerStack;
let border: Border;

beforeEach(async () => {
  stack = await openConsumerStack();
  border = await makeBorder(stack, stack.faults);
});
afterEach(() => stack.close());

const forge = (event = claimOf(66), secret = randomBytes(32)) =>
  border.signed(event, { id: keyIdOf(secret), secret: createSecretKey(secret) });
const badSignatures = async () =>
  (await stack.registry.getSingleMetric('coupon_bad_signatures_total')?.get())?.values[0]?.value;
const DEAD = { status: 'DEAD', claim: null, failure: { errorClass: 'poison', errorCode: 'bad-signature' } };

describe('an event that this installation has not signed', () => {
  it.each([
    ['is not signed', () => encodeClaimEvent(claimOf(66))],
    ['is signed with another key', () => forge()],
    [
      'names our key without knowing it',
      () => border.signed(claimOf(66), { id: border.keys.signing?.id ?? '', secret: createSecretKey(randomBytes(32)) }),
    ],
    ['is a copy of ours with another user', () => border.signed(claimOf(1)).replace('"u1"', '"u66"')],
    ['is a copy of ours of another epoch', () => border.signed(claimOf(66)).replace('"epoch":100', '"epoch":101')],
  ])('that %s is no coupon, and holds nothing up', async (_what, forged) => {
    const claims = claimsOf(1, 4).map((claim) => border.signed(claim));
    const context = await stack.deliver(recordsOf([claims[0] ?? '', claims[1] ?? '', forged(), ...claims.slice(2)]));
    expect(context.settledCount).toBe(5);
    expect(await issuedClaims(stack)).toEqual(claimsOf(1, 4).map(({ claimId }) => claimId));
    expect(await failedEvents(stack)).toMatchObject([{ ...DEAD, partition: 0, offset: 2, attempts: 1 }]);
    expect(await badSignatures()).toBe(1);
    expect(await consumed(stack)).toEqual({ issued: 4, quarantined: 1 });
  });

  it('tells its row the key that it names, where that one may have been ours', async () => {
    const ours = border.keys.signing?.id ?? '';
    const secret = randomBytes(32);
    await stack.deliver(
      recordsOf([
        forge(claimOf(1), secret),
        border.signed(claimOf(2), { id: ours, secret: createSecretKey(secret) }),
        border.signed(claimOf(3), { id: '"\n/../..', secret: createSecretKey(secret) }),
      ]),
    );
    expect((await failedEvents(stack)).map(({ failure: { errorMessage } }) => errorMessage)).toEqual([
      `signed with key ${keyIdOf(secret)}, which is not in use`,
      'the signature is not ours',
      'the signature is not ours',
    ]);
  });

  it('neither fills a slot that was promised, nor ends what is known of it', async () => {
    await stack.close();
    stack = await openConsumerStack({ total: 2 });
    border = await makeBorder(stack, stack.faults);
    const promised = [await admit(stack, 1), await admit(stack, 2)];
    const forged = [
      encodeClaimEvent(claimOf(66, { sequence: 1 })),
      forge(claimOf(67, { sequence: 1 })),
      // It names a claim of ours, so that its pending entry might be cleared.
      encodeClaimEvent({ ...(promised[0] ?? claimOf(1)), sequence: 2 ** 53 - 1 }),
    ];
    await stack.deliver(recordsOf(forged));
    expect([isPending(stack, 'u1'), isPending(stack, 'u2'), await issuedCount(stack)]).toEqual([true, true, 0]);
    expect(await stack.database.read((unit) => unit.failedEvents.countSlotHolders('default'))).toBe(0);
    await stack.deliver(promised.map((event, index) => recordOf(border.signed(event), 3 + index)));
    expect([isPending(stack, 'u1'), isPending(stack, 'u2'), await issuedCount(stack)]).toEqual([false, false, 2]);
  });

  it('changes nothing as a true copy of ours', async () => {
    const record = recordOf(border.signed(claimOf(1)), 0);
    await stack.deliver([record, { ...record, offset: 1 }, { ...record, partition: 3, offset: 7 }]);
    expect(await consumed(stack)).toEqual({ issued: 1, duplicate: 2 });
    expect(await failedEvents(stack)).toEqual([]);
  });

  it('takes little room, and is only counted once there are many', async () => {
    const long = border.signed(claimOf(1)).replace('"u1"', `"u1","padding":"${'x'.repeat(5_000)}"`);
    await stack.deliver(recordsOf([long, `no event ${'x'.repeat(5_000)}`]));
    const kept = await sql<{ bytes: number; truncated: number }>(
      stack,
      'SELECT LENGTH(payload) AS bytes, truncated FROM failed_events',
    );
    expect(kept).toEqual(Array(2).fill({ bytes: 1_024, truncated: 1 }));
    expect(await badSignatures()).toBe(2);
    const many = Array.from({ length: 1_100 }, (_, index) => recordOf('{"key":"', 10 + index));
    expect((await stack.deliver(many)).settledCount).toBe(1_100);
    const [rows] = await sql<{ n: number }>(stack, 'SELECT COUNT(*) AS n FROM failed_events');
    expect(rows?.n).toBe(1_000);
    expect(await consumed(stack)).toEqual({ quarantined: 1_102 });
    expect(await badSignatures()).toBe(1_102);
    // A batch that a disk has damaged may hold promised claims: a forger does not hide it.
    await stack.deliver([{ ...recordOf('', 1_999), unreadable: 'offsets 1999 to 1999: crc' }]);
    expect(await sql(stack, "SELECT error_code FROM failed_events WHERE error_code = 'unreadable-batch'")).toHaveLength(
      1,
    );
    // A claim of ours that cannot be persisted is never only counted.
    await stack.deliver([recordOf(border.signed(claimOf(5, { campaignId: 'gone' })), 2_000)]);
    expect(await stack.database.read((unit) => unit.failedEvents.find(1_002))).toMatchObject({
      claim: { userId: 'u5' },
      verified: true,
    });
  });
});

describe('while signatures are not demanded', () => {
  beforeEach(() => border.demand(false));

  it('an unsigned event is taken and counted, and a forged one is not', async () => {
    await stack.deliver(recordsOf([encodeClaimEvent(claimOf(1)), forge(claimOf(2)), border.signed(claimOf(3))]));
    expect(await issuedClaims(stack)).toEqual([claimOf(1).claimId, claimOf(3).claimId]);
    const unsigned = await stack.registry.getSingleMetric('coupon_unsigned_events_total')?.get();
    expect(unsigned?.values[0]?.value).toBe(1);
    await border.demand(true);
    await stack.deliver([recordOf(encodeClaimEvent(claimOf(4)), 9)]);
    expect(await issuedCount(stack)).toBe(2);
    expect(await failedEvents(stack)).toMatchObject([DEAD, { ...DEAD, offset: 9 }]);
  });

  it('a failed event remembers that its claim was unsigned, until a signed event says the same', async () => {
    await sql(stack, 'UPDATE campaigns SET total = issued');
    const claim = claimOf(1);
    await stack.deliver([recordOf(encodeClaimEvent({ ...claim, sequence: 99 }), 0)]);
    expect(await failedEvents(stack)).toMatchObject([{ claim: { sequence: 99 }, verified: false }]);
    await stack.deliver([recordOf(border.signed(claim), 1)]);
    expect(await failedEvents(stack)).toMatchObject([{ claim, verified: true, attempts: 1 }]);
  });
});

describe('the key of an event', () => {
  it('that is unknown is looked for in the database before the event is judged', async () => {
    const secret = randomBytes(32);
    await stack.database.transaction((unit) => unit.installationKeys.add('event', secret));
    await stack.deliver([recordOf(forge(claimOf(1), secret), 0)]);
    expect(await issuedCount(stack)).toBe(1);
    expect(border.keys.signing?.id).toBe(keyIdOf(secret));
  });

  it('makes the event wait while the database does not answer', async () => {
    const secret = randomBytes(32);
    await stack.database.transaction((unit) => unit.installationKeys.add('event', secret));
    let asked = 0;
    stack.faults.beforeRead = () => {
      asked += 1;
      if (asked < 4) throw failure('infrastructure');
    };
    expect((await stack.deliver([recordOf(forge(claimOf(1), secret), 0)])).settledCount).toBe(1);
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(await issuedCount(stack)).toBe(1);
    expect(await failedEvents(stack)).toEqual([]);
  });

  it('verifies until it is retired', async () => {
    const old = border.signed(claimOf(1));
    const id = border.keys.signing?.id ?? '';
    await stack.database.transaction((unit) => unit.installationKeys.add('event', randomBytes(32)));
    await border.keys.readAgain();
    await stack.deliver([recordOf(old, 0)]);
    expect(await issuedCount(stack)).toBe(1);
    await stack.database.transaction((unit) => unit.installationKeys.retire('event', id));
    await border.keys.readAgain();
    await stack.deliver([recordOf(old, 1)]);
    expect(await failedEvents(stack)).toMatchObject([DEAD]);
  });
});

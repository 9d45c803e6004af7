import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { claimOf, EPOCH } from '../../../test/support/claims.js';
import {
  admit,
  claimsOf,
  consumed,
  type ConsumerStack,
  coupons,
  failedEvents,
  failure,
  isPending,
  issuedClaims,
  issuedCount,
  openConsumerAgain,
  openConsumerStack,
  recordOf,
  recordsOf,
  sql,
  statusOf,
} from '../../../test/support/consumer.js';
import { discardClaim, failToPublish } from '../../../test/support/failed-events.js';
import { type ClaimEvent, encodeClaimEvent } from '../../domain/claim.js';
import { SystemEntropy } from '../../platform/flow/entropy.js';
import { GateTimeoutError } from '../../ports/gate/issuance-gate.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { ClaimBatch } from './claim-batch.js';

/** The database refuses every row of this table for which the condition holds. */
const REFUSE = (table: string, condition = '1') =>
  `CREATE TRIGGER refusal BEFORE INSERT ON ${table} WHEN ${condition} BEGIN SELECT RAISE(ABORT, 'refused'); END`;

describe('a batch of the claim log', () => {
  let stack: ConsumerStack;

  beforeEach(async () => {
    stack = await openConsumerStack({ total: 1_000 });
  });

  afterEach(() => {
    jest.restoreAllMocks();
    return stack.close();
  });

  const reopen = async (...changes: Parameters<typeof openConsumerStack>) => {
    await stack.close();
    stack = await openConsumerStack(...changes);
  };
  const deliver = (claims: readonly ClaimEvent[]) => stack.deliver(recordsOf(claims));

  describe('when nothing fails', () => {
    it.each([
      ['the whole of it, where nobody else could use the pause', false],
      ['a part of it at a time, while another batch may hold the campaign', true],
    ])('is read %s', async (_how, withAnother) => {
      let letGo = () => {};
      if (withAnother) stack.faults.before = (count) => (count === 1 ? new Promise((go) => (letGo = go)) : undefined);
      const another = withAnother ? stack.deliver([recordOf(claimOf(1), 0)]) : undefined;
      let read = 0;
      let readBeforeOthers = 0;
      const records = claimsOf(2, 401).map((claim, offset) => {
        const record = recordOf(claim, offset);
        const { value } = record;
        return Object.defineProperty(record, 'value', {
          get: () => {
            if (read === 0) setImmediate(() => (readBeforeOthers = read));
            read += 1;
            return value;
          },
        });
      });
      await stack.deliver(records);
      letGo();
      await another;
      expect(readBeforeOthers).toBe(withAnother ? 100 : 400);
    });

    it('becomes coupons chunk by chunk, and is settled to its end', async () => {
      await reopen({ chunkSize: 4 });
      expect((await deliver(claimsOf(1, 10))).settledCount).toBe(10);
      expect(await issuedCount(stack)).toBe(10);
      expect(stack.faults.transactions).toBe(3);
      expect(await consumed(stack)).toEqual({ issued: 10 });
    });

    it('changes nothing when it is delivered again from its start', async () => {
      const claims = claimsOf(1, 10);
      await deliver(claims);
      const before = await coupons(stack);
      expect((await deliver(claims)).settledCount).toBe(10);
      expect(await coupons(stack)).toEqual(before);
      expect(await issuedCount(stack)).toBe(10);
      expect(await consumed(stack)).toEqual({ issued: 10, duplicate: 10 });
    });

    it('holds no claim twice, whether it comes again in one chunk or in another', async () => {
      await reopen({ chunkSize: 3 });
      const [one, two, three] = [claimOf(1), claimOf(2), claimOf(3)];
      expect((await deliver([one, one, two, two, three, one, three])).settledCount).toBe(7);
      expect(await issuedCount(stack)).toBe(3);
    });

    it('settles nothing before its commit', async () => {
      await reopen({ chunkSize: 2 });
      const settled: number[] = [];
      await stack.deliver(recordsOf(claimsOf(1, 6)), {
        onContext: (context) => {
          stack.faults.beforeCommit = () => settled.push(context.settledCount);
        },
      });
      expect(settled).toEqual([0, 2, 4]);
    });

    it('tells how long a coupon took from the gate to its row', async () => {
      const claimedAt = Date.now() - 1_500;
      await deliver([claimOf(1, { claimedAt }), claimOf(2, { claimedAt: Date.now() + 60_000 })]);
      const metrics = await stack.registry.metrics();
      expect(metrics).toContain('coupon_accept_to_row_seconds_count 2');
      expect(metrics).toMatch(/coupon_accept_to_row_seconds_sum 1\.[5-9]/);
      expect(metrics).toContain('coupon_persist_duration_seconds_count 1');
    });
  });

  describe('with codes that are derived', () => {
    it('gives a coupon that is issued again, as after a restored database, the code of the first one', async () => {
      await deliver(claimsOf(1, 3));
      const shown = (await coupons(stack)).map(({ userId, code }) => [userId, code]);
      await sql(stack, 'DELETE FROM coupons');
      await sql(stack, 'UPDATE campaigns SET issued = 0');
      // Another process, and the claims in another order.
      const again = openConsumerAgain(stack);
      await again.deliver(recordsOf(claimsOf(1, 3).reverse()));
      expect((await coupons(stack)).map(({ userId, code }) => [userId, code])).toEqual(shown);
    });

    it('leaves the codes of coupons that are there already as they are', async () => {
      await deliver([claimOf(1)]);
      await sql(stack, "UPDATE coupons SET code = 'OF-AN-OLDER-VERS'");
      await deliver([claimOf(1), claimOf(2)]);
      const [first, second] = await coupons(stack);
      expect(first?.code).toBe('OF-AN-OLDER-VERS');
      expect(second?.code).toMatch(/^[0-9A-HJKMNP-TV-Z]{16}$/);
    });

    it('quarantines a claim whose code is taken, and goes on', async () => {
      await deliver([claimOf(1)]);
      const [{ code } = { code: '' }] = await coupons(stack);
      await sql(stack, 'DELETE FROM coupons');
      await sql(stack, 'UPDATE campaigns SET issued = 0');
      await deliver([claimOf(2)]);
      await sql(stack, 'UPDATE coupons SET code = ?', code);
      expect((await deliver([claimOf(3), claimOf(1), claimOf(4)])).settledCount).toBe(3);
      expect((await coupons(stack)).map(({ userId }) => userId)).toEqual(['u2', 'u3', 'u4']);
      expect(await failedEvents(stack)).toMatchObject([
        { claim: { userId: 'u1' }, failure: { errorCode: 'refused-by-database' } },
      ]);
    });
  });

  describe('with claims of another installation on its log', () => {
    const foreign = (number: number) => ({ ...claimOf(number), installation: 'another' });
    const own = async (number: number) => ({
      ...claimOf(number),
      installation: (await stack.database.read((unit) => unit.gate.read())).installation,
    });

    it('stands at the first of them, and settles neither it nor what lies behind it', async () => {
      const contents = [await own(1), claimOf(2), foreign(3), await own(4)];
      expect((await stack.deliver(recordsOf(contents))).settledCount).toBe(2);
      expect((await coupons(stack)).map(({ userId }) => userId)).toEqual(['u1', 'u2']);
      expect(await failedEvents(stack)).toEqual([]);
      expect(stack.foreign.stoppedPartitions).toBe(1);
    });

    it('says so in one line, however often the batch comes again, and goes on when it is gone', async () => {
      const errors = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
      const rest = [recordOf(foreign(3), 7), recordOf(claimOf(4), 8)];
      for (let delivery = 0; delivery < 3; delivery++) expect((await stack.deliver(rest)).settledCount).toBe(0);
      const lines = errors.mock.calls.map(([text]) => String(text));
      errors.mockRestore();
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(
        /^partition 0 of coupon_create stands at offset 7: .* installation another, .* this is \w{16}\./,
      );
      expect((await stack.deliver(rest.slice(1))).settledCount).toBe(1);
      expect(stack.foreign.stoppedPartitions).toBe(0);
    });

    it('also leaves a message of another installation alone that it cannot read', async () => {
      const later = JSON.stringify({ v: 2, installation: 'another' });
      expect((await stack.deliver(recordsOf([claimOf(1), later]))).settledCount).toBe(1);
      expect(await failedEvents(stack)).toEqual([]);
    });
  });

  describe('with messages that can never become coupons', () => {
    const good = claimsOf(1, 9);
    const sound = JSON.parse(encodeClaimEvent(claimOf(50))) as object;
    const broken = (change: Record<string, unknown>) => JSON.stringify({ ...sound, ...change });
    const poison: [what: string, content: ClaimEvent | Uint8Array | string | null, code: string][] = [
      ['no value', null, 'unreadable'],
      ['broken JSON', '{"v":1,', 'unreadable'],
      ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'unreadable'],
      ['a later version', broken({ v: 2 }), 'unknown-version'],
      ['an array', '[]', 'invalid-schema'],
      ['a user with a space', broken({ userId: 'alice ' }), 'invalid-schema'],
      ['a megabyte', 'x'.repeat(1024 * 1024), 'unreadable'],
      ['an unknown campaign', claimOf(60, { campaignId: 'unknown' }), 'unknown-campaign'],
    ];

    it('sets all of them aside and makes coupons of the others', async () => {
      const contents = [
        ...good.slice(0, 1),
        ...poison.flatMap(([, content], index) => [content, good[index + 1] ?? null]),
      ];
      const { settledCount, size } = await stack.deliver(recordsOf(contents));
      expect(settledCount).toBe(size);
      expect(await issuedClaims(stack)).toEqual(good.map(({ claimId }) => claimId));
      const rows = await failedEvents(stack);
      expect(rows.map(({ failure: { errorCode } }) => errorCode)).toEqual(poison.map(([, , code]) => code));
      expect(new Set(rows.map(({ source, status }) => `${source} ${status}`))).toEqual(new Set(['CONSUMER DEAD']));
      expect(await consumed(stack)).toEqual({ issued: 9, quarantined: 8 });
    });

    it.each(poison)(
      'sets %s aside also when it comes alone, and once when it comes twice',
      async (_what, content, code) => {
        for (let delivery = 1; delivery <= 2; delivery++) {
          expect((await stack.deliver(recordsOf([content]))).settledCount).toBe(1);
        }
        const rows = await failedEvents(stack);
        expect(rows.map(({ failure: { errorCode } }) => errorCode)).toEqual([code]);
      },
    );

    it('sets a batch that cannot be read aside as one, whatever its bytes look like', async () => {
      const records = recordsOf([claimOf(1), claimOf(2), claimOf(3)]);
      const bad = records[1] as LogRecord;
      for (let delivery = 1; delivery <= 2; delivery++) {
        const { settledCount } = await stack.deliver(
          records.map((record) => (record === bad ? { ...bad, unreadable: 'offsets 1 to 9: lz4' } : record)),
        );
        expect(settledCount).toBe(3);
      }
      expect(await issuedClaims(stack)).toEqual([claimOf(1), claimOf(3)].map(({ claimId }) => claimId));
      expect(await failedEvents(stack)).toMatchObject([
        {
          claim: null,
          status: 'DEAD',
          topic: bad.topic,
          partition: bad.partition,
          offset: 1,
          failure: { errorClass: 'poison', errorCode: 'unreadable-batch', errorMessage: 'offsets 1 to 9: lz4' },
        },
      ]);
    });

    it('lets claims beyond the total wait for the retry, and clears what the gate holds pending', async () => {
      const [first, second] = [await admit(stack, 1), await admit(stack, 2)];
      await sql(stack, "UPDATE campaigns SET total = 1 WHERE id = 'default'");
      expect((await deliver([second, first])).settledCount).toBe(2);
      expect(await issuedClaims(stack)).toEqual([first.claimId]);
      expect(await failedEvents(stack)).toMatchObject([
        { dedupeKey: second.claimId, status: 'PENDING', attempts: 1, failure: { errorCode: 'over-total' } },
      ]);
      expect(isPending(stack, 'u2')).toBe(false);
    });

    it('counts one failed attempt for two deliveries in one chunk', async () => {
      await sql(stack, "UPDATE campaigns SET total = 0 WHERE id = 'default'");
      await deliver([claimOf(1), claimOf(1)]);
      expect(await failedEvents(stack)).toMatchObject([{ attempts: 1 }]);
    });

    it('counts a claim that keeps failing, and leaves it to an operator after twelve times', async () => {
      await sql(stack, "UPDATE campaigns SET total = 0 WHERE id = 'default'");
      for (let attempt = 1; attempt <= 12; attempt++) {
        await deliver([claimOf(1)]);
        const status = attempt < 12 ? 'PENDING' : 'DEAD';
        expect(await failedEvents(stack)).toMatchObject([{ attempts: attempt, status }]);
        await sql(stack, 'UPDATE failed_events SET next_attempt_at = 0');
      }
    });

    it('leaves a claim alone that was discarded, and one that came too late', async () => {
      await failToPublish(stack, claimOf(1));
      await discardClaim(stack, claimOf(1));
      await stack.database.transaction((unit) => unit.gate.storeCut({ epoch: EPOCH, offsets: new Map([[0, 0]]) }));
      const late = claimOf(2, { epoch: EPOCH - 1 });
      expect((await deliver([claimOf(1), late, claimOf(3)])).settledCount).toBe(3);
      expect(await issuedClaims(stack)).toEqual([claimOf(3).claimId]);
      expect(await failedEvents(stack)).toHaveLength(1);
      expect(await consumed(stack)).toEqual({ discarded: 1, stale: 1, issued: 1 });
    });
  });

  describe('at the gate', () => {
    it('is no longer pending once it is in the database, also when it was there before', async () => {
      const [one, two] = [await admit(stack, 1), await admit(stack, 2)];
      await stack.persistence.persist([{ record: { partition: 0, offset: 0 }, event: one }]);
      await deliver([one, two]);
      expect([isPending(stack, 'u1'), isPending(stack, 'u2')]).toEqual([false, false]);
    });

    it('stays pending while no epoch is open', async () => {
      const claim = await admit(stack, 1);
      await stack.database.transaction((unit) => unit.gate.beginEpoch('somebody', EPOCH + 1, 10_000));
      expect((await deliver([claim])).settledCount).toBe(1);
      expect(isPending(stack, 'u1')).toBe(true);
    });

    it('ends only when its calls to the gate have ended, or a shutdown would cut them off', async () => {
      const order: string[] = [];
      stack.gate.clearPending = async () => {
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        order.push('cleared');
      };
      await deliver([claimOf(1)]);
      order.push('ended');
      expect(order).toEqual(['cleared', 'ended']);
    });

    it('may stay pending when the gate is away: the coupons are what counts', async () => {
      await reopen({ chunkSize: 1 });
      let calls = 0;
      stack.gate.clearPending = () => {
        calls += 1;
        return Promise.reject(new GateTimeoutError('no answer'));
      };
      expect((await deliver(claimsOf(1, 5))).settledCount).toBe(5);
      expect(await issuedCount(stack)).toBe(5);
      // One wait for a dead gate is enough.
      expect(calls).toBe(1);
    });
  });

  describe('while the database is away', () => {
    it('is tried again until the database is back', async () => {
      await reopen({ chunkSize: 2 });
      stack.faults.before = (count) => {
        if (count >= 2 && count <= 5) throw failure('infrastructure');
      };
      expect((await deliver(claimsOf(1, 6))).settledCount).toBe(6);
      expect(await issuedCount(stack)).toBe(6);
      expect(stack.faults.transactions).toBe(3 + 4);
      expect(await consumed(stack)).toEqual({ issued: 6 });
    });

    it('is abandoned after a while; what is settled stays so, nothing is quarantined, and the next delivery does the rest', async () => {
      await reopen({ chunkSize: 2 });
      stack.faults.before = (count) => {
        if (count > 1) throw failure('infrastructure');
      };
      const claims = claimsOf(1, 6);
      expect((await deliver(claims)).settledCount).toBe(2);
      expect(await failedEvents(stack)).toEqual([]);
      stack.faults.before = () => undefined;
      expect((await deliver(claims)).settledCount).toBe(6);
      expect(await issuedCount(stack)).toBe(6);
    });

    it('has its coupons once when only the answer to a commit was lost', async () => {
      await failToPublish(stack, claimOf(1));
      stack.faults.afterCommit = (count) => {
        if (count === 1) throw failure('infrastructure');
      };
      expect((await deliver(claimsOf(1, 3))).settledCount).toBe(3);
      expect(await issuedCount(stack)).toBe(3);
      expect(await statusOf(stack, claimOf(1))).toBe('RESOLVED');
    });

    it('is settled up to the first message that cannot be set aside', async () => {
      await sql(stack, 'CREATE TABLE away AS SELECT 1 AS away');
      await sql(stack, REFUSE('failed_events', 'EXISTS (SELECT 1 FROM away)'));
      const records = recordsOf([claimOf(1), claimOf(2), 'broken', claimOf(3), 'broken too']);
      expect((await stack.deliver(records)).settledCount).toBe(2);
      expect(await issuedCount(stack)).toBe(3);
      await sql(stack, 'DELETE FROM away');
      expect((await stack.deliver(records)).settledCount).toBe(5);
      expect(await failedEvents(stack)).toHaveLength(2);
    });

    it('waits longer after each failure, and at random, so that consumers do not come back together', async () => {
      await reopen({ minWaitMs: 10, maxWaitMs: 100, giveUpAfterMs: 3_600_000 });
      const waits: number[] = [];
      jest.spyOn(ClaimBatch.prototype, 'rest').mockImplementation((ms) => {
        waits.push(ms);
        return Promise.resolve();
      });
      let failures = 0;
      stack.faults.before = () => {
        if (failures++ < 12) throw failure('infrastructure');
      };
      // The lowest, the middle and the highest random number, in turn.
      const chances = [0, 0.5, 1];
      jest.spyOn(SystemEntropy.prototype, 'fraction').mockImplementation(() => chances[waits.length % 3] as number);
      expect((await deliver([claimOf(1)])).settledCount).toBe(1);
      expect(waits).toEqual([10, 25, 80, 10, 55, 100, 10, 55, 100, 10, 55, 100]);
    });

    it('tries a quarantine again like a chunk, and counts one attempt', async () => {
      await failToPublish(stack, claimOf(1, { campaignId: 'unknown' }));
      stack.faults.before = (count) => {
        if (count === 2 || count === 3) throw failure('infrastructure');
      };
      expect((await deliver([claimOf(1, { campaignId: 'unknown' })])).settledCount).toBe(1);
      expect(await failedEvents(stack)).toMatchObject([{ attempts: 1, status: 'DEAD' }]);
    });

    it('is kept alive, also by a single statement that takes long', async () => {
      let beats = 0;
      const beaten = async () => {
        while (beats < 3) await new Promise(setImmediate);
      };
      stack.faults.before = beaten;
      await stack.deliver(recordsOf([claimOf(1)]), {
        heartbeat: () => {
          beats += 1;
          return Promise.resolve();
        },
      });
      expect(beats).toBeGreaterThanOrEqual(3);
      expect(await issuedCount(stack)).toBe(1);
    });

    it('is left alone once a heartbeat says that it was taken away', async () => {
      const heartbeat = () => Promise.reject(new Error('rebalancing'));
      expect((await stack.deliver(recordsOf(claimsOf(1, 3)), { heartbeat })).settledCount).toBe(0);
      expect(await issuedCount(stack)).toBe(0);
    });

    it('stops when its heartbeat says so while it waits', async () => {
      await reopen({ giveUpAfterMs: 3_600_000 });
      stack.faults.before = () => {
        throw failure('infrastructure');
      };
      const heartbeat = () =>
        stack.faults.transactions === 0 ? Promise.resolve() : Promise.reject(new Error('rebalancing'));
      expect((await stack.deliver(recordsOf([claimOf(1)]), { heartbeat })).settledCount).toBe(0);
    });
  });

  describe('when it is revoked', () => {
    it('ends with the chunk under way', async () => {
      await reopen({ chunkSize: 2 });
      const isRevoked = () => stack.faults.transactions >= 2;
      expect((await stack.deliver(recordsOf(claimsOf(1, 10)), { isRevoked })).settledCount).toBe(4);
      expect(await issuedCount(stack)).toBe(4);
    });

    it('sets nothing aside any more: the consumer that has the partition now does that', async () => {
      const isRevoked = () => stack.faults.transactions >= 1;
      const records = recordsOf([claimOf(1), 'broken', claimOf(2)]);
      expect((await stack.deliver(records, { isRevoked })).settledCount).toBe(1);
      expect(await issuedCount(stack)).toBe(2);
      expect(await failedEvents(stack)).toEqual([]);
    });

    it('ends during a wait, even a long one', async () => {
      await reopen({ minWaitMs: 3_600_000, maxWaitMs: 3_600_000, giveUpAfterMs: 3_600_000 });
      stack.faults.before = () => {
        throw failure('infrastructure');
      };
      let asked = 0;
      const isRevoked = () => (asked += 1) > 5;
      expect((await stack.deliver(recordsOf([claimOf(1)]), { isRevoked })).settledCount).toBe(0);
    });
  });

  describe('when the database refuses rows', () => {
    it('sets the one bad row of 500 aside, in a few steps', async () => {
      await sql(stack, REFUSE('coupons', "NEW.user_id = 'u321'"));
      const claims = claimsOf(1, 500);
      expect((await deliver(claims)).settledCount).toBe(500);
      expect(await issuedClaims(stack)).toEqual(
        claims.filter(({ userId }) => userId !== 'u321').map(({ claimId }) => claimId),
      );
      expect(await failedEvents(stack)).toMatchObject([
        { claim: claimOf(321), status: 'PENDING', failure: { errorCode: 'refused-by-database', errorClass: 'poison' } },
      ]);
      expect(await issuedCount(stack)).toBe(499);
      expect(stack.faults.transactions).toBeLessThanOrEqual(30);
    });

    it.each(['data', 'unknown'] as const)('finds several bad rows by errors of kind %s', async (kind) => {
      const bad = new Set(['u7', 'u8', 'u40']);
      const persist = stack.persistence.persist.bind(stack.persistence);
      stack.persistence.persist = (chunk) =>
        chunk.some(({ event }) => bad.has(event.userId)) ? Promise.reject(failure(kind)) : persist(chunk);
      expect((await deliver(claimsOf(1, 50))).settledCount).toBe(50);
      expect((await failedEvents(stack)).map(({ claim }) => claim?.userId)).toEqual([...bad]);
      expect(await issuedCount(stack)).toBe(47);
    });

    it('clears what the gate holds pending of a row that it sets aside', async () => {
      const claim = await admit(stack, 1);
      await sql(stack, REFUSE('coupons', "NEW.user_id = 'u1'"));
      await deliver([claim]);
      expect(isPending(stack, 'u1')).toBe(false);
    });

    it.each([
      ['every row', REFUSE('coupons'), 'DROP TRIGGER refusal'],
      ['the table', 'ALTER TABLE coupons RENAME TO elsewhere', 'ALTER TABLE elsewhere RENAME TO coupons'],
      ['the counter', REFUSE('campaigns').replace('INSERT', 'UPDATE'), 'DROP TRIGGER refusal'],
    ])(
      'quarantines nothing when the database refuses %s, and goes on when that is fixed',
      async (_what, breakIt, mendIt) => {
        await sql(stack, breakIt);
        const claims = claimsOf(1, 20);
        expect((await deliver(claims)).settledCount).toBe(0);
        expect(await failedEvents(stack)).toEqual([]);
        await sql(stack, mendIt);
        expect((await deliver(claims)).settledCount).toBe(20);
        expect(await issuedCount(stack)).toBe(20);
        expect(await failedEvents(stack)).toEqual([]);
      },
    );

    it('goes on by itself when a refusal of everything ends in time', async () => {
      await reopen({ giveUpAfterMs: 20_000 });
      await sql(stack, REFUSE('coupons'));
      stack.faults.before = async (count) => {
        if (count === 30) await sql(stack, 'DROP TRIGGER refusal');
      };
      expect((await deliver(claimsOf(1, 20))).settledCount).toBe(20);
      expect(await failedEvents(stack)).toEqual([]);
    });

    it('quarantines no claim whose refusal ended just before the trial', async () => {
      await sql(stack, REFUSE('coupons'));
      const accepts = stack.persistence.acceptsCoupons.bind(stack.persistence);
      let trials = 0;
      stack.persistence.acceptsCoupons = async (campaignId) => {
        if ((trials += 1) === 1) await sql(stack, 'DROP TRIGGER refusal');
        return accepts(campaignId);
      };
      expect((await deliver(claimsOf(1, 20))).settledCount).toBe(20);
      expect(trials).toBe(1);
      expect(await failedEvents(stack)).toEqual([]);
      expect(await issuedCount(stack)).toBe(20);
    });

    it.each([
      ['was refused, tried again after other trouble, and accepted', ['unknown', 'infrastructure', 'unknown', 'taken']],
      ['was refused once, like the claim before it', ['unknown', 'taken', 'unknown', 'taken']],
    ] as const)('quarantines no claim that %s', async (_what, answers) => {
      await reopen({ chunkSize: 1 });
      const persist = stack.persistence.persist.bind(stack.persistence);
      const next = answers.values();
      stack.persistence.persist = (chunk) => {
        const { value: answer = 'taken' } = next.next();
        return answer === 'taken' ? persist(chunk) : Promise.reject(failure(answer));
      };
      expect((await deliver(claimsOf(1, 2))).settledCount).toBe(2);
      expect(await failedEvents(stack)).toEqual([]);
      expect(await issuedCount(stack)).toBe(2);
    });

    it('tries a claim from the start again when its failed event was refused too', async () => {
      await reopen({ giveUpAfterMs: 20_000 });
      // Only commits are refused, and a trial is rolled back before its commit. These are refused: the chunks of four,
      // two and one; after the trial that one again, and its failed event with and without its bytes; then the same
      // once more.
      let commits = 0;
      stack.faults.beforeCommit = () => {
        if ((commits += 1) <= 10) throw failure('unknown');
      };
      expect((await deliver(claimsOf(1, 4))).settledCount).toBe(4);
      expect(commits).toBeGreaterThan(10);
      expect(await failedEvents(stack)).toEqual([]);
      expect(await issuedCount(stack)).toBe(4);
    });

    it('looks again when a unique key is taken, which settles nothing by itself', async () => {
      stack.faults.before = (count) => {
        if (count <= 2) throw failure('duplicate');
      };
      expect((await deliver(claimsOf(1, 3))).settledCount).toBe(3);
      expect(stack.faults.transactions).toBe(3);
      expect(await issuedCount(stack)).toBe(3);
    });

    it('sets a claim aside whose id another user’s coupon has', async () => {
      const forged = claimOf(1, { userId: 'thief' });
      expect((await deliver([claimOf(1), claimOf(2), forged])).settledCount).toBe(3);
      expect((await coupons(stack)).map(({ userId }) => userId)).toEqual(['u1', 'u2']);
      expect(await failedEvents(stack)).toMatchObject([
        { claim: forged, failure: { errorCode: 'refused-by-database' } },
      ]);
    });

    it('stores a message without its bytes when the database refuses these, and the other messages with theirs', async () => {
      await sql(stack, REFUSE('failed_events', "NEW.payload = CAST('bad' AS BLOB)"));
      expect((await stack.deliver(recordsOf(['one', 'bad', 'two']))).settledCount).toBe(3);
      const rows = await sql<{ payload: Uint8Array | null }>(stack, 'SELECT payload FROM failed_events ORDER BY id');
      expect(rows.map(({ payload }) => (payload === null ? null : Buffer.from(payload).toString()))).toEqual([
        'one',
        null,
        'two',
      ]);
    });
  });

  describe('when we are mistaken', () => {
    it('settles nothing, does not reject, and succeeds with the next delivery', async () => {
      stack.faults.before = () => {
        throw new TypeError('x is undefined');
      };
      const claims = claimsOf(1, 3);
      expect((await deliver(claims)).settledCount).toBe(0);
      expect(await failedEvents(stack)).toEqual([]);
      stack.faults.before = () => undefined;
      expect((await deliver(claims)).settledCount).toBe(3);
    });

    it('keeps what was settled before', async () => {
      await reopen({ chunkSize: 2 });
      stack.faults.before = (count) => {
        if (count === 2) throw new RangeError('a mistake');
      };
      expect((await deliver(claimsOf(1, 6))).settledCount).toBe(2);
    });

    it('survives what is no batch at all', async () => {
      await expect(stack.deliver(Object.assign([1], { length: 1 }) as never)).resolves.toMatchObject({
        settledCount: 0,
      });
    });
  });

  describe('in the log', () => {
    const lines: { level: string; message: unknown }[] = [];

    beforeEach(() => {
      lines.length = 0;
      const keep = (level: string) => (message: unknown) => void lines.push({ level, message });
      const logger = { log: keep('log'), warn: keep('warn'), error: keep('error'), debug: keep('debug') };
      Logger.overrideLogger(logger);
    });

    afterEach(() => Logger.overrideLogger(false));

    it('leaves one line for debugging', async () => {
      await deliver(claimsOf(1, 100));
      expect(lines).toEqual([{ level: 'debug', message: 'coupon_create[0]: 100 of 100 settled' }]);
    });

    it('names a quarantined claim, and why', async () => {
      await deliver([claimOf(1, { campaignId: 'unknown' })]);
      expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
        {
          message: {
            message: '1 claim event was quarantined as unknown-campaign: no such campaign',
            quarantined: [{ code: 'unknown-campaign', claimId: claimOf(1).claimId, offset: 0 }],
          },
        },
      ]);
    });

    it('has a line at once for the first quarantined message of a code, and then one a minute', async () => {
      const { timers } = stack;
      const warnings = () =>
        lines.flatMap(({ level, message }) => (level === 'warn' ? [(message as { message: string }).message] : []));
      for (let user = 1; user <= 40; user++) await deliver([claimOf(user, { campaignId: 'unknown' })]);
      await stack.deliver(recordsOf(['broken']));
      const atOnce = [
        '1 claim event was quarantined as unknown-campaign: no such campaign',
        '1 claim event was quarantined as unreadable: the value is not JSON in UTF-8',
      ];
      expect(warnings()).toEqual(atOnce);
      await timers.pass(60_000);
      const summed = '39 claim events were quarantined as unknown-campaign: no such campaign';
      expect(warnings()).toEqual([...atOnce, summed]);
      const { quarantined } = lines.at(-1)?.message as { quarantined: { claimId: string }[] };
      expect([quarantined.length, quarantined[0]?.claimId]).toEqual([20, claimOf(2).claimId]);
      await timers.pass(60_000);
      expect([warnings().length, timers.size]).toEqual([3, 0]);
      await deliver([claimOf(41, { campaignId: 'unknown' })]);
      expect(warnings().slice(3)).toEqual(atOnce.slice(0, 1));
    });

    it('logs the end of an outage also when a quarantine ends it', async () => {
      stack.faults.before = (count) => {
        if (count === 1) throw failure('infrastructure');
      };
      expect((await stack.deliver(recordsOf(['broken']))).settledCount).toBe(1);
      expect(lines.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/^claims are persisted again, after \d+\.\d s$/),
      );
    });

    it('has one warning while the gate row is missing, and no error', async () => {
      const [row] = await sql<{ epoch: number; script_sha: string; installation_id: string }>(
        stack,
        'SELECT * FROM gate',
      );
      await sql(stack, 'DELETE FROM gate');
      for (let delivery = 1; delivery <= 3; delivery++) expect((await deliver([claimOf(1)])).settledCount).toBe(0);
      const values = [row?.epoch, row?.script_sha, row?.installation_id];
      await sql(stack, 'INSERT INTO gate (id, epoch, script_sha, installation_id) VALUES (1, ?, ?, ?)', ...values);
      expect((await deliver([claimOf(1)])).settledCount).toBe(1);
      expect(lines.filter(({ level }) => level !== 'debug').map(({ level }) => level)).toEqual(['warn', 'log']);
      expect(lines[0]?.message).toContain('GATE_ROW_MISSING');
    });

    it('has one warning for an outage over many batches, and says when it ends', async () => {
      stack.faults.before = () => {
        throw failure('infrastructure');
      };
      for (let delivery = 1; delivery <= 3; delivery++) await deliver([claimOf(1)]);
      stack.faults.before = () => undefined;
      for (let delivery = 1; delivery <= 3; delivery++) await deliver([claimOf(1)]);
      const said = lines.filter(({ level }) => level !== 'debug').map(({ level, message }) => `${level}: ${message}`);
      expect(said).toEqual([
        'warn: claims cannot be persisted, and wait: TEST_INFRASTRUCTURE: injected',
        expect.stringMatching(/^log: claims are persisted again, after \d+\.\d s$/),
      ]);
    });
  });
});

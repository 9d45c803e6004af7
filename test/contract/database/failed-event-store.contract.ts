import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type ClaimEvent } from '../../../src/domain/claim.js';
import { CONFIRMATION_MS, MAX_ATTEMPTS } from '../../../src/domain/retry-policy.js';
import { DatabaseError } from '../../../src/ports/database/database-error.js';
import { type FailedEvent, type Failure, type OpenClaim } from '../../../src/ports/database/failed-event-store.js';
import { type LogRecord } from '../../../src/ports/log/claim-log.js';
import { claimEvent } from '../../support/claims.js';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

const FAILURE: Failure = { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: 'the log did not answer' };
const POISON: Failure = { errorClass: 'poison', errorCode: 'refused-by-database', errorMessage: 'no' };

export function describeFailedEventStore(under: DatabaseUnderTest): void {
  describe('failed events', () => {
    const { write, read } = under;
    let harness: DatabaseHarness;
    beforeAll(() => {
      ({ harness } = under);
    });
    let campaignId: string;
    beforeEach(() => {
      ({ campaignId } = under);
    });

    const record = (event: ClaimEvent | null, over: Partial<LogRecord> = {}): LogRecord => ({
      topic: 'coupon_create',
      partition: 3,
      offset: Math.floor(Math.random() * 1e12),
      key: Buffer.from('key'),
      value: Buffer.from(event === null ? 'nonsense' : JSON.stringify(event)),
      headers: {},
      ...over,
    });
    const claim = (over: Partial<ClaimEvent> = {}) => claimEvent({ campaignId, ...over });
    const addUnpublished = (...claims: ClaimEvent[]) =>
      write(({ failedEvents }) =>
        failedEvents.addUnpublished(claims.map((each) => ({ claim: each, source: 'API', failure: FAILURE }))),
      );
    const quarantine = (event: ClaimEvent, failure: Failure = POISON) =>
      write(({ failedEvents }) => failedEvents.quarantine([{ record: record(event), claim: event, failure }]));
    const rowOf = async ({ claimId }: ClaimEvent): Promise<FailedEvent> => {
      const [row] = await read(({ failedEvents }) => failedEvents.findByClaimIds([claimId]));
      if (row === undefined) throw new Error('the claim has no row');
      return row;
    };
    /** As if the consumer had consumed everything that was ever published, unless told otherwise. */
    const lease = (owner: string, limit = 100, consumedBefore: number | null = Number.MAX_SAFE_INTEGER) =>
      write(({ failedEvents }) => failedEvents.lease(owner, limit, 60_000, consumedBefore));
    const setDue = (...claims: ClaimEvent[]) =>
      harness.execute(
        `UPDATE failed_events SET next_attempt_at = 0 WHERE claim_id IN (${claims.map(() => '?').join(', ')})`,
        claims.map(({ claimId }) => claimId),
      );

    // A lease looks at the whole table, so the rows of other tests must not be due.
    beforeEach(() => harness.execute('UPDATE failed_events SET next_attempt_at = 8640000000000000'));

    it('can be tried without keeping a row, and the trial fails if none can be stored', async () => {
      const before = await read(({ failedEvents }) => failedEvents.countByStatus());
      await write(({ failedEvents }) => failedEvents.proveWritable());
      expect(await read(({ failedEvents }) => failedEvents.countByStatus())).toEqual(before);
      await harness.execute('ALTER TABLE failed_events RENAME TO hidden', []);
      try {
        await expect(write(({ failedEvents }) => failedEvents.proveWritable())).rejects.toBeInstanceOf(DatabaseError);
      } finally {
        await harness.execute('ALTER TABLE hidden RENAME TO failed_events', []);
      }
      await write(({ failedEvents }) => failedEvents.proveWritable());
    });

    describe('of claims that were not published', () => {
      it('are PENDING and due at once, with the claim as it was', async () => {
        const event = claim({ idempotencyDigest: 'E'.repeat(43) });
        const plain = claim();
        await addUnpublished(event, plain);
        const row = await rowOf(event);
        expect(row).toMatchObject({
          dedupeKey: event.claimId,
          claim: event,
          source: 'API',
          failure: FAILURE,
          status: 'PENDING',
          attempts: 0,
          maxAttempts: MAX_ATTEMPTS,
          leaseOwner: null,
          leaseUntil: null,
          releasedAt: null,
          resolvedBy: null,
          note: null,
          topic: null,
          partition: null,
          offset: null,
          version: 1,
        });
        expect(row.nextAttemptAt).toBeLessThanOrEqual(await read((unit) => unit.now()));
        expect((await rowOf(plain)).claim).toEqual(plain);
        expect(await read(({ failedEvents }) => failedEvents.find(row.id))).toEqual(row);
        expect(await write(({ failedEvents }) => failedEvents.lock(row.id))).toEqual(row);
      });

      it('are added once, however often and with whatever other claims they come', async () => {
        const [one, two] = [claim(), claim()];
        await addUnpublished(one);
        const before = await rowOf(one);
        await addUnpublished(one, two, two);
        await addUnpublished(two, one);
        expect(await rowOf(one)).toEqual(before);
        expect((await rowOf(two)).status).toBe('PENDING');
        await addUnpublished();
      });

      it('keep the row of a claim that is finished already', async () => {
        const event = claim();
        await addUnpublished(event);
        await write(({ failedEvents }) => failedEvents.resolve([event.claimId]));
        await addUnpublished(event);
        expect((await rowOf(event)).status).toBe('RESOLVED');
      });

      it('are added by thousands in one call', async () => {
        const events = Array.from({ length: 3_000 }, (_, index) =>
          claim({ claimId: `E${index}-${campaignId}`.slice(0, 26) }),
        );
        await addUnpublished(...events);
        expect((await read(({ failedEvents }) => failedEvents.countByStatus(campaignId))).PENDING).toBe(3_000);
        const ids = [...events.map(({ claimId }) => claimId), ...Array.from({ length: 33_000 }, (_, n) => `none-${n}`)];
        expect((await read(({ failedEvents }) => failedEvents.statusesOf(ids))).size).toBe(3_000);
        expect(await read(({ failedEvents }) => failedEvents.findByClaimIds(ids))).toHaveLength(3_000);
        await write(({ failedEvents }) => failedEvents.resolve(ids));
        expect((await read(({ failedEvents }) => failedEvents.countByStatus(campaignId))).RESOLVED).toBe(3_000);
      });

      it('keep only the beginning of a long error', async () => {
        const event = claim();
        await write(({ failedEvents }) =>
          failedEvents.addUnpublished([
            {
              claim: event,
              source: 'SWEEPER',
              failure: { errorClass: 'c'.repeat(99), errorCode: 'k'.repeat(99), errorMessage: '글'.repeat(999) },
            },
          ]),
        );
        const { failure, source } = await rowOf(event);
        expect(source).toBe('SWEEPER');
        expect(failure).toEqual({
          errorClass: 'c'.repeat(32),
          errorCode: 'k'.repeat(64),
          errorMessage: '글'.repeat(500),
        });
      });
    });

    describe('of quarantined records', () => {
      it('wait with back-off, count one attempt each time, and are DEAD after exactly the twelfth', async () => {
        const event = claim();
        for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
          const now = await read((unit) => unit.now());
          await quarantine(event);
          const row = await rowOf(event);
          expect(row).toMatchObject({
            source: 'CONSUMER',
            attempts: attempt,
            status: attempt < MAX_ATTEMPTS ? 'PENDING' : 'DEAD',
            partition: 3,
            topic: 'coupon_create',
            version: attempt,
          });
          expect(row.nextAttemptAt).toBeGreaterThanOrEqual(now);
          expect(row.nextAttemptAt).toBeLessThanOrEqual(now + 5_000 + Math.min(300_000, 1_000 * 2 ** attempt));
          await setDue(event);
        }
        await quarantine(event);
        expect(await rowOf(event)).toMatchObject({ status: 'DEAD', attempts: MAX_ATTEMPTS });
        await setDue(event);
        expect(await lease('nobody-gets-it')).toEqual([]);
      });

      it('count one attempt for all the copies of them that lie on the log', async () => {
        const event = claim();
        await quarantine(event);
        // Far in the future, as after several attempts: the real delay is random and could be 0.
        await harness.execute('UPDATE failed_events SET next_attempt_at = 8640000000000000');
        for (let copy = 0; copy < MAX_ATTEMPTS; copy++) await quarantine(event);
        expect(await rowOf(event)).toMatchObject({
          status: 'PENDING',
          attempts: 1,
          nextAttemptAt: 8_640_000_000_000_000,
        });
        await setDue(event);
        await lease('publisher');
        await quarantine(event);
        expect(await rowOf(event)).toMatchObject({ status: 'PENDING', attempts: 2 });
      });

      it('count on the row that the api had written', async () => {
        const event = claim();
        await addUnpublished(event);
        await quarantine(event);
        expect(await rowOf(event)).toMatchObject({ status: 'PENDING', attempts: 1, source: 'API', failure: POISON });
      });

      it('take a leased row back from its lease', async () => {
        const event = claim();
        await addUnpublished(event);
        await lease('publisher');
        await quarantine(event);
        expect(await rowOf(event)).toMatchObject({ status: 'PENDING', attempts: 1, leaseOwner: null });
      });

      it('do not bring back what an operator discards at the same moment', async () => {
        const event = claim();
        await addUnpublished(event);
        const { id } = await rowOf(event);
        let discarded: () => void = () => undefined;
        const uncommitted = new Promise<void>((resolve) => (discarded = resolve));
        const operator = write(async (unit) => {
          await unit.failedEvents.lock(id);
          await unit.failedEvents.discard(id, 'asked for');
          discarded();
          // If units of work run side by side, the other one reaches the row during these calls.
          for (let calls = 0; calls < 50; calls++) await unit.now();
        });
        await uncommitted;
        await Promise.all([operator, quarantine(event)]);
        expect(await rowOf(event)).toMatchObject({ status: 'DISCARDED', attempts: 0 });
      });

      it('are DEAD at once when the campaign is unknown', async () => {
        const event = claim();
        await quarantine(event, { ...POISON, errorCode: 'unknown-campaign' });
        expect(await rowOf(event)).toMatchObject({ status: 'DEAD', attempts: 1 });
      });

      it('are DEAD at once when unreadable, and the same row when delivered again', async () => {
        const broken = record(null, { value: null, key: null });
        const before = await read(({ failedEvents }) => failedEvents.countByStatus());
        for (let delivery = 0; delivery < 2; delivery++) {
          await write(({ failedEvents }) =>
            failedEvents.quarantine([{ record: broken, claim: null, failure: { ...POISON, errorCode: 'unreadable' } }]),
          );
        }
        const after = await read(({ failedEvents }) => failedEvents.countByStatus());
        expect(after.DEAD - before.DEAD).toBe(1);
        const [row] = await read(({ failedEvents }) => failedEvents.list({ limit: 1 }));
        expect(row).toMatchObject({ claim: null, status: 'DEAD', offset: broken.offset, attempts: 1 });
        expect(row?.dedupeKey).toMatch(/^[0-9a-f]{64}$/);
      });

      it.each(['RESOLVED', 'DISCARDED'] as const)('leave a %s row as it is', async (status) => {
        const event = claim();
        await addUnpublished(event);
        const { id } = await rowOf(event);
        await write(({ failedEvents }) =>
          status === 'RESOLVED' ? failedEvents.resolve([event.claimId]) : failedEvents.discard(id, 'why'),
        );
        const before = await rowOf(event);
        expect(before.status).toBe(status);
        await quarantine(event);
        expect(await rowOf(event)).toEqual(before);
      });

      it('count the open ones whose claim only an unsigned message has told of', async () => {
        const unproven = () => read(({ failedEvents }) => failedEvents.countUnproven());
        const before = await unproven();
        const [told, final] = [claim(), claim()];
        const unknown: Failure = { errorClass: 'poison', errorCode: 'unknown-campaign', errorMessage: 'no' };
        await addUnpublished(claim());
        await quarantine(claim());
        await write(({ failedEvents }) =>
          failedEvents.quarantine([
            { record: record(told), claim: told, unsigned: true, failure: POISON },
            { record: record(final), claim: final, unsigned: true, failure: unknown },
            { record: record(null), claim: null, unsigned: true, failure: POISON },
          ]),
        );
        expect(await unproven()).toBe(before + 1);
        const { id } = await rowOf(told);
        await write(({ failedEvents }) => failedEvents.requeue(id, null));
        expect(await unproven()).toBe(before);
      });

      it.each([
        ['nothing of what fits', 32 * 1024, false, 0, 32 * 1024],
        ['what is longer than 32 KB', 32 * 1024 + 1, false, 1, 32 * 1024],
        ['everything when asked to', 10, true, 1, 0],
        ['nothing short of somebody else', 1024, false, 0, 1024, true],
        ['what is longer than 1 KB of somebody else', 1025, false, 1, 1024, true],
      ])('cut %s', async (_what, length, withoutPayload, truncated, kept, unsigned = false) => {
        const event = claim();
        const value = Buffer.alloc(length, 0xff);
        await write(({ failedEvents }) =>
          failedEvents.quarantine(
            [
              {
                record: record(event, { value, headers: { h: Buffer.from([0, 1]) } }),
                claim: event,
                unsigned,
                failure: POISON,
              },
            ],
            { withoutPayload },
          ),
        );
        const [row] = (await harness.execute(
          'SELECT payload, headers, message_key, truncated FROM failed_events WHERE claim_id = ?',
          [event.claimId],
        )) as { payload: Buffer | null; headers: Buffer | null; message_key: Buffer | null; truncated: number }[];
        expect(Number(row?.truncated)).toBe(truncated);
        if (withoutPayload) {
          expect([row?.payload, row?.headers, row?.message_key]).toEqual([null, null, null]);
        } else {
          expect(Buffer.from(row?.payload ?? []).equals(value.subarray(0, kept))).toBe(true);
          expect(Buffer.from(row?.headers ?? []).toString()).toBe('{"h":"AAE="}');
          expect(Buffer.from(row?.message_key ?? []).toString()).toBe('key');
        }
      });

      it('show the message as it came', async () => {
        const event = claim();
        const came = {
          key: Buffer.from('열쇠'),
          value: Buffer.from([0, 0xff, 1]),
          headers: { h: Buffer.from([0xfe]) },
        };
        await write(({ failedEvents }) =>
          failedEvents.quarantine([{ record: record(event, came), claim: event, failure: POISON }]),
        );
        const { id } = await rowOf(event);
        const message = await read(({ failedEvents }) => failedEvents.messageOf(id));
        const bytes = (of: Uint8Array | null | undefined) => [...(of ?? [])];
        expect([message?.isCut, bytes(message?.key), bytes(message?.value)]).toEqual([
          false,
          bytes(came.key),
          bytes(came.value),
        ]);
        expect(Object.keys(message?.headers ?? {})).toEqual(['h']);
        expect(bytes(message?.headers?.['h'])).toEqual(bytes(came.headers.h));
      });

      it('show no headers that were cut, and no message where there was none', async () => {
        const [cut, strange, unpublished] = [claim(), claim(), claim()];
        const long = { headers: { h: Buffer.alloc(40 * 1024) } };
        await write(({ failedEvents }) =>
          failedEvents.quarantine([
            { record: record(cut, long), claim: cut, failure: POISON },
            { record: record(strange, { key: null, value: null }), claim: strange, failure: POISON },
          ]),
        );
        await addUnpublished(unpublished);
        const messageOf = async (event: ClaimEvent) => {
          const { id } = await rowOf(event);
          return read(({ failedEvents }) => failedEvents.messageOf(id));
        };
        expect(await messageOf(cut)).toMatchObject({ isCut: true, headers: null });
        expect(await messageOf(strange)).toEqual({ isCut: false, key: null, value: null, headers: {} });
        expect(await messageOf(unpublished)).toBeNull();
        expect(await read(({ failedEvents }) => failedEvents.messageOf(Number.MAX_SAFE_INTEGER))).toBeNull();
      });
    });

    describe('under lease', () => {
      it('go to one instance each, in no more than the limit', async () => {
        const events = Array.from({ length: 30 }, () => claim());
        await addUnpublished(...events);
        const leased = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => lease(owner, 9)));
        for (const rows of leased) expect(rows.length).toBeLessThanOrEqual(9);
        const ids = leased.flat().map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        // SKIP LOCKED may leave rows for the next calls. At the end none is left.
        for (let rest = await lease('e'); rest.length > 0; rest = await lease('e')) {
          ids.push(...rest.map(({ id }) => id));
        }
        expect(ids).toHaveLength(30);
      });

      it('are PUBLISHING until the lease runs out, and then free for any instance', async () => {
        const event = claim();
        await addUnpublished(event);
        const [row] = await lease('one');
        expect(row).toMatchObject({ claim: event, status: 'PUBLISHING', leaseOwner: 'one', version: 2, attempts: 0 });
        expect((row?.leaseUntil ?? 0) - (await read((unit) => unit.now()))).toBeGreaterThan(50_000);
        expect(await lease('two')).toEqual([]);
        await setDue(event);
        expect(await lease('two')).toMatchObject([{ leaseOwner: 'two', status: 'PUBLISHING' }]);
      });

      it('come only when due, the longest overdue first', async () => {
        const [late, later, notYet] = [claim(), claim(), claim()];
        await addUnpublished(later, late, notYet);
        await harness.execute('UPDATE failed_events SET next_attempt_at = 5 WHERE claim_id = ?', [late.claimId]);
        await harness.execute('UPDATE failed_events SET next_attempt_at = 9 WHERE claim_id = ?', [later.claimId]);
        await harness.execute('UPDATE failed_events SET next_attempt_at = ? WHERE claim_id = ?', [
          (await read((unit) => unit.now())) + 60_000,
          notYet.claimId,
        ]);
        expect((await lease('one', 1)).map((row) => row.claim?.claimId)).toEqual([late.claimId]);
        expect((await lease('one', 9)).map((row) => row.claim?.claimId)).toEqual([later.claimId]);
      });

      it('are REPUBLISHED and due again after the confirmation time', async () => {
        const event = claim();
        await addUnpublished(event);
        const { id } = await rowOf(event);
        await lease('one');
        await write(({ failedEvents }) => failedEvents.finishLease('one', [id], { kind: 'published' }));
        const row = await rowOf(event);
        expect(row).toMatchObject({ status: 'REPUBLISHED', leaseOwner: null, leaseUntil: null, attempts: 0 });
        const wait = row.nextAttemptAt - (await read((unit) => unit.now()));
        expect(wait).toBeGreaterThan(CONFIRMATION_MS - 5_000);
        expect(wait).toBeLessThanOrEqual(CONFIRMATION_MS);
        await setDue(event);
        expect(await lease('two')).toHaveLength(1);
      });

      it('are not due again before the consumer has come as far as the log was after the publish', async () => {
        const [event, pending] = [claim(), claim()];
        await addUnpublished(event);
        const { id } = await rowOf(event);
        await lease('one');
        await write(({ failedEvents }) => failedEvents.finishLease('one', [id], { kind: 'published' }));
        // As if all of this had happened an hour ago.
        await harness.execute(
          'UPDATE failed_events SET next_attempt_at = next_attempt_at - 3600000, updated_at = updated_at - 3600000 ' +
            'WHERE id = ?',
          [id],
        );
        await addUnpublished(pending);
        const { updatedAt: publishedAt } = await rowOf(event);
        const leased = async (consumedBefore: number | null) =>
          (await lease('two', 100, consumedBefore)).map((row) => row.claim?.claimId);
        expect(await leased(null)).toEqual([pending.claimId]);
        expect(await leased(publishedAt - 1)).toEqual([]);
        // In the same millisecond, the publish may have come after the reading of the log's end.
        expect(await leased(publishedAt)).toEqual([]);
        expect(await leased(publishedAt + 1)).toEqual([event.claimId]);
      });

      it('are PENDING again without an attempt when the log was away', async () => {
        const event = claim();
        await addUnpublished(event);
        const { id } = await rowOf(event);
        await lease('one');
        await write(({ failedEvents }) =>
          failedEvents.finishLease('one', [id], { kind: 'postponed', delayMs: 30_000 }),
        );
        expect(await rowOf(event)).toMatchObject({ status: 'PENDING', leaseOwner: null, attempts: 0 });
        expect(await lease('one')).toEqual([]);
      });

      it('are not changed by an instance that has lost the lease or was overtaken by the consumer', async () => {
        const [taken, resolved] = [claim(), claim()];
        await addUnpublished(taken, resolved);
        await lease('one');
        await setDue(taken);
        await lease('two');
        await write(({ failedEvents }) => failedEvents.resolve([resolved.claimId]));
        for (const event of [taken, resolved]) {
          const before = await rowOf(event);
          await write(({ failedEvents }) => failedEvents.finishLease('one', [before.id], { kind: 'published' }));
          expect(await rowOf(event)).toEqual(before);
        }
      });

      it('never include an unreadable message', async () => {
        await write(({ failedEvents }) =>
          failedEvents.quarantine([{ record: record(null), claim: null, failure: POISON }]),
        );
        await harness.execute(
          "UPDATE failed_events SET status = 'PENDING', next_attempt_at = 0 WHERE claim_id IS NULL",
        );
        expect(await lease('one')).toEqual([]);
        await harness.execute("UPDATE failed_events SET status = 'DEAD' WHERE claim_id IS NULL");
      });
    });

    it('are known to exist by the campaign of their claim', async () => {
      const known = claim();
      const exist = (...ids: string[]) => read(({ failedEvents }) => failedEvents.existOf(ids));
      const many = Array.from({ length: 12_000 }, (_, index) => `nothing-${index}`);
      expect(await exist()).toBe(false);
      expect(await exist(known.campaignId)).toBe(false);
      await addUnpublished(known);
      expect(await exist(known.campaignId)).toBe(true);
      expect(await exist('nothing')).toBe(false);
      expect(await exist(...many)).toBe(false);
      expect(await exist(...many, known.campaignId)).toBe(true);
      await write(({ failedEvents }) => failedEvents.resolve([known.claimId]));
      expect(await exist(known.campaignId)).toBe(true);
    });

    describe('finished', () => {
      it('are RESOLVED by the consumer, also from DEAD, but not when DISCARDED', async () => {
        const [pending, dead, discarded] = [claim(), claim(), claim()];
        await addUnpublished(pending, discarded);
        await quarantine(dead, { ...POISON, errorCode: 'unknown-campaign' });
        const { id } = await rowOf(discarded);
        await write(({ failedEvents }) => failedEvents.discard(id, 'operator said so'));
        const ids = [pending, dead, discarded].map(({ claimId }) => claimId);
        await write(({ failedEvents }) => failedEvents.resolve([...ids, 'nobody']));
        expect(await read(({ failedEvents }) => failedEvents.statusesOf([...ids, 'nobody']))).toEqual(
          new Map([
            [pending.claimId, 'RESOLVED'],
            [dead.claimId, 'RESOLVED'],
            [discarded.claimId, 'DISCARDED'],
          ]),
        );
        expect(await rowOf(pending)).toMatchObject({ resolvedBy: 'consumer', version: 2 });
        await write(({ failedEvents }) => failedEvents.resolve(ids));
        expect(await rowOf(pending)).toMatchObject({ version: 2 });
        await write(({ failedEvents }) => failedEvents.resolve([]));
      });

      it('can be requeued: PENDING, due, with all attempts ahead', async () => {
        const event = claim();
        await quarantine(event, { ...POISON, errorCode: 'unknown-campaign' });
        const { id } = await rowOf(event);
        await write(({ failedEvents }) => failedEvents.requeue(id, 'campaign exists now'));
        expect(await rowOf(event)).toMatchObject({
          status: 'PENDING',
          attempts: 0,
          note: 'campaign exists now',
          version: 2,
        });
        expect((await lease('one')).map((row) => row.id)).toEqual([id]);
      });

      it('count as unreleased once DISCARDED, until they are marked as released', async () => {
        const [one, two, kept] = [claim(), claim(), claim()];
        await addUnpublished(one, two, kept);
        const ids = [(await rowOf(one)).id, (await rowOf(two)).id];
        for (const id of ids) await write(({ failedEvents }) => failedEvents.discard(id, 'why'));
        expect(await rowOf(one)).toMatchObject({
          status: 'DISCARDED',
          note: 'why',
          resolvedBy: 'operator',
          version: 2,
        });
        const mine = async () =>
          (await read(({ failedEvents }) => failedEvents.unreleased(1_000)))
            .filter(({ claim: of }) => of?.campaignId === campaignId)
            .map(({ id }) => id);
        expect(await mine()).toEqual(ids);
        await write(({ failedEvents }) => failedEvents.markReleased(ids[0] as number));
        expect(await mine()).toEqual([ids[1]]);
        expect((await rowOf(one)).releasedAt).toEqual(expect.any(Number));
        expect(await read(({ failedEvents }) => failedEvents.unreleased(0))).toEqual([]);
      });
    });

    describe('read', () => {
      it('by the rebuild: all with a claim that are neither RESOLVED nor DISCARDED, in pages', async () => {
        const [pending, leased, dead, resolved, discarded] = [claim(), claim(), claim(), claim(), claim()];
        await addUnpublished(leased);
        await lease('one');
        await addUnpublished(pending, resolved, discarded);
        await quarantine(dead, { ...POISON, errorCode: 'unknown-campaign' });
        const { id } = await rowOf(discarded);
        await write(async ({ failedEvents }) => {
          await failedEvents.resolve([resolved.claimId]);
          await failedEvents.discard(id, 'why');
          await failedEvents.quarantine([{ record: record(null), claim: null, failure: POISON }]);
        });
        const seen: OpenClaim[] = [];
        for (;;) {
          const page = await read(({ failedEvents }) => failedEvents.openClaimsAfter(seen.at(-1)?.id ?? 0, 2));
          seen.push(...page);
          if (page.length < 2) break;
        }
        const own = seen.map((row) => row.claim).filter((one) => one.campaignId === campaignId);
        expect(own).toEqual([leased, pending, dead]);
      });

      it('by user: the newest row', async () => {
        const userId = `twice-${ulid()}`;
        const [first, second] = [claim({ userId }), claim({ userId })];
        await addUnpublished(first);
        await addUnpublished(second);
        const found = await read(({ failedEvents }) => failedEvents.findByUser(campaignId, userId));
        expect(found?.claim).toEqual(second);
        expect(await read(({ failedEvents }) => failedEvents.findByUser(campaignId, userId.toUpperCase()))).toBeNull();
        expect(await read(({ failedEvents }) => failedEvents.find(999_999_999))).toBeNull();
        expect(await write(({ failedEvents }) => failedEvents.lock(999_999_999))).toBeNull();
      });

      it('by operators: newest first, filtered, page by page, and counted', async () => {
        const events = Array.from({ length: 5 }, () => claim());
        await addUnpublished(...events);
        await write(({ failedEvents }) => failedEvents.resolve([events[2]?.claimId ?? '']));
        const list = (filter: { status?: 'PENDING' | 'RESOLVED'; beforeId?: number; limit: number }) =>
          read(({ failedEvents }) => failedEvents.list({ campaignId, ...filter }));
        const first = await list({ limit: 3 });
        const rest = await list({ limit: 3, beforeId: first.at(-1)?.id ?? 0 });
        const ids = [...first, ...rest].map(({ id }) => id);
        expect(ids).toHaveLength(5);
        expect(ids).toEqual([...ids].sort((a, b) => b - a));
        expect(await list({ status: 'RESOLVED', limit: 9 })).toMatchObject([{ claim: events[2] }]);
        expect(await list({ status: 'PENDING', limit: 9 })).toHaveLength(4);
        expect(await read(({ failedEvents }) => failedEvents.countByStatus(campaignId))).toEqual({
          PENDING: 4,
          PUBLISHING: 0,
          REPUBLISHED: 0,
          RESOLVED: 1,
          DEAD: 0,
          DISCARDED: 0,
        });
        const all = await read(({ failedEvents }) => failedEvents.countByStatus());
        expect(all.PENDING).toBeGreaterThanOrEqual(4);
        expect((await read(({ failedEvents }) => failedEvents.countByStatus('nobody'))).PENDING).toBe(0);
      });
    });
  });
}

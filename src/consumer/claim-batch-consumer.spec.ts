import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../test/support/embedded.js';
import { eventually } from '../../test/support/eventually.js';
import { ClaimBatchContext } from '../events/claim-batch.context.js';
import { type ClaimEvent, encodeClaimEvent } from '../events/claim-event.js';
import { type LogRecord } from '../events/claim-log.js';
import { type FailedEvent } from '../events/failed-event-store.js';
import { MetricsRegistry } from '../events/metrics-registry.js';
import { type GatePass } from '../gate/issuance-gate.js';
import { DatabaseError } from '../persistence/database-error.js';
import { Database, type UnitOfWork } from '../persistence/database.js';
import { ClaimBatchConsumer } from './claim-batch-consumer.js';
import { ClaimPersistence } from './claim-persistence.js';
import { ConsumerMetrics } from './consumer.metrics.js';

const EPOCH = 10;
const TOPIC = 'coupon_create';

/** The real database behind a door: the test decides what goes wrong before or after a transaction. */
class DoorToDatabase extends Database {
  before: () => void = () => undefined;
  after: () => void = () => undefined;
  transactions = 0;

  constructor(private readonly database: Database) {
    super();
  }

  async transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    this.transactions += 1;
    this.before();
    const result = await this.database.transaction(work);
    this.after();
    return result;
  }
  snapshot<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.database.snapshot(work);
  }
  read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.database.read(work);
  }
}

/** Throws `error` for the first `times` calls. */
function failing(times: number, error: () => Error): () => void {
  let left = times;
  return () => {
    if (left-- > 0) throw error();
  };
}

const lost = () => new DatabaseError('infrastructure', 'ECONNRESET', 'connection lost');

describe('claim batch consumer', () => {
  let stack: EmbeddedStack;
  let database: DoorToDatabase;
  let consumer: ClaimBatchConsumer;
  let registry: MetricsRegistry;
  let pass: GatePass;
  let revoked: boolean;
  let heartbeats: number;
  let nextOffset: number;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'default', total: 100 });
    pass = await openEpoch(stack, EPOCH);
    database = new DoorToDatabase(stack.database);
    registry = new MetricsRegistry();
    consumer = new ClaimBatchConsumer(
      new ClaimPersistence(database),
      database,
      stack.gate,
      new ConsumerMetrics(registry),
    );
    revoked = false;
    heartbeats = 0;
    nextOffset = 1;
  });
  afterEach(() => stack.close());

  const claim = (userId: string, more: Partial<ClaimEvent> = {}): ClaimEvent => ({
    claimId: ulid(),
    campaignId: 'default',
    userId,
    sequence: nextOffset,
    claimedAt: Date.now(),
    epoch: EPOCH,
    ...more,
  });
  const bytes = (value: Uint8Array | string | null): LogRecord => ({
    topic: TOPIC,
    partition: 0,
    offset: nextOffset++,
    key: null,
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: {},
  });
  const record = (event: ClaimEvent) => bytes(encodeClaimEvent(event));
  const crowd = (count: number, more: Partial<ClaimEvent> = {}) =>
    Array.from({ length: count }, (_, index) => record(claim(`user-${index}`, { sequence: index + 1, ...more })));

  const contextOf = (records: readonly LogRecord[]) =>
    new ClaimBatchContext(
      TOPIC,
      0,
      records.length,
      () => {
        heartbeats += 1;
        return Promise.resolve();
      },
      () => revoked,
    );

  /** Delivers the batch once and returns how much of it was settled. */
  const deliver = async (records: readonly LogRecord[]): Promise<number> => {
    const context = contextOf(records);
    await consumer.consume(records, context);
    return context.settledCount;
  };

  const coupons = (campaignId = 'default') => stack.database.read((unit) => unit.coupons.count(campaignId));
  const issued = async (campaignId = 'default') =>
    (await stack.database.read((unit) => unit.campaigns.find(campaignId)))?.issued;
  const failedEvents = (): Promise<FailedEvent[]> =>
    stack.database.read((unit) => unit.failedEvents.list({ limit: 1_000 }));
  const sql = (statement: string) => stack.connection.exclusive((runner) => runner.query(statement));
  const consumed = async (outcome: string) => {
    const line = (await registry.metrics())
      .split('\n')
      .find((text) => text.startsWith(`coupon_consumed_total{outcome="${outcome}"}`));
    return Number(line?.split(' ')[1] ?? 0);
  };
  const unpublished = (event: ClaimEvent) =>
    stack.database.transaction((unit) =>
      unit.failedEvents.addUnpublished([
        { claim: event, source: 'API', failure: { errorClass: 'unpublished', errorCode: 'x', errorMessage: 'x' } },
      ]),
    );

  it('turns claims into coupons and clears what is pending', async () => {
    const admitted = await stack.gate.claim(pass, {
      campaignId: 'default',
      userId: 'a',
      claimId: ulid(),
      idempotencyDigest: null,
    });
    expect(admitted.kind).toBe('ADMITTED');
    const looked = await stack.gate.lookUp(pass, 'default', 'a');
    if (looked.kind !== 'FOUND') throw new Error('not found');
    const { claimId, sequence } = looked.record;
    expect(await deliver([record(claim('a', { claimId, sequence }))])).toBe(1);
    expect(await stack.database.read((unit) => unit.coupons.find('default', 'a'))).toMatchObject({ claimId, sequence });
    expect(await stack.gate.lookUp(pass, 'default', 'a')).toMatchObject({ kind: 'FOUND', pending: false });
    expect([await issued(), await consumed('issued')]).toEqual([1, 1]);
  });

  it('changes nothing when everything is delivered again', async () => {
    const records = crowd(40);
    expect(await deliver(records)).toBe(40);
    expect(await deliver(records)).toBe(40);
    expect(await deliver([...records, ...records])).toBe(80);
    expect([await coupons(), await issued()]).toEqual([40, 40]);
    expect(await failedEvents()).toEqual([]);
  });

  it('issues exactly the total, to those who came first, in whatever order they arrive', async () => {
    const records = crowd(1_000).reverse();
    expect(await deliver(records)).toBe(1_000);
    expect([await coupons(), await issued()]).toEqual([100, 100]);
    const over = await failedEvents();
    expect(over).toHaveLength(900);
    expect(over.every(({ failure, status }) => failure.errorCode === 'over-total' && status === 'PENDING')).toBe(true);
  });

  it('gives the room that is left in a chunk to the lowest sequences', async () => {
    await storeCampaign(stack, { id: 'small', total: 3 });
    await deliver(crowd(10, { campaignId: 'small' }).reverse());
    const held = await stack.database.read((unit) => unit.coupons.listIssuedAfter(0, 10));
    expect(held.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual([1, 2, 3]);
  });

  it('keeps 20 campaigns apart in one chunk', async () => {
    const records: LogRecord[] = [];
    for (let index = 0; index < 20; index++) {
      await storeCampaign(stack, { id: `c-${index}`, total: 5 });
      records.push(...crowd(index, { campaignId: `c-${index}` }));
    }
    expect(await deliver(records.sort(() => Math.random() - 0.5))).toBe(records.length);
    for (let index = 0; index < 20; index++) {
      const expected = Math.min(index, 5);
      expect([await coupons(`c-${index}`), await issued(`c-${index}`)]).toEqual([expected, expected]);
    }
  });

  it('gives a user with two claims one coupon: of the highest epoch, then of the highest sequence', async () => {
    const events = [
      claim('a', { epoch: EPOCH, sequence: 1 }),
      claim('a', { epoch: EPOCH + 1, sequence: 2 }),
      claim('a', { epoch: EPOCH + 1, sequence: 3 }),
      claim('a', { epoch: EPOCH, sequence: 9 }),
    ];
    expect(await deliver(events.map(record))).toBe(4);
    const coupon = await stack.database.read((unit) => unit.coupons.find('default', 'a'));
    expect(coupon?.claimId).toBe(events[2]?.claimId);
    expect(await issued()).toBe(1);
  });

  it('resolves the failed event of a claim that became a coupon', async () => {
    const event = claim('a');
    await unpublished(event);
    await deliver([record(event)]);
    expect(await failedEvents()).toEqual([expect.objectContaining({ status: 'RESOLVED', resolvedBy: 'consumer' })]);
  });

  it('resolves the failed event of a claim whose user has a coupon from another one', async () => {
    await deliver([record(claim('a'))]);
    const second = claim('a');
    await unpublished(second);
    await deliver([record(second)]);
    expect(await failedEvents()).toEqual([expect.objectContaining({ status: 'RESOLVED' })]);
    expect(await coupons()).toBe(1);
  });

  it('skips a claim that an operator has discarded', async () => {
    const event = claim('a');
    await unpublished(event);
    const [row] = await failedEvents();
    await stack.database.transaction((unit) => unit.failedEvents.discard(row?.id ?? 0, 'fraud'));
    expect(await deliver([record(event)])).toBe(1);
    expect([await coupons(), await consumed('discarded')]).toEqual([0, 1]);
    expect(await failedEvents()).toEqual([expect.objectContaining({ status: 'DISCARDED' })]);
  });

  describe('with a rebuild behind it', () => {
    const cut = (epoch: number, offsets: [number, number][]) =>
      stack.database.transaction((unit) => unit.gate.storeCut({ epoch, offsets: new Map(offsets) }));

    it('honours what lies before the cut and drops what lies behind it', async () => {
      await cut(EPOCH + 1, [[0, 3]]);
      const before = record(claim('before', { sequence: 1 }));
      nextOffset = 3;
      const behind = record(claim('behind', { sequence: 2 }));
      expect(await deliver([before, behind])).toBe(2);
      expect(await stack.database.read((unit) => unit.coupons.find('default', 'behind'))).toBeNull();
      expect([await coupons(), await consumed('stale')]).toEqual([1, 1]);
      expect(await failedEvents()).toEqual([]);
    });

    it('takes a partition that the cut does not name for empty at that time', async () => {
      await cut(EPOCH + 1, [[7, 1_000]]);
      await deliver([record(claim('a'))]);
      expect(await coupons()).toBe(0);
    });

    it('is not concerned by the cut of the claim’s own epoch, nor by one without a cut', async () => {
      await cut(EPOCH, [[0, 0]]);
      await deliver([record(claim('a'))]);
      expect(await coupons()).toBe(1);
    });

    it('goes by the lowest epoch above, which closed first', async () => {
      await cut(EPOCH + 1, [[0, 0]]);
      await cut(EPOCH + 2, [[0, 1_000]]);
      await deliver([record(claim('a'))]);
      expect(await coupons()).toBe(0);
    });

    it('does not take a coupon away because its event comes again behind the cut', async () => {
      const event = claim('a');
      await deliver([record(event)]);
      await cut(EPOCH + 1, [[0, 0]]);
      await deliver([record(event)]);
      expect([await coupons(), await issued(), await consumed('duplicate')]).toEqual([1, 1, 1]);
    });
  });

  describe('with broken messages', () => {
    const good = () => record(claim(`good-${nextOffset}`));

    it('sets them aside and issues the good ones around them', async () => {
      const broken: [LogRecord, string][] = [
        [bytes(null), 'unreadable'],
        [bytes(''), 'unreadable'],
        [bytes('{"v":1'), 'unreadable'],
        [bytes(Buffer.from([0, 0x7b, 0x7d])), 'unreadable'],
        [bytes(Buffer.from([0xff, 0xfe])), 'unreadable'],
        [bytes(Buffer.alloc(1_000_000, 'x')), 'unreadable'],
        [bytes(JSON.stringify({ data: claim('a') })), 'invalid-schema'],
        [bytes(JSON.stringify({ v: 2, ...claim('a') })), 'unknown-version'],
        [bytes(JSON.stringify({ v: 1, ...claim('a'), userId: 1 })), 'invalid-schema'],
        [bytes(JSON.stringify({ v: 1, ...claim('a'), userId: 'alice ' })), 'invalid-schema'],
        [record(claim('a', { campaignId: 'nowhere' })), 'unknown-campaign'],
      ];
      const batch = broken.flatMap(([message]) => [good(), message]);
      expect(await deliver(batch)).toBe(batch.length);
      expect([await coupons(), await issued()]).toEqual([broken.length, broken.length]);
      const rows = await failedEvents();
      for (const [message, code] of broken) {
        expect(rows.find(({ offset }) => offset === message.offset)).toMatchObject({
          status: 'DEAD',
          source: 'CONSUMER',
          attempts: 1,
          failure: { errorClass: 'poison', errorCode: code },
        });
      }
      expect(rows).toHaveLength(broken.length);
      expect(await deliver(batch)).toBe(batch.length);
      expect(await failedEvents()).toHaveLength(broken.length);
    });

    it('clears the pending entry of a claim that it set aside', async () => {
      const claimId = ulid();
      await stack.gate.claim(pass, { campaignId: 'default', userId: 'a', claimId, idempotencyDigest: null });
      await sql('UPDATE campaigns SET issued = total');
      await deliver([record(claim('a', { claimId }))]);
      expect(await failedEvents()).toEqual([
        expect.objectContaining({ failure: expect.objectContaining({ errorCode: 'over-total' }) }),
      ]);
      expect(await stack.gate.lookUp(pass, 'default', 'a')).toMatchObject({ kind: 'FOUND', pending: false });
    });

    it('counts a claim that keeps failing, and gives up after exactly twelve times', async () => {
      await sql('UPDATE campaigns SET issued = total');
      const message = record(claim('a'));
      for (let attempt = 1; attempt <= 12; attempt++) {
        await deliver([message]);
        expect(await failedEvents()).toEqual([
          expect.objectContaining({ attempts: attempt, status: attempt < 12 ? 'PENDING' : 'DEAD' }),
        ]);
      }
    });

    it('finds the one row that the database refuses, and issues the 499 others', async () => {
      await storeCampaign(stack, { id: 'wide', total: 1_000 });
      await sql(
        "CREATE TRIGGER odd BEFORE INSERT ON coupons WHEN NEW.user_id = 'user-217' BEGIN SELECT RAISE(ABORT, 'odd'); END",
      );
      const records = crowd(500, { campaignId: 'wide' });
      expect(await deliver(records)).toBe(500);
      expect([await coupons('wide'), await issued('wide')]).toEqual([499, 499]);
      expect(await failedEvents()).toEqual([
        expect.objectContaining({
          status: 'PENDING',
          claim: expect.objectContaining({ userId: 'user-217' }),
          failure: expect.objectContaining({ errorCode: 'refused-by-database' }),
        }),
      ]);
    });

    it('stores a message without its bytes when the bytes are what cannot be stored', async () => {
      await sql(
        "CREATE TRIGGER fat BEFORE INSERT ON failed_events WHEN NEW.payload IS NOT NULL BEGIN SELECT RAISE(ABORT, 'fat'); END",
      );
      expect(await deliver([bytes('broken'), good()])).toBe(2);
      expect(await failedEvents()).toEqual([expect.objectContaining({ status: 'DEAD' })]);
      expect(await coupons()).toBe(1);
    });
  });

  describe('while the database is in trouble', () => {
    it('tries the same chunk again until it is stored', async () => {
      database.before = failing(3, lost);
      expect(await deliver(crowd(50))).toBe(50);
      expect([await coupons(), await issued()]).toEqual([50, 50]);
      expect(await failedEvents()).toEqual([]);
      expect(heartbeats).toBeGreaterThanOrEqual(4);
    });

    it('stores nothing twice when the connection was lost after the commit', async () => {
      database.after = failing(2, lost);
      expect(await deliver(crowd(50))).toBe(50);
      expect([await coupons(), await issued()]).toEqual([50, 50]);
    });

    it('settles and quarantines nothing when no row at all can be stored, and goes on by itself afterwards', async () => {
      await sql("CREATE TRIGGER closed BEFORE INSERT ON coupons BEGIN SELECT RAISE(ABORT, 'closed'); END");
      const records = crowd(20);
      const context = contextOf(records);
      const consuming = consumer.consume(records, context);
      await eventually(() => expect(database.transactions).toBeGreaterThan(20));
      expect(context.settledCount).toBe(0);
      expect(await failedEvents()).toEqual([]);
      await sql('DROP TRIGGER closed');
      await consuming;
      expect(context.settledCount).toBe(20);
      expect([await coupons(), await failedEvents()]).toEqual([20, []]);
    });

    it('does the same when the table is gone', async () => {
      await sql('ALTER TABLE coupons RENAME TO elsewhere');
      const records = crowd(4);
      const context = contextOf(records);
      const consuming = consumer.consume(records, context);
      await eventually(() => expect(database.transactions).toBeGreaterThan(5));
      await sql('ALTER TABLE elsewhere RENAME TO coupons');
      await consuming;
      expect([context.settledCount, await coupons(), await failedEvents()]).toEqual([4, 4, []]);
    });

    it('tries a quarantine again that was interrupted', async () => {
      let calls = 0;
      database.before = () => {
        if (++calls === 2) throw lost();
      };
      expect(await deliver([record(claim('a')), bytes('broken')])).toBe(2);
      expect([await coupons(), (await failedEvents()).length]).toEqual([1, 1]);
    });

    it('looks again when a unique key was taken in between, and settles nothing by the key alone', async () => {
      database.before = failing(1, () => new DatabaseError('duplicate', 'ER_DUP_ENTRY', 'taken'));
      expect(await deliver(crowd(3))).toBe(3);
      expect([await coupons(), await failedEvents()]).toEqual([3, []]);
    });
  });

  it('stops when the batch was taken away, with nothing settled that is not stored', async () => {
    database.before = () => {
      revoked = true;
      throw lost();
    };
    expect(await deliver(crowd(10))).toBe(0);
    expect(await coupons()).toBe(0);
  });

  it('ends a wait at once when the batch is taken away', async () => {
    database.before = () => {
      throw lost();
    };
    const records = crowd(1);
    const delivered = deliver(records);
    await eventually(() => expect(database.transactions).toBeGreaterThan(4));
    revoked = true;
    const asked = performance.now();
    expect(await delivered).toBe(0);
    expect(performance.now() - asked).toBeLessThan(1_000);
  });

  it('settles nothing more once a heartbeat says that the batch belongs to somebody else', async () => {
    const records = crowd(3);
    const context = new ClaimBatchContext(
      TOPIC,
      0,
      3,
      () => Promise.reject(new Error('rebalance')),
      () => false,
    );
    await consumer.consume(records, context);
    expect([context.settledCount, await coupons()]).toEqual([0, 0]);
  });

  it('settles nothing by a mistake of our own, and survives it', async () => {
    database.before = failing(1, () => new TypeError('undefined is not a function'));
    const records = crowd(3);
    expect(await deliver(records)).toBe(0);
    expect(await deliver(records)).toBe(3);
    expect([await coupons(), await failedEvents()]).toEqual([3, []]);
  });

  it('settles chunk by chunk, so that a failure keeps what came before it', async () => {
    await storeCampaign(stack, { id: 'wide', total: 2_000 });
    const records = crowd(1_200, { campaignId: 'wide' });
    database.before = () => {
      if (database.transactions === 3) throw new TypeError('later');
    };
    expect(await deliver(records)).toBe(1_000);
    expect(await coupons('wide')).toBe(1_000);
  });

  it('leaves what is pending alone while a rebuild is under way', async () => {
    const claimId = ulid();
    await stack.gate.claim(pass, { campaignId: 'default', userId: 'a', claimId, idempotencyDigest: null });
    await stack.database.transaction((unit) => unit.gate.beginEpoch('another', EPOCH + 1, 10_000));
    expect(await deliver([record(claim('a', { claimId }))])).toBe(1);
    expect(await coupons()).toBe(1);
    expect(await stack.gate.lookUp(pass, 'default', 'a')).toMatchObject({ kind: 'FOUND', pending: true });
  });
});

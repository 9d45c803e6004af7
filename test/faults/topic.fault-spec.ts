import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Admin, Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import { ulid } from 'ulid';
import { encodeClaimEvent } from '../../src/domain/claim.js';
import { MAX_ATTEMPTS, maxBackoffMs } from '../../src/domain/retry-policy.js';
import { claimEvent } from '../support/claims.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { allSettled, GROUP, readTopic, TOPIC } from '../support/topic.js';
import { claimsAgain, expectKept, openDrop, passed, sellOut, usersOf } from './fault-drop.js';
import { fault } from './fault-test.js';
import { execute } from './strikes.js';

/** The open epoch. An event of an older epoch would be stale, not poison. */
let epoch = 0;
const good = () => JSON.parse(encodeClaimEvent(claimEvent({ epoch }))) as Record<string, unknown>;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Messages that other programs could put on the topic by mistake. */
const BROKEN: [string, () => Buffer | null][] = [
  ['no JSON', () => Buffer.from('coupon please')],
  ['half a JSON', () => Buffer.from('{"v":1,"claimId":')],
  ['a null value', () => null],
  ['no bytes', () => Buffer.alloc(0)],
  ['a leading 0x00', () => Buffer.concat([Buffer.from([0]), json(good())])],
  ['an envelope', () => json({ data: good() })],
  // A broker accepts 1,048,588 bytes by default, with the frame. So a whole MiB never gets onto a topic.
  ['1 MB', () => Buffer.alloc(1_000_000, 'x')],
  ['an unknown campaign', () => json({ ...good(), campaignId: ulid() })],
  ['another version', () => json({ ...good(), v: 2 })],
  ['a number as userId', () => json({ ...good(), userId: 5 })],
  ['a text as sequence', () => json({ ...good(), sequence: '5' })],
  ['no claimId', () => json({ ...good(), claimId: undefined })],
  ['a userId that no caller could have', () => json({ ...good(), userId: 'Älice' })],
  ['a userId with 129 characters', () => json({ ...good(), userId: 'x'.repeat(129) })],
  ['an array', () => json([good()])],
  ['a scalar', () => json(42)],
  ['invalid UTF-8', () => Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['a __proto__', () => Buffer.from('{"__proto__":{"v":1}}')],
  ['a negative sequence', () => json({ ...good(), sequence: -1 })],
  ['an instant that is none', () => json({ ...good(), claimedAt: 'soon' })],
];

describe('on the topic', () => {
  let cluster: Cluster;
  let drop: Drop;
  let admin: Admin;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 1, workers: 2 });
    const kafka = new Kafka({ brokers: [cluster.servers.kafka.brokers], logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    producer = kafka.producer({ idempotent: false });
    await Promise.all([admin.connect(), producer.connect()]);
    epoch = (await cluster.client().get('/health/ready')).body.gate.epoch;
  }, 120_000);
  afterAll(async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
    await cluster.stop();
  });
  afterEach(() => drop.close());

  fault(28, '100 broken messages among good ones become 100 dead letters and hold nobody up', async () => {
    const [{ earlier } = { earlier: 0 }] = await cluster.rows(DEAD('earlier'));
    drop = await openDrop(cluster, 500);
    const messages: Message[] = Array.from({ length: 5 }, () =>
      BROKEN.map(([what, make]) => ({ key: what, value: make(), headers: { from: 'outside' } })),
    ).flat();
    expect(messages).toHaveLength(100);
    const running = drop.run(cluster.client(), { users: usersOf(1_000), tries: 3, width: 50 });
    for (const message of messages) await producer.send({ topic: TOPIC, messages: [message] });
    await running;
    await eventually(async () => {
      const [{ dead } = { dead: 0 }] = await cluster.rows(DEAD('dead'));
      expect(Number(dead) - Number(earlier)).toBe(100);
    }, 30_000);
    await expectKept(cluster, drop, 10_000);
    const [{ late } = { late: Infinity }] = await cluster.rows(
      'SELECT MAX(created_at - claimed_at) AS late FROM coupons WHERE campaign_id = ?',
      [drop.campaignId],
    );
    expect(Number(late)).toBeLessThanOrEqual(2_000);
  });

  fault(49, 'a forger writes to the topic: no coupon comes of it, and no promised claim is pushed out', async () => {
    const client = cluster.client();
    const closed = await client.createCampaign(50);
    await client.admin('POST', `/api/admin/campaigns/${closed}/close`, { ifMatch: '*' });
    const [gate] = await cluster.rows('SELECT installation_id FROM gate');
    const installation = String(gate?.['installation_id']);
    drop = await openDrop(cluster, 500);
    const { campaignId } = drop;
    const [{ earlier } = { earlier: 0 }] = await cluster.rows(BAD_SIGNATURES('earlier'));
    let forged = 0;
    const write = async (texts: readonly string[]) => {
      await producer.send({ topic: TOPIC, messages: texts.map((value) => ({ value })) });
    };
    /** Each names another user, and a sequence before all claims of ours. */
    const forge = async (into: string, copies: readonly string[] = []) => {
      const own = Array.from({ length: 100 }, (_, n) =>
        encodeClaimEvent({
          ...claimEvent({ campaignId: into, userId: `forged-${n}`, sequence: 1, epoch }),
          installation,
        }),
      );
      const texts = [
        ...own,
        ...copies.map((copy, n) => copy.replace(/"userId":"[^"]*"/, `"userId":"forged-copy-${n}"`)),
      ];
      forged += texts.length;
      await write(texts);
    };

    const running = drop.run(client, { users: usersOf(1_000), tries: 3, width: 50 });
    await eventually(() => expect(drop.promised().length).toBeGreaterThanOrEqual(50), 30_000);
    const ours = (await readTopic(cluster.servers.kafka.brokers))
      .map(String)
      .filter((text) => text.includes(campaignId));
    expect(ours.length).toBeGreaterThan(20);
    await forge(
      closed,
      ours.slice(0, 100).map((copy) => copy.replace(campaignId, closed)),
    );
    await forge(campaignId, ours.slice(0, 100));
    // True records once more change nothing.
    await write(ours.slice(0, 200));
    await running;
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 20_000);

    // A rebuild reads what no consumer has read. Half of the stock is promised, and the forger fills the rest.
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
    const unread = await openDrop(cluster, 150);
    try {
      await unread.run(client, { users: usersOf(75, 'early'), tries: 3, width: 20 });
      const promised = unread.promised().length;
      expect(promised).toBeGreaterThan(50);
      await forge(unread.campaignId);
      const mended = performance.now();
      await cluster.redis(async (redis) => void (await redis.flushall()));
      await claimsAgain(unread, cluster.apis(), 20_000);
      await unread.run(client, { users: usersOf(200, 'later'), tries: 3, width: 20 });
      await sellOut(cluster, unread);
      expect(unread.promised()).toHaveLength(150);
      await cluster.fill({ apis: 1, workers: 2 });
      await expectKept(cluster, unread, 60_000, { mended });
    } finally {
      unread.close();
    }

    await eventually(async () => {
      const [{ now } = { now: 0 }] = await cluster.rows(BAD_SIGNATURES('now'));
      expect(Number(now) - Number(earlier)).toBe(forged);
    }, 30_000);
    const [{ minted } = { minted: Infinity }] = await cluster.rows(
      "SELECT COUNT(*) AS minted FROM coupons WHERE user_id LIKE 'forged-%' OR campaign_id = ?",
      [closed],
    );
    expect(Number(minted)).toBe(0);
  });

  fault(23, 'offsets that are set back to 0 change nothing', async () => {
    drop = await openDrop(cluster, 500);
    await drop.run(cluster.client(), { users: usersOf(1_000), tries: 3, width: 50 });
    await expectKept(cluster, drop, 20_000);
    const rowsBefore = await cluster.rows(
      'SELECT id, campaign_id, user_id, claim_id, code, sequence FROM coupons ORDER BY id',
    );
    const deadBefore = await cluster.rows('SELECT id, status, dedupe_key FROM failed_events ORDER BY id');
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
    await eventually(() => admin.resetOffsets({ groupId: GROUP, topic: TOPIC, earliest: true }), 40_000);
    const mended = performance.now();
    await cluster.add('worker');
    await eventually(() => allSettled(cluster.servers.kafka.brokers), 40_000);
    expect(
      await cluster.rows('SELECT id, campaign_id, user_id, claim_id, code, sequence FROM coupons ORDER BY id'),
    ).toEqual(rowsBefore);
    expect(await cluster.rows('SELECT id, status, dedupe_key FROM failed_events ORDER BY id')).toEqual(deadBefore);
    await expectKept(cluster, drop, 40_000, { mended });
  });

  fault(
    30,
    'a claim that always fails is dead after 12 attempts, which are not made in a hurry',
    async () => {
      drop = await openDrop(cluster, 50);
      // An unexpected error, so it may be gone at the next attempt.
      await execute(
        cluster,
        `CREATE TRIGGER unlucky BEFORE INSERT ON coupons FOR EACH ROW
       IF NEW.user_id = 'unlucky' THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1644, MESSAGE_TEXT = 'no'; END IF`,
      );
      try {
        await drop.run(cluster.client(), { users: ['unlucky', ...usersOf(60)], tries: 3, width: 10 });
        const attempts: number[] = [];
        let waitsMs = 0;
        let waited = false;
        await eventually(async () => {
          const [row] = await cluster.rows(
            'SELECT id, status, attempts, next_attempt_at AS due, updated_at AS at FROM failed_events WHERE campaign_id = ?',
            [drop.campaignId],
          );
          const made = Number(row?.['attempts']);
          if (row !== undefined && attempts.at(-1) !== made) {
            attempts.push(made);
            if (row['status'] === 'PENDING') {
              // Full jitter: due between the time at which the row was written and the longest wait of this attempt.
              expect(Number(row['due'])).toBeGreaterThanOrEqual(Number(row['at']));
              const waitMs = Number(row['due']) - Number(row['at']);
              expect(waitMs).toBeLessThanOrEqual(maxBackoffMs(made));
              waitsMs += waitMs;
              // The test really waits for one of the waits, and longer than the interval of a drain.
              if (!waited && waitMs > 15_000) {
                await passed(12_000);
                const [later] = await cluster.rows('SELECT status, attempts FROM failed_events WHERE id = ?', [
                  row['id'],
                ]);
                expect(later).toMatchObject({ status: 'PENDING', attempts: made });
                waited = true;
              }
            }
            // The waits add up to half an hour. The test has read them, and does not wait for them.
            await cluster.rows('UPDATE failed_events SET next_attempt_at = 0 WHERE id = ?', [Number(row['id'])]);
          }
          expect([row?.['status'], made]).toEqual(['DEAD', MAX_ATTEMPTS]);
        }, 120_000);
        expect(attempts).toEqual(Array.from({ length: MAX_ATTEMPTS }, (_, index) => index + 1));
        // Some 700 s on average, and less than a minute in one of a million runs.
        expect(waitsMs).toBeGreaterThan(60_000);
        expect(waited).toBe(true);
      } finally {
        await execute(cluster, 'DROP TRIGGER unlucky');
      }
      // The cause is gone, and an operator requeues the event.
      const client = cluster.client();
      const { body } = await client.admin('GET', `/api/admin/failed-events?campaignId=${drop.campaignId}`);
      const [{ id, version }] = body.items as [{ id: string; version: number }];
      const answer = await client.admin('POST', `/api/admin/failed-events/${id}/requeue`, { ifMatch: `"${version}"` });
      expect(answer.status).toBeLessThan(300);
      await expectKept(cluster, drop, 30_000);
    },
    { slow: true, timeoutMs: 240_000 },
  );
});

/** A query for the number of events that were not signed. */
const BAD_SIGNATURES = (name: string) =>
  `SELECT COUNT(*) AS ${name} FROM failed_events WHERE error_code = 'bad-signature' AND claim_id IS NULL`;

/** A query for the number of dead letters. */
const DEAD = (name: string) => `SELECT COUNT(*) AS ${name} FROM failed_events WHERE status = 'DEAD'`;

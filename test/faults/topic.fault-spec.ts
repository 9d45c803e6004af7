import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Admin, Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import { ulid } from 'ulid';
import { encodeClaimEvent } from '../../src/events/claim-event.js';
import { claimEvent } from '../support/claims.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { expectKept, judge, KEPT } from '../support/oracle.js';
import { announceSeed, openDrop, usersOf } from './fault-drop.js';

const TOPIC = 'coupon_create';
const GROUP = 'coupon-consumer';

/** Of the epoch that is open: an event of an older one is no poison but stale. */
let epoch = 0;
const good = () => JSON.parse(encodeClaimEvent(claimEvent({ epoch }))) as Record<string, unknown>;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Everything that others have put on such a topic by mistake. */
const BROKEN: [string, () => Buffer | null][] = [
  ['no JSON', () => Buffer.from('coupon please')],
  ['half a JSON', () => Buffer.from('{"v":1,"claimId":')],
  ['a null value', () => null],
  ['no bytes', () => Buffer.alloc(0)],
  ['a leading 0x00', () => Buffer.concat([Buffer.from([0]), json(good())])],
  ['an envelope', () => json({ data: good() })],
  ['900 KB', () => Buffer.alloc(900_000, 'x')],
  ['an unknown campaign', () => json({ ...good(), campaignId: ulid() })],
  ['another version', () => json({ ...good(), v: 2 })],
  ['a number as userId', () => json({ ...good(), userId: 5 })],
  ['a text as sequence', () => json({ ...good(), sequence: '5' })],
  ['no claimId', () => json({ ...good(), claimId: undefined })],
  ['a userId that no caller could have', () => json({ ...good(), userId: 'Älice' })],
  ['a userId with 65 characters', () => json({ ...good(), userId: 'x'.repeat(65) })],
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
    announceSeed();
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

  it('100 broken messages among good ones become 100 dead letters and hold nobody up', async () => {
    drop = await openDrop(cluster, 500);
    const messages: Message[] = Array.from({ length: 5 }, () =>
      BROKEN.map(([what, make]) => ({ key: what, value: make(), headers: { from: 'outside' } })),
    ).flat();
    expect(messages).toHaveLength(100);
    const running = drop.run(cluster.client(), { users: usersOf(1_000), tries: 3, width: 50 });
    for (const message of messages) await producer.send({ topic: TOPIC, messages: [message] });
    await running;
    await eventually(async () => {
      const [{ dead } = { dead: 0 }] = await cluster.rows(
        "SELECT COUNT(*) AS dead FROM failed_events WHERE status = 'DEAD'",
      );
      expect(Number(dead)).toBe(100);
    }, 30_000);
    await expectKept(cluster, drop, 10_000);
    const [{ late } = { late: Infinity }] = await cluster.rows(
      'SELECT MAX(created_at - claimed_at) AS late FROM coupons WHERE campaign_id = ?',
      [drop.campaignId],
    );
    // The machine of a test may be slow; a batch that rests a second for each broken message would take a minute.
    expect(Number(late)).toBeLessThan(10_000);
  }, 120_000);

  it('offsets that are set back to 0 change nothing', async () => {
    drop = await openDrop(cluster, 500);
    await drop.run(cluster.client(), { users: usersOf(1_000), tries: 3, width: 50 });
    await expectKept(cluster, drop, 20_000);
    const rowsBefore = await cluster.rows(
      'SELECT id, campaign_id, user_id, claim_id, code, sequence FROM coupons ORDER BY id',
    );
    const deadBefore = await cluster.rows('SELECT id, status, dedupe_key FROM failed_events ORDER BY id');
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
    await eventually(() => admin.resetOffsets({ groupId: GROUP, topic: TOPIC, earliest: true }), 40_000);
    await cluster.add('worker');
    await eventually(async () => {
      const ends = await admin.fetchTopicOffsets(TOPIC);
      const [committed] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
      for (const { partition, high } of ends) {
        const offset = committed?.partitions.find((one) => one.partition === partition)?.offset;
        expect([partition, offset === '-1' ? '0' : offset]).toEqual([partition, high]);
      }
    }, 40_000);
    expect(
      await cluster.rows('SELECT id, campaign_id, user_id, claim_id, code, sequence FROM coupons ORDER BY id'),
    ).toEqual(rowsBefore);
    expect(await cluster.rows('SELECT id, status, dedupe_key FROM failed_events ORDER BY id')).toEqual(deadBefore);
    expect(await judge(cluster, drop)).toEqual(KEPT);
  }, 180_000);
});

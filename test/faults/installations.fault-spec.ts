import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from '../support/client.js';
import { Cluster, type Member } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { GROUP, TOPIC } from '../support/topic.js';
import { openDrop, usersOf } from './fault-drop.js';
import { fault } from './fault-test.js';

/** The database of the second installation, on the same server as that of the first. */
const OTHER_DATABASE = 'other';
const CLAIMS = 100;

/**
 * Two deployments of the service, which know nothing of each other. The second one has a database of its own, and shares
 * what the test gives it.
 */
describe('two installations', () => {
  let cluster: Cluster;
  let other: Member[];
  let shared: Record<string, string>;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 1, workers: 1 });
    await cluster.rows(`CREATE DATABASE ${OTHER_DATABASE}`);
    shared = { DATABASE_URL: cluster.servers.mariadb.url.replace(/\/coupon$/, `/${OTHER_DATABASE}`) };
  }, 120_000);
  afterAll(() => cluster.stop());
  beforeEach(() => {
    other = [];
  });
  afterEach(async () => {
    for (const member of other) await cluster.end(member, 'SIGKILL');
    if (!cluster.servers.kafka.running) await cluster.servers.kafka.start();
  }, 60_000);

  /** Starts a process of the second installation. It is no member of the first one's client. */
  const addOther = async (duty: 'api' | 'worker', env: Record<string, string> = {}): Promise<Member> => {
    const member = await cluster.add(duty, { ...shared, ...env });
    cluster.members.splice(cluster.members.indexOf(member), 1);
    other.push(member);
    return member;
  };
  const ready = ({ url, process }: Member) =>
    eventually(async () => {
      const answer = await fetch(`${url}/health/ready`).then((response) => response.text(), String);
      if (!answer.includes('"api":"ready"') && !answer.includes('"retry":"ready"')) {
        throw new Error(`${answer}\n${process.text.slice(-2_000)}`);
      }
    }, 60_000);
  /** How many users of this prefix have a coupon in the database. */
  const issued = async (database: string, prefix: string): Promise<number> => {
    const [row] = await cluster.rows(`SELECT COUNT(*) AS count FROM ${database}.coupons WHERE user_id LIKE ?`, [
      `${prefix}%`,
    ]);
    return Number(row?.['count']);
  };
  /** Claims of these many users for the campaign `default`. @returns how many were answered 202. */
  const claim = async (client: Client, prefix: string): Promise<number> => {
    const answers = await Promise.all(usersOf(CLAIMS, prefix).map((userId) => client.claim(userId)));
    return answers.filter(({ status }) => status === 202).length;
  };

  fault(41, 'two installations on one topic and one group: none of 200 promised claims is lost', async () => {
    const { kafka } = cluster.servers;
    // Where it can be seen, the second one does not start.
    const refused = await addOther('api');
    expect(await refused.process.exit()).toBe(1);
    expect(refused.process.text).toMatch(new RegExp(`KAFKA_GROUP_ID: ${GROUP} is used by installation \\w{16}`));

    // It cannot be seen while Kafka is away.
    await kafka.kill();
    const api = await addOther('api');
    await eventually(async () => expect((await fetch(`${api.url}/health/live`)).status).toBe(200), 30_000);
    await kafka.start();
    await Promise.all([ready(api), cluster.ready()]);
    const [own, theirs] = [cluster.apis()[0] as Member, api];
    const [ours, promised] = await Promise.all([claim(new Client(own.url), 'a-'), claim(new Client(theirs.url), 'b-')]);
    expect([ours, promised]).toEqual([CLAIMS, CLAIMS]);
    const [worker] = cluster.workers() as [Member];
    await eventually(() => expect(worker.process.text).toMatch(/stands at offset \d+: that claim is of/), 30_000);
    await eventually(async () => {
      const report = (await (await fetch(`${worker.url}/health/ready`)).json()) as { status: string };
      expect(report.status).toBe('degraded');
    }, 10_000);
    expect(await issued('coupon', 'b-')).toBe(0);

    // The operator takes them apart, as docs/operations.md says.
    await cluster.end(api, 'SIGTERM');
    const apart = { KAFKA_TOPIC: 'other_create', KAFKA_GROUP_ID: 'other-consumer' };
    await Promise.all([ready(await addOther('api', apart)), ready(await addOther('worker', apart))]);
    await eventually(async () => expect(await issued(OTHER_DATABASE, 'b-')).toBe(CLAIMS), 90_000);
    await cluster.end(worker, 'SIGTERM');
    await settleTopic(kafka.brokers);
    await ready(await cluster.add('worker'));
    await eventually(async () => expect(await issued('coupon', 'a-')).toBe(CLAIMS), 90_000);
    expect([await issued('coupon', 'b-'), await issued(OTHER_DATABASE, 'a-')]).toEqual([0, 0]);
  });

  fault(42, 'two installations on one Redis: neither touches what the other one has', async () => {
    const { redis, mariadb } = cluster.servers;
    // A new one in each round: another fault has sold the campaign `default` of the other database.
    const database = `on_redis_${Date.now()}`;
    await cluster.rows(`CREATE DATABASE ${database}`);
    const apart = {
      DATABASE_URL: mariadb.url.replace(/\/coupon$/, `/${database}`),
      KAFKA_TOPIC: database,
      KAFKA_GROUP_ID: database,
      DEFAULT_CAMPAIGN_TOTAL: '37',
    };
    const [api] = await Promise.all([addOther('api', apart), addOther('worker', apart)]);
    await Promise.all([ready(api), cluster.ready()]);
    // Both rebuild at the same time.
    await redis.kill();
    await redis.start();
    const own = cluster.apis()[0] as Member;
    const shown = async ({ url }: Member) => {
      const { total, remaining } = (await (await fetch(`${url}/api/campaigns/default`)).json()) as {
        total: number;
        remaining: number | null;
      };
      if (remaining === null) throw new Error('the gate is closed');
      return { total, remaining };
    };
    await eventually(() => Promise.all([shown(own), shown(api)]), 60_000);
    const before = await shown(own);
    let drop: Drop | undefined;
    try {
      drop = await openDrop(cluster, 200);
      const theirs = claim(new Client(api.url), 'c-');
      await drop.run(cluster.client(), { users: usersOf(300, 'd-'), tries: 3, width: 20 });
      // Sold exactly: the terms of one campaign `default` were never those of the other.
      const total = (await shown(api)).total;
      expect(await theirs).toBe(total);
      expect(drop.tally()['202']).toBe(200);
      expect((await shown(own)).total).toBe(before.total);
      await eventually(async () => expect(await issued(database, 'c-')).toBe(total), 60_000);
      await eventually(async () => expect(await issued('coupon', 'd-')).toBe(200), 60_000);
    } finally {
      drop?.close();
    }
  });
});

/** Moves the group to the end of the topic, as an operator does once its workers are stopped. */
async function settleTopic(brokers: string): Promise<void> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(TOPIC);
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
    // The broker takes them once the last member has left.
    await eventually(() => admin.setOffsets({ groupId: GROUP, topic: TOPIC, partitions }), 40_000);
  } finally {
    await admin.disconnect();
  }
}

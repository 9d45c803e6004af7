import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { createConnection } from 'mysql2/promise';
import { expectKept, openDrop, sellOut, usersOf } from '../faults/fault-drop.js';
import { Cluster } from '../support/cluster.js';
import { grants, kafkaAcls, redisRules } from '../support/documented-rights.js';
import { eventually } from '../support/eventually.js';
import { ServiceProcess } from '../support/service-process.js';
import { GROUP, TOPIC } from '../support/topic.js';

const PASSWORD = 'for-tests-only';
const OWNER = { username: 'admin', password: PASSWORD };
const SERVICE = { username: 'coupon', password: PASSWORD };
const ACCOUNT = "'runner'@'127.0.0.1'";
const PLAIN_LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required';

/** The broker asks for a password, and everybody but its owner and its controller may do only what an ACL allows. */
const BROKER = {
  sasl: OWNER,
  properties: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin;User:ANONYMOUS',
    'listener.name.plaintext.plain.sasl.jaas.config': `${PLAIN_LOGIN} ${[
      `username="admin" password="${PASSWORD}"`,
      ...['admin', 'coupon', 'stranger'].map((name) => `user_${name}="${PASSWORD}"`),
    ].join(' ')};`,
  },
};

/** The three servers with the users of the documentation, and the service with these users' rights and no others. */
describe('the rights of docs/deployment.md and docs/operations.md', () => {
  let cluster: Cluster;
  let env: Record<string, string>;
  let admin: Admin;

  const kafkaAs = (sasl: { username: string; password: string }) =>
    new Kafka({
      brokers: [cluster.servers.kafka.brokers],
      sasl: { mechanism: 'plain', ...sasl },
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    });
  const databaseUrl = () => cluster.servers.mariadb.url.replace(/\/\/[^@]*@/, `//runner:${PASSWORD}@`);

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 0, workers: 0 }, {}, { kafka: BROKER });
    admin = kafkaAs(OWNER).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 12, replicationFactor: 1 }] });
    await admin.createAcls({ acl: kafkaAcls() });

    await cluster.redis((redis) => redis.call('ACL', 'SETUSER', 'coupon', 'on', `>${PASSWORD}`, ...redisRules()));

    // The owner of the schema is called coupon here.
    await cluster.rows(`CREATE USER ${ACCOUNT} IDENTIFIED BY '${PASSWORD}'`);
    expect(grants(ACCOUNT).length).toBeGreaterThan(2);
    for (const grant of grants(ACCOUNT)) await cluster.rows(grant);

    env = {
      REDIS_URL: cluster.servers.redis.url.replace('//', `//coupon:${PASSWORD}@`),
      DATABASE_URL: databaseUrl(),
      MIGRATE_ON_START: 'false',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'coupon',
      KAFKA_SASL_PASSWORD: PASSWORD,
    };
    // The owner of the schema migrates, as in Compose.
    const owner = { ...cluster.environment, ...env, DATABASE_URL: cluster.servers.mariadb.url };
    const migration = ServiceProcess.spawn(owner, [resolve('dist/migrate.js')]);
    expect([await migration.exit(), migration.text]).toEqual([0, expect.stringContaining('migrated')]);
    await cluster.add('api', env);
    await cluster.add('worker', env);
    await cluster.ready();
  }, 180_000);
  afterAll(async () => {
    await admin.disconnect();
    await cluster.stop();
  });

  it('are enough for a drop, for a rebuild in the middle of it, and for what operators do', async () => {
    const client = cluster.client();
    const drop = await openDrop(cluster, 300);
    try {
      await drop.run(client, { users: usersOf(200), tries: 3, width: 50 });
      const epoch = await cluster.epoch();
      await cluster.redis((redis) => redis.flushall());
      await eventually(async () => expect(await cluster.epoch()).toBeGreaterThan(epoch), 20_000);
      await cluster.ready();
      await drop.run(client, { users: usersOf(400, 'later'), tries: 3, width: 50 });
      await sellOut(cluster, drop);
      await expectKept(cluster, drop, 30_000, { recorded: false });
      const { campaignId } = drop;
      const calls = [
        ['POST', `/api/admin/campaigns/${campaignId}/pause`, { ifMatch: '*' }],
        ['POST', `/api/admin/campaigns/${campaignId}/close`, { ifMatch: '*' }],
        ['GET', `/api/admin/campaigns/${campaignId}/audit`, {}],
        ['GET', '/api/admin/failed-events', {}],
        ['GET', '/api/admin/audit-log', {}],
        ['POST', '/api/admin/keys', { body: { name: 'shop', role: 'issuer' } }],
      ] as const;
      const answers = [];
      for (const [method, path, more] of calls) answers.push((await client.admin(method, path, more)).status);
      expect(answers.every((status) => status >= 200 && status < 300) || answers).toBe(true);
    } finally {
      drop.close();
    }
    for (const { process } of cluster.members) {
      expect(process.text).not.toMatch(/denied|NOPERM|not authorized|AUTHORIZATION_FAILED/i);
    }
  }, 120_000);

  it('let the service add to the admin audit, and change or delete nothing there', async () => {
    const connection = await createConnection({ uri: databaseUrl() });
    try {
      for (const statement of [
        "UPDATE admin_audit SET action = 'nothing'",
        'DELETE FROM admin_audit',
        'DELETE FROM coupons',
        'DROP TABLE coupons',
        'ALTER TABLE gate ADD COLUMN x INT',
      ]) {
        await expect(connection.query(statement)).rejects.toThrow(/denied/);
      }
    } finally {
      await connection.end();
    }
  });

  it('let no other user of the broker write to the topic or read it', async () => {
    const producer = kafkaAs({ ...SERVICE, username: 'stranger' }).producer();
    await producer.connect();
    try {
      await expect(producer.send({ topic: TOPIC, messages: [{ value: 'x' }] })).rejects.toThrow();
    } finally {
      await producer.disconnect();
    }
    // The service itself may neither make topics nor delete them.
    const service = kafkaAs(SERVICE).admin();
    await service.connect();
    try {
      await expect(service.deleteTopics({ topics: [TOPIC] })).rejects.toThrow();
      await expect(service.createTopics({ topics: [{ topic: 'other' }] })).rejects.toThrow();
      await expect(service.deleteGroups([GROUP])).rejects.toThrow();
    } finally {
      await service.disconnect();
    }
  });
});

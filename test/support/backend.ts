import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { ulid } from 'ulid';
import { RedisServer } from '../../stack/redis-server.js';
import { kafkaAcls, redisRules } from './documented-rights.js';
import { stackAddress } from './stack-address.js';
import { asServiceUser, openTestDatabase } from './test-database.js';

/**
 * How the service under test is spread over processes: `embedded` is one process of the embedded profile, `one` is one
 * process of the distributed profile, `apart` is two apis and two workers of the distributed profile. The Jest projects
 * of jest.stack.config.js set it. Otherwise a test is embedded.
 */
export type Topology = 'embedded' | 'one' | 'apart';

export const TOPOLOGY = ((globalThis as { TOPOLOGY?: Topology }).TOPOLOGY ?? 'embedded') satisfies Topology;

/** The place where a service keeps its state; empty at first. */
export interface Backend {
  /** The variables with which a service finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** The gate's server, which a test may damage. The embedded profile has none. */
  readonly redis: RedisServer | undefined;
  /** The database as the owner of its schema. The embedded profile has none. */
  readonly ownersDatabase?: string;
  remove(): Promise<void>;
}

export function openBackend(): Promise<Backend> {
  return TOPOLOGY === 'embedded' ? openDirectory() : openServers();
}

async function openDirectory(): Promise<Backend> {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-e2e-'));
  return {
    env: { DATA_DIR: directory },
    redis: undefined,
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Of the service's users on the servers of tests. */
const PASSWORD = 'for-tests-only';

/**
 * Opens a Redis for this test only, because a rebuild drops the keys of older epochs, also those of other tests. The
 * database and the topic are new ones on the servers that all tests share. On each server the service is the user of
 * docs/deployment.md, with the rights that stand there and no others.
 */
async function openServers(): Promise<Backend> {
  // A name that no test has had before. A process that an earlier test has killed stays in its group for some seconds.
  const name = `e2e_${ulid()}`;
  const brokers = stackAddress('STACK_KAFKA_BROKERS');
  const database = await openTestDatabase();
  // As an argument, so that the user is there again after a restart.
  const redis = await RedisServer.start({ args: ['--user', 'coupon', 'on', `>${PASSWORD}`, ...redisRules()] });
  await makeTopic(brokers, name);
  return {
    env: {
      PROFILE: 'distributed',
      IDENTITY: 'open',
      REDIS_URL: redis.url.replace('//', `//coupon:${PASSWORD}@`),
      KAFKA_BROKERS: stackAddress('STACK_KAFKA_RESTRICTED_BROKERS'),
      KAFKA_TOPIC: name,
      KAFKA_GROUP_ID: name,
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'coupon',
      KAFKA_SASL_PASSWORD: PASSWORD,
      DATABASE_URL: await asServiceUser(database, PASSWORD),
      MIGRATE_ON_START: 'false',
      // The servers of tests listen on this machine only; see stack/up.ts.
      ALLOW_INSECURE: 'no-password,one-replica',
    },
    redis,
    ownersDatabase: database.url,
    remove: async () => {
      await redis.kill();
      rmSync(redis.directory, { recursive: true, force: true });
      await database.drop();
      await deleteTopic(brokers, name);
    },
  };
}

/** Makes the topic, which the service's user may not make, and allows that user what it needs. */
function makeTopic(brokers: string, topic: string): Promise<void> {
  return asOwner(brokers, async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: 12, replicationFactor: 1 }] });
    await admin.createAcls({ acl: kafkaAcls({ coupon_create: topic, 'coupon-consumer': topic }) });
  });
}

function deleteTopic(brokers: string, topic: string): Promise<void> {
  return asOwner(brokers, async (admin) => {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] });
  });
}

async function asOwner(brokers: string, work: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.disconnect();
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { RedisServer } from '../../stack/redis-server.js';
import { stackAddress } from './stack-address.js';
import { openTestDatabase } from './test-database.js';

/**
 * How the service under test is spread over processes: everything in one on the embedded profile, everything in one on
 * the distributed profile, or two apis and two workers on the distributed profile. The Jest projects of
 * jest.stack.config.js set it; without, a test is embedded.
 */
export type Topology = 'embedded' | 'one' | 'apart';

export const TOPOLOGY = ((globalThis as { TOPOLOGY?: Topology }).TOPOLOGY ?? 'embedded') satisfies Topology;

/** What a service keeps its state in, empty at first. */
export interface Backend {
  /** The variables that lead a service to it. */
  readonly env: Readonly<Record<string, string>>;
  /** The gate's server, to be damaged; only where there is one. */
  readonly redis: RedisServer | undefined;
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

let backends = 0;

/**
 * A Redis of its own, because a rebuild drops what older epochs left there, whoever they belonged to; a database and a
 * topic of its own on the servers that all tests share.
 */
async function openServers(): Promise<Backend> {
  const name = `e2e_${process.pid}_${++backends}`;
  const brokers = stackAddress('STACK_KAFKA_BROKERS');
  const database = await openTestDatabase();
  const redis = await RedisServer.start();
  return {
    env: {
      PROFILE: 'distributed',
      REDIS_URL: redis.url,
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC: name,
      KAFKA_GROUP_ID: name,
      DATABASE_URL: database.url,
      // The servers of tests stand on this machine alone; see stack/up.ts.
      ALLOW_INSECURE: 'no-password,one-replica',
    },
    redis,
    remove: async () => {
      await redis.kill();
      rmSync(redis.directory, { recursive: true, force: true });
      await database.drop();
      await deleteTopic(brokers, name);
    },
  };
}

async function deleteTopic(brokers: string, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] });
  } finally {
    await admin.disconnect();
  }
}

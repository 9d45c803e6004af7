import { afterEach, describe, expect, it } from '@jest/globals';
import { RedisServer } from '../../stack/redis-server.js';
import { createTopic, kafkaConfig, stackBrokers } from '../support/kafka.js';
import { ServiceProcess } from '../support/service-process.js';
import { ADMIN_TOKEN } from '../support/service.js';
import { openTestDatabase } from '../support/test-database.js';

/** Starts the built service as an operator does. */
describe('a start on a server that must not be used', () => {
  const ends: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  const start = async (redisArguments: readonly string[], topicSettings: Record<string, string>) => {
    const redis = await RedisServer.start({ args: redisArguments });
    ends.push(() => redis.kill());
    const database = await openTestDatabase();
    ends.push(() => database.drop());
    const config = kafkaConfig(stackBrokers());
    await createTopic(config, topicSettings);
    const service = ServiceProcess.spawn({
      PROFILE: 'distributed',
      IDENTITY: 'open',
      REDIS_URL: redis.url,
      KAFKA_BROKERS: stackBrokers(),
      KAFKA_TOPIC: config.topic,
      KAFKA_GROUP_ID: config.groupId,
      DATABASE_URL: database.url,
      ADMIN_TOKEN,
      PORT: '0',
    });
    ends.push(() => service.end('SIGKILL'));
    return service;
  };

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['a part of a Redis Cluster', ['--cluster-enabled', 'yes'], {}, /REDIS_URL: .*redis_mode:cluster/],
    [
      'a topic that its consumer could not read',
      [],
      { 'compression.type': 'zstd' },
      /KAFKA_TOPIC: .*compression\.type=zstd/,
    ],
  ])(
    'ends with one line that says why: %s',
    async (_what, redisArguments, topicSettings, why) => {
      const service = await start(redisArguments, topicSettings);
      expect(await service.exit()).toBe(1);
      expect(service.text.split('\n').filter((line) => why.test(line))).toHaveLength(1);
      expect(service.text).not.toMatch(/^\s+at /m);
    },
    60_000,
  );

  it('warns once about each risk, but not about accepted ones', async () => {
    const service = await start(['--appendonly', 'no'], {});
    await service.printed(/listening on http/);
    await service.printed(/ALLOW_INSECURE=one-replica/);
    const count = (pattern: RegExp) => service.text.split('\n').filter((line) => pattern.test(line)).length;
    expect([count(/ALLOW_INSECURE=one-replica/), count(/no append-only file/)]).toEqual([1, 1]);
  }, 60_000);
});

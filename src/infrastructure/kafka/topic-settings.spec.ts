import { describe, expect, it } from '@jest/globals';
import { kafkaConfig } from '../../../test/support/kafka.js';
import { topicToCreate } from './kafka-topic.js';
import { risksOfTopic, type TopicDescription, whyTopicUnusable } from './topic-settings.js';

/** A topic as Kafka makes it without any settings, on three brokers. */
const DEFAULTS = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'max.message.bytes': '1048588',
  'message.timestamp.type': 'CreateTime',
  'min.insync.replicas': '2',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
  'unclean.leader.election.enable': 'false',
};

const described = (changed: Record<string, string> = {}, replicas = 3): TopicDescription => ({
  topic: 'coupons',
  replicas,
  settings: new Map(Object.entries({ ...DEFAULTS, ...changed })),
});

describe('a topic', () => {
  it.each([
    ['compression.type', 'uncompressed'],
    ['compression.type', 'gzip'],
    ['cleanup.policy', ''],
    ['retention.ms', '-1'],
    ['retention.ms', '3600000'],
    ['retention.bytes', '67108864'],
    ['max.message.bytes', '1000012'],
    ['min.insync.replicas', '3'],
    ['segment.bytes', '1048576'],
  ])('is used with %s=%s', (setting, value) => {
    expect(whyTopicUnusable(described({ [setting]: value }))).toBeNull();
  });

  it.each([
    ['compression.type', 'lz4'],
    ['compression.type', 'snappy'],
    ['compression.type', 'zstd'],
    ['compression.type', 'whatever comes'],
    ['cleanup.policy', 'compact'],
    ['cleanup.policy', 'compact,delete'],
    ['cleanup.policy', 'delete, compact'],
    ['retention.ms', '3599999'],
    ['retention.ms', '0'],
    ['retention.bytes', '0'],
    ['retention.bytes', '67108863'],
    ['max.message.bytes', '999999'],
    ['min.insync.replicas', '4'],
  ])('is refused with %s=%s, by its name and the setting', (setting, value) => {
    const why = whyTopicUnusable(described({ [setting]: value }));
    expect(why).toContain(`topic coupons has ${setting}=${value}`);
    expect(why).toMatch(/expected .*: otherwise /);
  });

  it('is used when its broker does not tell its settings', () => {
    expect(whyTopicUnusable({ topic: 'coupons', replicas: 1, settings: new Map() })).toBeNull();
  });

  it('is as it should be when the service itself has made it', () => {
    const made = topicToCreate({ ...kafkaConfig('broker:9092'), replication: 3, minInsync: 2 });
    const settings = new Map(made.configEntries.map(({ name, value }) => [name, value]));
    const description = { topic: made.topic, replicas: made.replicationFactor, settings };
    expect(whyTopicUnusable(description)).toBeNull();
    expect(risksOfTopic(description)).toBeNull();
  });

  it.each([
    ['one replica', described({ 'min.insync.replicas': '1' }, 1), 'one replica'],
    ['one broker that has to have a claim', described({ 'min.insync.replicas': '1' }), 'min.insync.replicas=1'],
    ['leaders that may have missed claims', described({ 'unclean.leader.election.enable': 'true' }), 'unclean'],
  ])('is a risk with %s', (_what, description, finding) => {
    expect(risksOfTopic(description)).toEqual({ risk: 'one-replica', finding: expect.stringContaining(finding) });
  });

  it('is no risk with three replicas of which two have to have a claim', () => {
    expect(risksOfTopic(described())).toBeNull();
  });
});

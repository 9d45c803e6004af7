import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { KafkaClaimLog } from '../../../src/infrastructure/kafka/kafka-claim-log.js';
import { TopicCheck } from '../../../src/infrastructure/kafka/topic-check.js';
import { type KafkaConfig } from '../../../src/platform/config/config-parts.js';
import { StartupError } from '../../../src/platform/config/startup-error.js';
import { ClaimLogUnavailableError, type LogRecord } from '../../../src/ports/log/claim-log.js';
import { KafkaServer } from '../../../stack/kafka-server.js';
import { claimEvent } from '../../support/claims.js';
import { eventually } from '../../support/eventually.js';
import { alterTopic, createTopic, kafkaConfig, stackBrokers, TEST_KEYS } from '../../support/kafka.js';
import { until } from '../../support/until.js';

/** A real broker answers in its own time. */
const LIMITS = { publishMs: 10_000, produceMs: 5_000 };
const PATIENCE_MS = 30_000;

describe('the topic of the claim log', () => {
  let config: KafkaConfig;
  let logs: KafkaClaimLog[];
  let warnings: string[];
  let errors: string[];

  beforeEach(() => {
    config = kafkaConfig(stackBrokers(), { partitions: 1 });
    logs = [];
    warnings = [];
    errors = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((text: unknown) => void warnings.push(String(text)));
    jest.spyOn(Logger.prototype, 'error').mockImplementation((text: unknown) => void errors.push(String(text)));
  });
  afterEach(() => {
    for (const log of logs) log.onApplicationShutdown();
    jest.restoreAllMocks();
  });

  const open = (over: Partial<typeof LIMITS & { refreshMs: number }> = {}, topicCheck = new TopicCheck()) => {
    const log = new KafkaClaimLog(config, TEST_KEYS, { limits: { ...LIMITS, ...over }, topicCheck });
    logs.push(log);
    return log;
  };
  const refusal = (log: KafkaClaimLog) =>
    log.onModuleInit().then(
      () => null,
      (error: unknown) => error as Error,
    );
  const publishes = async (log: KafkaClaimLog) => {
    const { claimId } = await until(
      'a claim is published',
      async () => {
        const event = claimEvent();
        return log.publish(event).then(
          () => event,
          () => null,
        );
      },
      PATIENCE_MS,
    );
    const read: LogRecord[] = [];
    for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) read.push(...page);
    expect(read.map(({ value }) => String(value))).toContainEqual(expect.stringContaining(claimId));
  };

  it.each([
    ['compression.type', 'lz4'],
    ['compression.type', 'snappy'],
    ['compression.type', 'zstd'],
    ['cleanup.policy', 'compact'],
    ['cleanup.policy', 'compact,delete'],
    ['retention.ms', '3599999'],
    ['retention.bytes', '1000000'],
    ['max.message.bytes', '100000'],
    ['min.insync.replicas', '2'],
  ])('is refused at the start with %s=%s, in one line', async (setting, value) => {
    await createTopic(config, { [setting]: value });
    for (const publishes of [true, false]) {
      const log = new KafkaClaimLog(config, TEST_KEYS, { publishes });
      const error = await refusal(log);
      log.onApplicationShutdown();
      expect(error).toBeInstanceOf(StartupError);
      expect(error?.message).toContain(`KAFKA_TOPIC: topic ${config.topic} has ${setting}=${value}`);
      expect(error?.message).not.toContain('\n');
    }
    expect(errors).toEqual([]);
    // A process that takes no claims reads what lies there already.
    const worker = new KafkaClaimLog(config, TEST_KEYS, { publishes: false, requiresTopic: false });
    expect(await refusal(worker)).toBeNull();
    worker.onApplicationShutdown();
  });

  it.each([
    ['compression.type', 'gzip'],
    ['compression.type', 'producer'],
    ['retention.ms', '-1'],
    ['segment.bytes', '1048576'],
  ])('is used with %s=%s', async (setting, value) => {
    await createTopic(config, { [setting]: value });
    const log = open();
    expect(await refusal(log)).toBeNull();
    await publishes(log);
  });

  it('is used as the service makes it, and its one replica is told of once', async () => {
    const risks: string[] = [];
    const log = open({ refreshMs: 100 }, new TopicCheck((risk, finding) => risks.push(`${risk}: ${finding}`)));
    await log.onModuleInit();
    const look = jest.spyOn(TopicCheck.prototype, 'checkAndLog');
    await publishes(log);
    await until('it was looked at again and again', () => look.mock.calls.length > 2, PATIENCE_MS);
    expect(risks).toEqual([expect.stringContaining(`one-replica: topic ${config.topic} has one replica`)]);
    expect(errors).toEqual([]);
  });

  it('is written to no further when its settings are spoilt under a running service, and again when they are mended', async () => {
    const log = open({ refreshMs: 200 });
    await log.onModuleInit();
    await publishes(log);
    await alterTopic(config, { 'cleanup.policy': 'compact' });
    await until('it is not written to', () => log.away, PATIENCE_MS);
    await expect(log.publish(claimEvent())).rejects.toBeInstanceOf(ClaimLogUnavailableError);
    // Said once, although it is looked at every second; and what is there can be read.
    const look = jest.spyOn(TopicCheck.prototype, 'checkAndLog');
    await until('it was looked at again', () => look.mock.calls.length > 1, PATIENCE_MS);
    expect(errors).toEqual([expect.stringContaining(`KAFKA_TOPIC: topic ${config.topic} has cleanup.policy=compact`)]);
    expect((await log.endOffsets()).get(0)).toBeGreaterThan(0);
    await alterTopic(config, {});
    await publishes(log);
  });

  it('is refused also when its broker comes later: the start waits for nothing, and one line says why', async () => {
    const kafka = await KafkaServer.start();
    try {
      config = kafkaConfig(kafka.brokers, { partitions: 1 });
      await createTopic(config, { 'retention.ms': '1000' });
      await kafka.stop();
      const log = open();
      expect(await refusal(log)).toBeNull();
      await kafka.start();
      await until('it is said', () => errors.length > 0, PATIENCE_MS);
      expect(errors).toEqual([expect.stringContaining(`KAFKA_TOPIC: topic ${config.topic} has retention.ms=1000`)]);
      expect(log.away).toBe(true);
      await alterTopic(config, {});
      await publishes(log);
    } finally {
      await kafka.stop();
    }
  }, 120_000);

  describe('whose settings may not be read', () => {
    const SERVICE = { username: 'service', password: 'secret' };
    const ADMIN = { username: 'admin', password: 'secret' };
    let kafka: KafkaServer;

    beforeAll(async () => {
      const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
      kafka = await KafkaServer.start({
        sasl: ADMIN,
        properties: {
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:admin;User:ANONYMOUS',
          'listener.name.plaintext.plain.sasl.jaas.config': `${login} username="admin" password="secret" user_admin="secret" user_service="secret";`,
        },
      });
    }, 90_000);
    afterAll(() => kafka?.stop());

    it('is used, and warned about once', async () => {
      config = kafkaConfig(kafka.brokers, { partitions: 1, sasl: { mechanism: 'plain', ...SERVICE } });
      const admin = new Kafka({
        brokers: [kafka.brokers],
        logLevel: logLevel.NOTHING,
        sasl: { mechanism: 'plain', ...ADMIN },
      }).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: config.topic, numPartitions: 1 }], waitForLeaders: true });
      await admin.createAcls({
        acl: [AclOperationTypes.READ, AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE].map((operation) => ({
          resourceType: AclResourceTypes.TOPIC,
          resourceName: config.topic,
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: 'User:service',
          host: '*',
          operation,
          permissionType: AclPermissionTypes.ALLOW,
        })),
      });
      await admin.disconnect();
      const log = open({ refreshMs: 100 });
      await eventually(async () => expect(await refusal(log)).toBeNull(), PATIENCE_MS);
      await publishes(log);
      const look = jest.spyOn(TopicCheck.prototype, 'checkAndLog');
      await until('it was looked at again', () => look.mock.calls.length > 1, PATIENCE_MS);
      expect(warnings.filter((text) => text.includes('DescribeConfigs'))).toHaveLength(1);
    });
  });
});

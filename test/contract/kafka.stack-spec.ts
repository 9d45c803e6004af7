import { describe, expect, it } from '@jest/globals';
import { KafkaClaimLog } from '../../src/infrastructure/kafka/kafka-claim-log.js';
import { KafkaClaimServer } from '../../src/infrastructure/kafka/kafka-claim-server.js';
import { commitOffsets, foreignClient, kafkaConfig, stackBrokers, TEST_KEYS } from '../support/kafka.js';
import { type ClaimLogHarness, describeClaimLogContract } from './log/claim-log.contract.js';
import { type ClaimTransportHarness, describeClaimTransportContract } from './log/claim-transport.contract.js';

/** Long time limits: the contract is about what is kept, not about how fast a busy machine keeps it. */
const PATIENT = { publishMs: 10_000, produceMs: 10_000 };

async function openLog(): Promise<ClaimLogHarness> {
  const config = kafkaConfig(stackBrokers());
  const logs = [new KafkaClaimLog(config, TEST_KEYS, { limits: PATIENT })];
  const [log] = logs as [KafkaClaimLog];
  await log.onModuleInit();
  return {
    log,
    publisherHolding: async (maxWaiting) => {
      const small = new KafkaClaimLog(config, TEST_KEYS, { limits: { ...PATIENT, maxWaiting } });
      logs.push(small);
      return small;
    },
    commit: (offsets) => commitOffsets(config, offsets),
    close: async () => {
      for (const opened of logs) opened.onApplicationShutdown();
    },
  };
}

async function openTransport(): Promise<ClaimTransportHarness> {
  const config = kafkaConfig(stackBrokers(), { partitions: 1 });
  const log = new KafkaClaimLog(config, TEST_KEYS, { limits: PATIENT });
  const fatal: string[] = [];
  return {
    log,
    topic: config.topic,
    consumer: () => new KafkaClaimServer(config, log, (reason) => fatal.push(reason), { pauseMs: 50 }),
    close: async () => {
      log.onApplicationShutdown();
      expect(fatal).toEqual([]);
    },
  };
}

describeClaimLogContract('KafkaClaimLog', openLog);
describeClaimTransportContract('KafkaClaimServer', openTransport);

describe('KafkaClaimLog', () => {
  it('knows partitions that were added to the topic while it was open', async () => {
    const config = kafkaConfig(stackBrokers(), { partitions: 1 });
    const log = new KafkaClaimLog(config, TEST_KEYS, { limits: PATIENT });
    const admin = foreignClient(config).admin();
    try {
      expect([...(await log.endOffsets())]).toEqual([[0, 0]]);
      await admin.connect();
      await admin.createPartitions({ topicPartitions: [{ topic: config.topic, count: 3 }] });
      await commitOffsets(config, new Map([[2, 0]]));
      expect([...(await log.endOffsets()).keys()].sort()).toEqual([0, 1, 2]);
      expect([...(await log.committedOffsets())]).toEqual([[2, 0]]);
    } finally {
      await admin.disconnect();
      log.onApplicationShutdown();
    }
  });
});

import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { KafkaClaimLog } from '../../src/infrastructure/kafka/kafka-claim-log.js';
import { KafkaClaimServer } from '../../src/infrastructure/kafka/kafka-claim-server.js';
import { type UnitOfWork } from '../../src/ports/database/database.js';
import { type InstallationKey, keyIdOf } from '../../src/ports/database/installation-key-store.js';
import { KeyRing } from '../../src/ports/database/key-ring.js';
import { claimEvent } from '../support/claims.js';
import { SetClock } from '../support/flow.js';
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

  it('signs with the newest key after a pause in which the one before was replaced and retired', async () => {
    const config = kafkaConfig(stackBrokers(), { partitions: 1 });
    const newKey = (byte: number): InstallationKey => {
      const secret = Buffer.alloc(32, byte);
      return { id: keyIdOf(secret), secret: createSecretKey(secret), createdAt: 0 };
    };
    const clock = new SetClock();
    let stored = [newKey(1)];
    const unit = { installationKeys: { keysFor: () => Promise.resolve(stored) } } as unknown as UnitOfWork;
    const log = new KafkaClaimLog(config, new KeyRing({ readUrgently: (work) => work(unit) }, 'event', clock), {
      limits: PATIENT,
    });
    const ids = async (): Promise<(string | undefined)[]> => {
      const found: (string | undefined)[] = [];
      for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) {
        for (const { value } of page) found.push(/"key":"([^"]+)"/.exec(Buffer.from(value ?? []).toString())?.[1]);
      }
      return found;
    };
    try {
      await log.publish(claimEvent());
      const [old, next] = [stored[0] as InstallationKey, newKey(2)];
      stored = [next];
      clock.pass(40_000);
      await log.publish(claimEvent());
      expect(await ids()).toEqual([old.id, next.id]);
    } finally {
      log.onApplicationShutdown();
    }
  });
});

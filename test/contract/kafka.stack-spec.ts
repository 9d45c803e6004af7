import { KafkaClaimLog } from '../../src/infrastructure/kafka/kafka-claim-log.js';
import { commitOffsets, kafkaConfig, stackBrokers } from '../support/kafka.js';
import { type ClaimLogHarness, describeClaimLogContract } from './claim-log.contract.js';

/** The contract is about what is kept, not about how fast a busy machine keeps it. */
const PATIENT = { publishMs: 10_000, produceMs: 10_000 };

async function openLog(): Promise<ClaimLogHarness> {
  const config = kafkaConfig(stackBrokers());
  const logs = [new KafkaClaimLog(config, { limits: PATIENT })];
  const [log] = logs as [KafkaClaimLog];
  log.onModuleInit();
  return {
    log,
    publisherHolding: async (maxWaiting) => {
      const small = new KafkaClaimLog(config, { limits: { ...PATIENT, maxWaiting } });
      logs.push(small);
      return small;
    },
    commit: (offsets) => commitOffsets(config, offsets),
    close: async () => {
      for (const opened of logs) opened.onApplicationShutdown();
    },
  };
}

describeClaimLogContract('KafkaClaimLog', openLog);

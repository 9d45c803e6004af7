import { type KafkaConfig } from '../../platform/config/env.js';

/** How long the topic keeps what nobody has consumed: a week without a working consumer, ms. */
const RETENTION_MS = 7 * 24 * 60 * 60 * 1_000;

/** The topic as it is created where it is missing; one that exists is left as it is. */
export function topicToCreate({ topic, partitions, replication, minInsync }: KafkaConfig) {
  const settings = {
    'cleanup.policy': 'delete',
    // Retention knows nothing of consumers. The broker's own default may be an hour, and for ever fills its disk.
    'retention.ms': `${RETENTION_MS}`,
    'retention.bytes': '-1',
    // Retention counts from the append, not from the clock of whoever sent it: one that is wrong would delete at once.
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': `${minInsync}`,
    // A replica that missed acknowledged claims must never become the leader.
    'unclean.leader.election.enable': 'false',
    // kafkajs reads no snappy, lz4 or zstd: one such batch, put there by anybody, would stop the consumer for good.
    'compression.type': 'uncompressed',
  };
  return {
    topic,
    numPartitions: partitions,
    replicationFactor: replication,
    configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
  };
}

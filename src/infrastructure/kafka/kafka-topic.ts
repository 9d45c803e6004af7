import { type KafkaConfig } from '../../platform/config/config-parts.js';

/** How long the topic keeps claims, ms: consumers may be away for a week. */
const RETENTION_MS = 7 * 24 * 60 * 60 * 1_000;

/** The topic as it is created when it is missing. An existing topic is left as it is. */
export function topicToCreate({ topic, partitions, replication, minInsync }: KafkaConfig) {
  const settings = {
    'cleanup.policy': 'delete',
    // Retention does not look at consumers. The broker's own default may be an hour. Without a limit the disk fills up.
    'retention.ms': `${RETENTION_MS}`,
    'retention.bytes': '-1',
    // Retention counts from the append and not by the sender's clock: a wrong clock there would delete claims at once.
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': `${minInsync}`,
    // A replica that missed acknowledged claims must never become the leader.
    'unclean.leader.election.enable': 'false',
    // The consumer reads no snappy, lz4 or zstd. A broker that compresses with one of them makes each batch of claims
    // unreadable.
    'compression.type': 'uncompressed',
  };
  return {
    topic,
    numPartitions: partitions,
    replicationFactor: replication,
    configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
  };
}

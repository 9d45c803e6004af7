import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { ulid } from 'ulid';
import { createSecretKey } from 'node:crypto';
import { type KafkaConfig } from '../../src/platform/config/config-parts.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { type UnitOfWork } from '../../src/ports/database/database.js';
import { keyIdOf } from '../../src/ports/database/installation-key-store.js';
import { KeyRing } from '../../src/ports/database/key-ring.js';
import { type LogOffsets } from '../../src/ports/log/claim-log.js';

/** The brokers that the stack has started. */
export function stackBrokers(): string {
  const brokers = process.env['STACK_KAFKA_BROKERS'];
  if (brokers === undefined || brokers === '') {
    throw new Error('STACK_KAFKA_BROKERS has to name the brokers of a running Kafka, host:port,…');
  }
  return brokers;
}

/** Keys that hold still. */
export class FixedKeys extends KeyRing {
  constructor(...secrets: readonly Buffer[]) {
    const keys = secrets.map((secret) => ({ id: keyIdOf(secret), secret: createSecretKey(secret), createdAt: 0 }));
    const unit = { installationKeys: { keysFor: () => Promise.resolve(keys) } } as unknown as UnitOfWork;
    super({ readUrgently: (work) => work(unit) }, 'event', systemClock);
  }
}

export const TEST_KEYS = new FixedKeys(Buffer.alloc(32, 7));

/** A topic and a group for this test only. Its first user creates the topic. */
export function kafkaConfig(brokers: string, over: Partial<KafkaConfig> = {}): KafkaConfig {
  const name = ulid();
  return {
    brokers: brokers.split(','),
    topic: `claims-${name}`,
    groupId: `group-${name}`,
    partitions: 4,
    replication: 1,
    minInsync: 1,
    ssl: false,
    sasl: undefined,
    ...over,
  };
}

/** A client outside the service, like an operator's tool. */
export function foreignClient({ brokers }: KafkaConfig): Kafka {
  return new Kafka({ brokers: [...brokers], clientId: 'foreign', logLevel: logLevel.NOTHING });
}

/** Creates the topic with these settings, not with those of the service. */
export async function createTopic(config: KafkaConfig, settings: Readonly<Record<string, string>> = {}): Promise<void> {
  const admin = foreignClient(config).admin();
  await admin.connect();
  try {
    const { topic, partitions: numPartitions, replication: replicationFactor } = config;
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      topics: [{ topic, numPartitions, replicationFactor, configEntries }],
      waitForLeaders: true,
    });
  } finally {
    await admin.disconnect();
  }
}

/** Changes these settings of the topic. All others go back to the broker's defaults. */
export async function alterTopic(config: KafkaConfig, settings: Readonly<Record<string, string>>): Promise<void> {
  const admin = foreignClient(config).admin();
  await admin.connect();
  try {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: config.topic, configEntries }];
    await admin.alterConfigs({ validateOnly: false, resources });
  } finally {
    await admin.disconnect();
  }
}

/** Stores offsets for a group without members. */
export async function commitOffsets(config: KafkaConfig, offsets: LogOffsets): Promise<void> {
  const admin = foreignClient(config).admin();
  await admin.connect();
  try {
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: `${offset}` }));
    await admin.setOffsets({ groupId: config.groupId, topic: config.topic, partitions });
  } finally {
    await admin.disconnect();
  }
}

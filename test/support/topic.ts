import { type Admin, Kafka, logLevel } from 'kafkajs';
import { eventually } from './eventually.js';

/** The topic that the service makes. */
export const TOPIC = 'coupon_create';

/** The consumer group of the service. */
export const GROUP = 'coupon-consumer';

/**
 * The members of the service's consumer group, by their ids from the broker. @throws while the group is rebalancing.
 */
export function groupMembers(brokers: string): Promise<string[]> {
  return withAdmin(brokers, async (admin) => {
    const { groups } = await admin.describeGroups([GROUP]);
    const [group] = groups;
    if (group?.state !== 'Stable') throw new Error(`the group is ${group?.state}`);
    return group.members.map(({ memberId }) => memberId).sort();
  });
}

/** @throws while a partition's settled offset is not its end. */
export function allSettled(brokers: string): Promise<void> {
  return withAdmin(brokers, async (admin) => {
    const ends = await admin.fetchTopicOffsets(TOPIC);
    const [committed] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    for (const { partition, high } of ends) {
      const offset = committed?.partitions.find((one) => one.partition === partition)?.offset;
      const settled = offset === '-1' ? '0' : offset;
      if (settled !== high) throw new Error(`partition ${partition} is settled up to ${settled} of ${high}`);
    }
  });
}

/** Moves the service's group back to the beginning of every partition. @throws while the group has a member. */
export function moveGroupToStart(brokers: string): Promise<void> {
  return withAdmin(brokers, (admin) => admin.resetOffsets({ groupId: GROUP, topic: TOPIC, earliest: true }));
}

async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Every message that is on the topic now, oldest first in each partition. */
export async function readTopic(brokers: string): Promise<(Buffer | null)[]> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const consumer = kafka.consumer({ groupId: `reader-${performance.now()}` });
  const values: (Buffer | null)[] = [];
  await Promise.all([admin.connect(), consumer.connect()]);
  try {
    const ends = await admin.fetchTopicOffsets(TOPIC);
    const count = ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
    await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void values.push(message.value) });
    await eventually(() => {
      if (values.length < count) throw new Error(`${values.length} of ${count} messages were read`);
    }, 20_000);
  } finally {
    await Promise.all([admin.disconnect(), consumer.disconnect()]);
  }
  return values;
}

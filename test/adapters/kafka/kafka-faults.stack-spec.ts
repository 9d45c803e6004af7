import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { decodeClaimEvent } from '../../../src/domain/claim.js';
import { KafkaClaimLog } from '../../../src/infrastructure/kafka/kafka-claim-log.js';
import { type KafkaConfig } from '../../../src/platform/config/config-parts.js';
import {
  type ClaimLog,
  ClaimLogUnavailableError,
  ClaimLogUnconfirmedError,
  type LogOffsets,
} from '../../../src/ports/log/claim-log.js';
import { KafkaServer } from '../../../stack/kafka-server.js';
import { claimEvent } from '../../support/claims.js';
import { eventually } from '../../support/eventually.js';
import { alterTopic, createTopic, kafkaConfig, TEST_KEYS } from '../../support/kafka.js';
import { until } from '../../support/until.js';

/** One publish has a budget of 700 ms. The rest is for a busy machine. */
const SETTLED_WITHIN_MS = 1_200;

interface Outcome {
  readonly claimId: string;
  readonly error: Error | null;
  readonly tookMs: number;
}

async function publishOne(log: ClaimLog): Promise<Outcome> {
  const event = claimEvent();
  const begun = performance.now();
  const error = await log.publish(event).then(
    () => null,
    (reason: Error) => reason,
  );
  return { claimId: event.claimId, error, tookMs: performance.now() - begun };
}

async function claimIdsOn(log: ClaimLog, to?: LogOffsets): Promise<string[]> {
  const claimIds: string[] = [];
  for await (const page of log.read(await log.startOffsets(), to ?? (await log.endOffsets()))) {
    for (const { value } of page) {
      const decoded = decodeClaimEvent(value);
      if (decoded.kind === 'claim') claimIds.push(decoded.event.claimId);
    }
  }
  return claimIds;
}

/** Publishes without a break, this many at a time, until the test stops it. */
function publishing(log: ClaimLog, atOnce: number): () => Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let stopped = false;
  const loops = Array.from({ length: atOnce }, async () => {
    while (!stopped) {
      outcomes.push(await publishOne(log));
      // A log that is away refuses immediately. Without a turn of the event loop it could never come back.
      await new Promise(setImmediate);
    }
  });
  return async () => {
    stopped = true;
    await Promise.all(loops);
    return outcomes;
  };
}

describe('KafkaClaimLog and a broker that fails', () => {
  let kafka: KafkaServer;
  let config: KafkaConfig;
  let log: KafkaClaimLog;

  beforeEach(async () => {
    kafka = await KafkaServer.on();
    config = kafkaConfig(kafka.brokers);
    log = new KafkaClaimLog(config, TEST_KEYS);
  }, 60_000);
  afterEach(async () => {
    log.onApplicationShutdown();
    await kafka.stop();
  }, 60_000);

  const started = async () => {
    await kafka.start();
    await log.onModuleInit();
    await eventually(() => log.publish(claimEvent()));
  };

  it('starts without a broker, refuses at once, and publishes as soon as there is one', async () => {
    await log.onModuleInit();
    expect(log.away).toBe(false);
    const first = await publishOne(log);
    expect(first.error).toBeInstanceOf(ClaimLogUnavailableError);
    expect(first.tookMs).toBeLessThan(SETTLED_WITHIN_MS);
    expect(log.away).toBe(true);
    const second = await publishOne(log);
    expect(second.error).toBeInstanceOf(ClaimLogUnavailableError);
    expect(second.tookMs).toBeLessThan(50);
    await expect(log.endOffsets()).rejects.toThrow();

    await kafka.start();
    await until('the probe finds the broker', () => !log.away, 10_000);
    const { claimId, error } = await publishOne(log);
    expect(error).toBeNull();
    expect(await claimIdsOn(log)).toEqual([claimId]);
    expect((await log.endOffsets()).size).toBe(config.partitions);
  }, 60_000);

  it('keeps every acknowledged claim when the broker is killed, and settles every publish in time', async () => {
    await started();
    const stop = publishing(log, 50);
    await until('claims are flowing', async () => (await claimIdsOn(log)).length > 500, 20_000);
    await kafka.kill();
    await until('the log is away', () => log.away, SETTLED_WITHIN_MS);
    await kafka.start();
    await until('the log is back', () => !log.away, 15_000);
    // Publishes that were under way when the probe succeeded have ended as well.
    const back = await eventually(async () => {
      const outcome = await publishOne(log);
      expect(outcome.error).toBeNull();
      return outcome;
    });
    const outcomes = await stop();

    const claimIds = await claimIdsOn(log);
    const onLog = new Set(claimIds);
    // Nothing is ever sent again by itself: the failed events do that, and count it.
    expect(claimIds).toHaveLength(onLog.size);
    const acknowledged = outcomes.filter(({ error }) => error === null);
    expect(acknowledged.filter(({ claimId }) => !onLog.has(claimId))).toEqual([]);
    expect(onLog.has(back.claimId)).toBe(true);
    const certainlyNotSent = outcomes.filter(({ error }) => error instanceof ClaimLogUnavailableError);
    expect(certainlyNotSent.length).toBeGreaterThan(0);
    expect(certainlyNotSent.filter(({ claimId }) => onLog.has(claimId))).toEqual([]);
    for (const { error } of outcomes) {
      if (error === null || error instanceof ClaimLogUnavailableError) continue;
      expect(error).toBeInstanceOf(ClaimLogUnconfirmedError);
    }
    expect(Math.max(...outcomes.map(({ tookMs }) => tookMs))).toBeLessThan(SETTLED_WITHIN_MS);
  }, 90_000);

  it('does not wait for a frozen broker, answers "unconfirmed", and notices when it is back', async () => {
    await started();
    const stop = publishing(log, 50);
    await until('claims are flowing', async () => (await claimIdsOn(log)).length > 500, 20_000);
    kafka.pause();
    const frozenAt = performance.now();
    await until('the log is away', () => log.away, SETTLED_WITHIN_MS);
    const refused = await publishOne(log);
    expect(refused.error).toBeInstanceOf(ClaimLogUnavailableError);
    expect(refused.tookMs).toBeLessThan(50);
    await until('it was frozen for 5 s', () => performance.now() - frozenAt > 5_000, 10_000);
    expect(log.away).toBe(true);
    kafka.resume();
    await until('the log is back', () => !log.away, 5_000);
    await eventually(() => log.publish(claimEvent()));
    const outcomes = await stop();

    expect(outcomes.some(({ error }) => error instanceof ClaimLogUnconfirmedError)).toBe(true);
    const claimIds = await claimIdsOn(log);
    const onLog = new Set(claimIds);
    // Nothing is ever sent again by itself: the failed events do that, and count it.
    expect(claimIds).toHaveLength(onLog.size);
    expect(outcomes.filter(({ error, claimId }) => error === null && !onLog.has(claimId))).toEqual([]);
    const certainlyNotSent = outcomes.filter(({ error }) => error instanceof ClaimLogUnavailableError);
    expect(certainlyNotSent.filter(({ claimId }) => onLog.has(claimId))).toEqual([]);
    expect(Math.max(...outcomes.map(({ tookMs }) => tookMs))).toBeLessThan(SETTLED_WITHIN_MS);
  }, 90_000);

  it('publishes again by itself after a restart during which nothing was published', async () => {
    await started();
    await kafka.restart();
    expect(log.away).toBe(false);
    const event = claimEvent();
    await eventually(() => log.publish(event));
    expect(await claimIdsOn(log)).toContain(event.claimId);
  }, 60_000);

  it('rejects a read instead of hanging, and reads again when the broker is back', async () => {
    await started();
    for (let batch = 0; batch < 8; batch++) {
      await Promise.all(Array.from({ length: 500 }, () => log.publish(claimEvent())));
    }
    const [from, to] = [await log.startOffsets(), await log.endOffsets()];
    const pages = log.read(from, to)[Symbol.asyncIterator]();
    expect((await pages.next()).done).toBe(false);
    await kafka.kill();
    const begun = performance.now();
    await expect(drainPages(pages)).rejects.toThrow();
    await expect(log.committedOffsets()).rejects.toThrow();
    expect(performance.now() - begun).toBeLessThan(5_000);
    await kafka.start();
    expect(await eventually(() => claimIdsOn(log, to))).toHaveLength(4_001);
    kafka.pause();
    const frozenAt = performance.now();
    await expect(claimIdsOn(log, to)).rejects.toThrow();
    expect(performance.now() - frozenAt).toBeLessThan(8_000);
    kafka.resume();
    expect(await eventually(() => claimIdsOn(log, to))).toHaveLength(4_001);
  }, 90_000);

  it('ends where the log ends and begins where the log begins, whatever bounds a caller gives', async () => {
    await kafka.start();
    config = kafkaConfig(kafka.brokers, { partitions: 1 });
    log.onApplicationShutdown();
    log = new KafkaClaimLog(config, TEST_KEYS);
    const events = Array.from({ length: 100 }, () => claimEvent());
    await eventually(() => log.endOffsets());
    for (const event of events) await log.publish(event);
    const admin = new Kafka({ brokers: [...config.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    // The admin client learns the leaders only from another request.
    await admin.fetchTopicOffsets(config.topic);
    await admin.deleteTopicRecords({ topic: config.topic, partitions: [{ partition: 0, offset: '40' }] });
    await admin.disconnect();

    expect(await log.startOffsets()).toEqual(new Map([[0, 40]]));
    const read = async (from: number, to: number) => {
      const offsets: number[] = [];
      for await (const page of log.read(new Map([[0, from]]), new Map([[0, to]]))) {
        offsets.push(...page.map(({ offset }) => offset));
      }
      return [offsets[0], offsets.at(-1), offsets.length];
    };
    expect(await read(0, 100)).toEqual([40, 99, 60]);
    expect(await read(0, 50)).toEqual([40, 49, 10]);
    expect(await read(0, 30)).toEqual([undefined, undefined, 0]);
    // The records that were there when the end was read are gone.
    expect(await read(90, 1_000)).toEqual([90, 99, 10]);
    expect(await read(500, 1_000)).toEqual([undefined, undefined, 0]);
    await expect(async () => {
      for await (const _page of log.read(new Map(), new Map([[7, 1]]))) continue;
    }).rejects.toThrow('partition 7');
  }, 60_000);

  it('answers "unavailable" for what the broker refuses to append, and tries again after a rest', async () => {
    await kafka.start();
    await createTopic(config);
    await eventually(() => log.publish(claimEvent()));
    const published = (await claimIdsOn(log)).length;
    await alterTopic(config, { 'max.message.bytes': '100' });
    const [first] = await Promise.all(Array.from({ length: 10 }, () => publishOne(log)));
    expect(first?.error).toBeInstanceOf(ClaimLogUnavailableError);
    await until('no partition is left', async () => {
      expect((await publishOne(log)).error).toBeInstanceOf(ClaimLogUnavailableError);
      return log.away;
    });
    expect(await claimIdsOn(log)).toHaveLength(published);
    await alterTopic(config, {});
    await eventually(() => log.publish(claimEvent()));
    expect(log.away).toBe(false);
  }, 60_000);
});

describe('KafkaClaimLog and a broker that asks for a password', () => {
  it('is unavailable with a wrong one, and publishes and reads with the right one', async () => {
    const kafka = await KafkaServer.start({ sasl: { username: 'coupon', password: 'right' } });
    const configFor = (password: string) =>
      kafkaConfig(kafka.brokers, { sasl: { mechanism: 'plain', username: 'coupon', password } });
    const [wrong, right] = ['wrong', 'right'].map((name) => new KafkaClaimLog(configFor(name), TEST_KEYS)) as [
      KafkaClaimLog,
      KafkaClaimLog,
    ];
    try {
      const refused = await publishOne(wrong);
      expect(refused.error).toBeInstanceOf(ClaimLogUnavailableError);
      expect(refused.error?.message).not.toContain('wrong');
      await until('it is known to be away', () => wrong.away);
      await expect(wrong.endOffsets()).rejects.toThrow();
      const event = claimEvent();
      await eventually(() => right.publish(event));
      expect(await claimIdsOn(right)).toContain(event.claimId);
      expect(await right.committedOffsets()).toEqual(new Map());
    } finally {
      wrong.onApplicationShutdown();
      right.onApplicationShutdown();
      await kafka.stop();
    }
  }, 90_000);
});

describe('KafkaClaimLog and one of two brokers', () => {
  let kafka: KafkaServer;
  let second: KafkaServer;
  let log: KafkaClaimLog;

  beforeEach(async () => {
    kafka = await KafkaServer.start({ properties: { 'broker.session.timeout.ms': '3000' } });
    second = await KafkaServer.start({ joins: kafka });
  }, 90_000);
  afterEach(async () => {
    log?.onApplicationShutdown();
    await second?.stop();
    await kafka.stop();
  }, 90_000);

  const spread = async (replication: number): Promise<void> => {
    const config = kafkaConfig(`${second.brokers},${kafka.brokers}`, { replication });
    const admin = new Kafka({ brokers: [...config.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await until('both brokers are known', async () => (await admin.describeCluster()).brokers.length === 2, 20_000);
    await admin.disconnect();
    log = new KafkaClaimLog(config, TEST_KEYS);
    await eventually(() => log.endOffsets());
    await eventually(() => log.publish(claimEvent()));
  };

  it('goes on with the leader that answers while the other broker is frozen', async () => {
    await spread(1);
    second.pause();
    const outcomes: Outcome[] = [];
    const begun = performance.now();
    // Longer than the probes and the look-ups between them.
    await until(
      'it was frozen for a while',
      async () => {
        outcomes.push(await publishOne(log));
        return performance.now() - begun > 6_000;
      },
      15_000,
    );
    expect(outcomes.filter(({ error }) => error !== null).length).toBeLessThanOrEqual(2);
    expect(log.away).toBe(false);
    second.resume();
    await eventually(() => log.endOffsets(), 20_000);
  }, 90_000);

  it('follows the leaders when a broker is killed, and when it comes back', async () => {
    await spread(2);
    const before = await log.endOffsets();
    const grown = async (since: LogOffsets) =>
      [...(await log.endOffsets())].filter(([partition, end]) => end > (since.get(partition) ?? 0)).length;
    await second.kill();
    await eventually(async () => {
      for (let claim = 0; claim < 8; claim++) await log.publish(claimEvent());
      expect(await grown(before)).toBe(4);
    }, 20_000);
    await second.start();
    await eventually(async () => {
      for (let claim = 0; claim < 8; claim++) await log.publish(claimEvent());
    }, 20_000);
    expect(log.away).toBe(false);
  }, 120_000);
});

async function drainPages(pages: AsyncIterator<unknown>): Promise<void> {
  while ((await pages.next()).done !== true) continue;
}

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type IHeaders, KafkaJSConnectionError } from 'kafkajs';
import { KafkaClaimLog } from '../../../src/infrastructure/kafka/kafka-claim-log.js';
import { KafkaClaimServer, type KafkaServerSettings } from '../../../src/infrastructure/kafka/kafka-claim-server.js';
import { type KafkaConfig } from '../../../src/platform/config/config-parts.js';
import { type LogRecord } from '../../../src/ports/log/claim-log.js';
import { KafkaServer } from '../../../stack/kafka-server.js';
import { foreignClient, kafkaConfig, stackBrokers, TEST_KEYS } from '../../support/kafka.js';
import { settleAll, TransportProbe } from '../../support/transport-probe.js';
import { until } from '../../support/until.js';

const PATIENCE_MS = 20_000;
/** Short rests keep the tests short. */
const SHORT: Partial<KafkaServerSettings> = { pauseMs: 50, sessionMs: 3_000, rebalanceMs: 5_000, heartbeatMs: 250 };

describe('KafkaClaimServer', () => {
  let config: KafkaConfig;
  let log: KafkaClaimLog;
  let fatal: string[];
  let probe: TransportProbe;

  beforeEach(() => {
    // One partition by default, because the order of deliveries matters. Tests about several ask for them.
    use(kafkaConfig(stackBrokers(), { partitions: 1 }));
    fatal = [];
    probe = new TransportProbe(() => log, PATIENCE_MS);
  });
  afterEach(async () => {
    await probe.closeAll();
    log.onApplicationShutdown();
  });

  function use(over: KafkaConfig): void {
    log?.onApplicationShutdown();
    config = over;
    // These claims only have to be consumed, so publishing may take long on a busy machine.
    log = new KafkaClaimLog(config, TEST_KEYS, { limits: { publishMs: 10_000, produceMs: 5_000 } });
  }

  const start = (member = 'a', settings: Partial<KafkaServerSettings> = {}, Server = KafkaClaimServer) =>
    probe.start(new Server(config, log, (reason) => fatal.push(reason), { ...SHORT, ...settings }), member);
  /** Publishes this many batches, each of which lies in one partition. */
  const publishEverywhere = async (batches: number, size: number): Promise<string[]> => {
    const claimIds: string[] = [];
    for (let batch = 0; batch < batches; batch++) claimIds.push(...(await probe.publish(size)));
    return claimIds;
  };
  const committed = async (partition = 0) => (await log.committedOffsets()).get(partition);
  const sendForeign = async (
    messages: { key: Buffer | null; value: Buffer | null; headers?: IHeaders }[],
  ): Promise<void> => {
    await log.endOffsets();
    const producer = foreignClient(config).producer();
    await producer.connect();
    await producer.send({ topic: config.topic, messages });
    await producer.disconnect();
  };

  it('lets the other partitions go on while one rests', async () => {
    use(kafkaConfig(stackBrokers(), { partitions: 3 }));
    await publishEverywhere(6, 5);
    probe.handleWith(async (records, context) => {
      if (context.partition !== 1) context.settle(records.length);
    });
    await start();
    const ends = await log.endOffsets();
    await until(
      'the others are settled',
      async () => (await committed(0)) === ends.get(0) && (await committed(2)) === ends.get(2),
      PATIENCE_MS,
    );
    const tries = () => probe.deliveries.filter(({ partition }) => partition === 1).length;
    await until('the resting one is delivered again', () => tries() > 2, PATIENCE_MS);
    expect(await committed(1)).toBeUndefined();
    probe.handleWith(settleAll);
    await probe.everythingSettled();
  });

  it('stays in the group while a handler works for longer than a session', async () => {
    const claimIds = await probe.publish(3);
    let slow = true;
    probe.handleWith(async (records, context, member) => {
      if (member === 'a' && slow) {
        slow = false;
        const begun = performance.now();
        await until('two sessions have passed', () => performance.now() - begun > 4_000, PATIENCE_MS);
        expect(context.revoked).toBe(false);
      }
      context.settle(records.length);
    });
    await start('a', { sessionMs: 1_500 });
    await probe.everythingSettled();
    expect(probe.deliveries).toEqual([{ member: 'a', partition: 0, claimIds }]);
  });

  it('takes the batch away when another consumer joins, and loses nothing', async () => {
    use(kafkaConfig(stackBrokers(), { partitions: 4 }));
    const claimIds = await publishEverywhere(8, 50);
    let sawRevoked = false;
    let held = false;
    probe.handleWith(async (records, context, member) => {
      if (member === 'a' && !sawRevoked) {
        held = true;
        await until('the batch is revoked', () => context.revoked, PATIENCE_MS);
        sawRevoked = true;
        context.settle(1);
        return;
      }
      context.settle(records.length);
    });
    await start('a');
    await until('the first one works', () => held, PATIENCE_MS);
    await start('b');
    await probe.everythingSettled();
    claimIds.push(...(await publishEverywhere(8, 50)));
    await probe.everythingSettled();
    expect(sawRevoked).toBe(true);
    expect(new Set(probe.delivered())).toEqual(new Set(claimIds));
    expect(new Set(probe.deliveries.map(({ member }) => member))).toEqual(new Set(['a', 'b']));
    expect(fatal).toEqual([]);
  });

  it('drops a batch if another join gave its partition away while the batch waited', async () => {
    let late = 0;
    class Late extends KafkaClaimServer {
      protected override async consume(...[payload, session]: Parameters<KafkaClaimServer['consume']>): Promise<void> {
        late += 1;
        const elsewhere = Object.assign(Object.create(payload.batch) as typeof payload.batch, { partition: 7 });
        const resolveOffset = () => thrown(new TypeError('no such partition'));
        await super.consume({ ...payload, batch: elsewhere, resolveOffset }, session);
        return super.consume(payload, session);
      }
    }
    probe.handleWith(settleAll);
    const claimIds = await probe.publish(3);
    await start('a', {}, Late);
    await probe.everythingSettled();
    expect(late).toBe(1);
    expect(probe.deliveries).toEqual([{ member: 'a', partition: 0, claimIds }]);
    expect(fatal).toEqual([]);
  });

  it('passes on messages that are no claims unchanged: no key, no value, broken bytes, headers, a megabyte', async () => {
    const large = Buffer.alloc(1_000_000, 'x');
    await sendForeign([
      { key: null, value: Buffer.from([0xff, 0x00]) },
      { key: Buffer.from([0xfe]), value: null },
      {
        key: null,
        value: Buffer.alloc(0),
        headers: { one: 'a', many: ['b', 'c'], constructor: 'd', ['__proto__']: 'e' } as IHeaders,
      },
    ]);
    await sendForeign([{ key: null, value: large }]);
    const seen: LogRecord[] = [];
    probe.handleWith(async (records, context) => {
      seen.push(...records);
      context.settle(records.length);
    });
    await start();
    await probe.everythingSettled();
    const bytes = (data: Uint8Array | null) => (data === null ? null : [...data]);
    expect(seen.slice(0, 3).map(({ key, value }) => [bytes(key), bytes(value)])).toEqual([
      [null, [0xff, 0x00]],
      [[0xfe], null],
      [null, []],
    ]);
    expect(
      Object.entries(seen[2]?.headers ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()]),
    ).toEqual(
      expect.arrayContaining([
        ['one', 'a'],
        ['many', 'c'],
        ['constructor', 'd'],
      ]),
    );
    expect(Buffer.from(seen[3]?.value ?? []).equals(large)).toBe(true);
    expect(seen.map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);

    const read: LogRecord[] = [];
    for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) read.push(...page);
    expect(read).toEqual(seen);
  });

  it('is not held up by other programs’ transactions, and shows the rebuild the same as the consumer', async () => {
    await log.endOffsets();
    const client = foreignClient(config);
    const transact = async (value: string, end: 'commit' | 'abort' | 'leave') => {
      const producer = client.producer({ transactionalId: `${config.topic}-${value}`, maxInFlightRequests: 1 });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({ topic: config.topic, messages: [{ value }] });
      if (end !== 'leave') await transaction[end]();
      await producer.disconnect();
    };
    await transact('committed', 'commit');
    await transact('aborted', 'abort');
    const [claimId] = await probe.publish(1);
    await transact('open', 'leave');
    const seen: string[] = [];
    probe.handleWith(async (records, context) => {
      seen.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
      context.settle(records.length);
    });
    await start();
    await probe.everythingSettled();
    expect(seen).toEqual(['committed', 'aborted', expect.stringContaining(claimId ?? ''), 'open']);
    const read: string[] = [];
    for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) {
      read.push(...page.map(({ value }) => Buffer.from(value ?? []).toString()));
    }
    expect(read).toEqual(seen);
  });

  it('commits the end of another program’s transaction also if nothing comes after it', async () => {
    let seen = 0;
    probe.handleWith(async (records, context) => {
      seen += records.length;
      context.settle(records.length);
    });
    await start();
    const [claimId] = await probe.publish(1);
    await probe.everythingSettled();
    const producer = foreignClient(config).producer({ transactionalId: config.topic, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: config.topic, messages: [{ value: 'foreign' }] });
    await until('it is delivered', () => seen === 2, PATIENCE_MS);
    await transaction.commit();
    await producer.disconnect();
    await probe.everythingSettled();
    expect(probe.delivered()).toEqual([claimId, 'unreadable']);
    expect(await committed()).toBe(3);
  });

  it('closes while it is idle, and leaves the group at once', async () => {
    const first = await start('a');
    await probe.publish(1);
    await probe.everythingSettled();
    expect(await probe.close(first)).toBeLessThan(3_000);
    const begun = performance.now();
    await start('b');
    await probe.publish(1);
    await probe.everythingSettled();
    // The second one did not have to wait until the session of the first one ran out.
    expect(performance.now() - begun).toBeLessThan(2_500);
  });

  it('closes within its limit when the handler does not stop', async () => {
    await probe.publish(1);
    let entered = false;
    let release: () => void = () => undefined;
    probe.handleWith(() => {
      entered = true;
      return new Promise<void>((resolve) => (release = resolve));
    });
    const service = await start('a', { closeMs: 500 });
    await until('the handler runs', () => entered, PATIENCE_MS);
    expect(await probe.close(service)).toBeLessThan(2_000);
    release();
    expect(await committed()).toBeUndefined();
  });

  it('goes on after a passing failure that lasted longer than its own count of the session', async () => {
    let troubled = 0;
    /** The coordinator got its heartbeats all the time, so kafkajs does not join again. */
    class Troubled extends KafkaClaimServer {
      protected override consume(...[payload, session]: Parameters<KafkaClaimServer['consume']>): Promise<void> {
        if (troubled > 0) return super.consume(payload, session);
        troubled += 1;
        const heartbeat = () => {
          Object.assign(session.generation, { lastBeat: Number.NEGATIVE_INFINITY });
          return Promise.reject(new KafkaJSConnectionError('the connection was reset'));
        };
        return super.consume({ ...payload, heartbeat }, session);
      }
    }
    probe.handleWith(async (records, context) => {
      if (troubled === 1) {
        troubled += 1;
        await context.heartbeat();
      }
      context.settle(records.length);
    });
    await start('a', {}, Troubled);
    const claimIds = await probe.publish(3);
    await probe.everythingSettled();
    expect(probe.delivered()).toEqual([...claimIds, ...claimIds]);
    expect(fatal).toEqual([]);
  });

  it('ends the process when kafkajs crashes and would not go on', async () => {
    class Crashing extends KafkaClaimServer {
      protected override consume(): Promise<void> {
        return Promise.reject(new TypeError('a bug outside of every handler'));
      }
    }
    await probe.publish(1);
    const begun = performance.now();
    await start('a', {}, Crashing);
    await until('the process is told to end', () => fatal.length > 0, PATIENCE_MS);
    expect(fatal[0]).toContain('a bug outside of every handler');
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('ends the process when the consumer is silent while messages wait', async () => {
    let silent = false;
    class Silent extends KafkaClaimServer {
      // The worst case of kafkajs: no result, no heartbeat and no crash.
      protected override consume(): Promise<void> {
        silent = true;
        return new Promise(() => undefined);
      }
    }
    await probe.publish(1);
    await start('a', { silentMs: 1_500, closeMs: 500 }, Silent);
    await until('the consumer hangs', () => silent, PATIENCE_MS);
    expect(fatal).toEqual([]);
    await until('the process is told to end', () => fatal.length > 0, PATIENCE_MS);
    expect(fatal).toEqual([expect.stringContaining('silent')]);
  });

  it('does not take silence for a failure: neither with nothing to do nor while a handler works', async () => {
    probe.handleWith(async (records, context) => {
      const begun = performance.now();
      await until('it has worked for long', () => performance.now() - begun > 3_000, PATIENCE_MS);
      context.settle(records.length);
    });
    const service = await start('a', { silentMs: 900 });
    await probe.publish(1);
    await probe.everythingSettled();
    const idleSince = performance.now();
    await until('it was idle for long', () => performance.now() - idleSince > 2_000, PATIENCE_MS);
    expect(fatal).toEqual([]);
    await probe.close(service);
  });

  describe('with two brokers', () => {
    let first: KafkaServer;
    let second: KafkaServer;

    beforeEach(async () => {
      first = await KafkaServer.start();
      second = await KafkaServer.start({ joins: first });
    }, 90_000);
    afterEach(async () => {
      await probe.closeAll();
      await second?.stop();
      await first.stop();
    }, 90_000);

    it('resolves no offset that a handler settles after another fetcher has joined the group again', async () => {
      use(kafkaConfig(`${first.brokers},${second.brokers}`, { partitions: 2 }));
      const admin = foreignClient(config).admin();
      await admin.connect();
      await until('both are known', async () => (await admin.describeCluster()).brokers.length === 2, PATIENCE_MS);
      const replicaAssignment = [1, 2].map((node, partition) => ({ partition, replicas: [node] }));
      await admin.createTopics({ topics: [{ topic: config.topic, replicaAssignment }], waitForLeaders: true });
      await until('claims are taken', () => probe.publish(1).catch(() => false as const), PATIENCE_MS);
      await publishEverywhere(8, 5);
      let held = false;
      let revoked = false;
      probe.handleWith(async (records, context) => {
        if (context.partition === 0 && !held) {
          held = true;
          await until('the batch is revoked', () => context.revoked, PATIENCE_MS);
          revoked = true;
        }
        context.settle(records.length);
      });
      await start();
      await until('the handler runs', () => held, PATIENCE_MS);
      // Its fetcher then asks the wrong broker, and joins again by itself.
      await admin.alterPartitionReassignments({
        topics: [{ topic: config.topic, partitionAssignment: [{ partition: 1, replicas: [1] }] }],
      });
      await admin.disconnect();
      await probe.everythingSettled();
      expect(revoked).toBe(true);
      const [before, after] = probe.deliveries.filter(({ partition }) => partition === 0);
      expect(after?.claimIds.slice(0, before?.claimIds.length)).toEqual(before?.claimIds);
      expect(fatal).toEqual([]);
    }, 120_000);
  });

  describe('without a broker', () => {
    let kafka: KafkaServer;

    afterEach(() => kafka.stop());

    it('starts at once when the broker is absent, and joins by itself when it comes', async () => {
      kafka = await KafkaServer.on();
      use(kafkaConfig(kafka.brokers, { partitions: 2 }));
      probe.handleWith(settleAll);
      const begun = performance.now();
      await start();
      expect(performance.now() - begun).toBeLessThan(1_000);
      await kafka.start();
      const claimIds = await until(
        'claims are taken',
        () => probe.publish(10).catch(() => false as const),
        PATIENCE_MS,
      );
      await probe.everythingSettled(30_000);
      expect(probe.delivered()).toEqual(expect.arrayContaining(claimIds));
      expect(fatal).toEqual([]);
    }, 60_000);

    it('joins again after the broker was killed, without ending the process', async () => {
      kafka = await KafkaServer.start();
      use(kafkaConfig(kafka.brokers, { partitions: 2 }));
      probe.handleWith(settleAll);
      await start('a', { silentMs: 6_000 });
      const before = await probe.publish(10);
      await probe.everythingSettled();
      await kafka.kill();
      const begun = performance.now();
      await until('the outage has lasted', () => performance.now() - begun > 9_000, PATIENCE_MS);
      await kafka.start();
      const after = await until('claims are taken', () => probe.publish(10).catch(() => false as const), PATIENCE_MS);
      await probe.everythingSettled(30_000);
      expect(new Set(probe.delivered())).toEqual(new Set([...before, ...after]));
      expect(fatal).toEqual([]);
    }, 90_000);

    it('closes within its limit while the broker is frozen, and commits nothing that was not settled', async () => {
      kafka = await KafkaServer.start();
      use(kafkaConfig(kafka.brokers, { partitions: 1 }));
      const claimIds = await probe.publish(10);
      let entered = false;
      probe.handleWith(async (_records, context) => {
        entered = true;
        await until('the batch is revoked', () => context.revoked, PATIENCE_MS);
        context.settle(3);
      });
      const service = await start('a', { closeMs: 1_500 });
      await until('the handler runs', () => entered, PATIENCE_MS);
      kafka.pause();
      expect(await probe.close(service)).toBeLessThan(4_000);
      kafka.resume();
      probe.handleWith(settleAll);
      await start('b');
      await probe.everythingSettled(30_000);
      const again = probe.deliveries.find(({ member }) => member === 'b')?.claimIds ?? [];
      expect([claimIds, claimIds.slice(3)]).toContainEqual(again);
    }, 60_000);
  });
});

function thrown(error: Error): never {
  throw error;
}

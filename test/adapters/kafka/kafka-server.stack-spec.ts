import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { type IHeaders, KafkaJSConnectionError } from 'kafkajs';
import { type KafkaConfig } from '../../../src/platform/config/env.js';
import { ClaimBatchContext } from '../../../src/ports/log/claim-batch.context.js';
import { decodeClaimEvent } from '../../../src/domain/claim.js';
import { CLAIM_EVENT_PATTERN } from '../../../src/ports/log/claim-transport.js';
import { type LogRecord } from '../../../src/ports/log/claim-log.js';
import { KafkaClaimLog } from '../../../src/infrastructure/kafka/kafka-claim-log.js';
import { KafkaClaimServer, type KafkaServerSettings } from '../../../src/infrastructure/kafka/kafka-claim-server.js';
import { KafkaServer } from '../../../stack/kafka-server.js';
import { claimEvent } from '../../support/claims.js';
import { foreignClient, kafkaConfig, stackBrokers } from '../../support/kafka.js';
import { until } from '../../support/until.js';

type Handler = (records: readonly LogRecord[], context: ClaimBatchContext, member: string) => Promise<void>;

const settleAll: Handler = async (records, context) => context.settle(records.length);
const PATIENCE_MS = 20_000;
/** Short rests keep the tests short. */
const SHORT: Partial<KafkaServerSettings> = { pauseMs: 50, sessionMs: 3_000, rebalanceMs: 5_000, heartbeatMs: 250 };

let handler: Handler;

function moduleFor(member: string) {
  @Controller()
  class ProbeController {
    @EventPattern(CLAIM_EVENT_PATTERN)
    handle(@Payload() records: LogRecord[], @Ctx() context: unknown): Promise<void> {
      return handler(records, context as ClaimBatchContext, member);
    }
  }
  @Module({ controllers: [ProbeController] })
  class ProbeModule {}
  return ProbeModule;
}

function claimIdsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => {
    const decoded = decodeClaimEvent(value);
    return decoded.kind === 'claim' ? decoded.event.claimId : decoded.code;
  });
}

describe('KafkaClaimServer', () => {
  let config: KafkaConfig;
  let log: KafkaClaimLog;
  let running: INestMicroservice[];
  let fatal: string[];
  let deliveries: { member: string; partition: number; claimIds: string[] }[];

  beforeEach(() => {
    // One partition by default, because the order of deliveries matters. Tests about several ask for them.
    use(kafkaConfig(stackBrokers(), { partitions: 1 }));
    running = [];
    fatal = [];
    deliveries = [];
    handler = settleAll;
  });
  afterEach(async () => {
    await Promise.all(running.map((service) => service.close()));
    log.onApplicationShutdown();
  });

  function use(over: KafkaConfig): void {
    log?.onApplicationShutdown();
    config = over;
    // These claims only have to be consumed, so publishing may take long on a busy machine.
    log = new KafkaClaimLog(config, { limits: { publishMs: 10_000, produceMs: 5_000 } });
  }

  const start = async (
    member = 'a',
    settings: Partial<KafkaServerSettings> = {},
    Server = KafkaClaimServer,
  ): Promise<INestMicroservice> => {
    const strategy = new Server(config, log, (reason) => fatal.push(reason), { ...SHORT, ...settings });
    const service = await NestFactory.createMicroservice(moduleFor(member), { strategy, logger: false });
    await service.listen();
    running.push(service);
    return service;
  };
  const close = async (service: INestMicroservice): Promise<number> => {
    running = running.filter((other) => other !== service);
    const begun = performance.now();
    await service.close();
    return performance.now() - begun;
  };
  /** Records every delivery before the handler gets it. */
  const handleWith = (handle: Handler) => {
    handler = (records, context, member) => {
      deliveries.push({ member, partition: context.partition, claimIds: claimIdsOf(records) });
      return handle(records, context, member);
    };
  };
  const delivered = () => deliveries.flatMap(({ claimIds }) => claimIds);
  const publish = async (count: number): Promise<string[]> => {
    const events = Array.from({ length: count }, () => claimEvent());
    await Promise.all(events.map((event) => log.publish(event)));
    return events.map(({ claimId }) => claimId);
  };
  /** Publishes this many batches, each of which lies in one partition. */
  const publishEverywhere = async (batches: number, size: number): Promise<string[]> => {
    const claimIds: string[] = [];
    for (let batch = 0; batch < batches; batch++) claimIds.push(...(await publish(size)));
    return claimIds;
  };
  const committed = async (partition = 0) => (await log.committedOffsets()).get(partition);
  const waiting = async () => {
    const [start, end] = [await log.startOffsets(), await log.endOffsets()];
    const settled = await log.committedOffsets();
    return [...end].reduce((sum, [partition, last]) => {
      return sum + last - (settled.get(partition) ?? start.get(partition) ?? 0);
    }, 0);
  };
  const everythingSettled = (patienceMs = PATIENCE_MS) =>
    until('everything is settled', async () => (await waiting()) === 0, patienceMs);
  const sendForeign = async (
    messages: { key: Buffer | null; value: Buffer | null; headers?: IHeaders }[],
  ): Promise<void> => {
    await log.endOffsets();
    const producer = foreignClient(config).producer();
    await producer.connect();
    await producer.send({ topic: config.topic, messages });
    await producer.disconnect();
  };

  it('delivers claims that were published before to a new group, in arrays and in order', async () => {
    const claimIds = await publish(2_500);
    handleWith(settleAll);
    await start();
    await everythingSettled();
    expect(delivered()).toEqual(claimIds);
    expect(Math.max(...deliveries.map(({ claimIds }) => claimIds.length))).toBeGreaterThan(100);
  });

  it('tells the handler topic, partition and size', async () => {
    let seen: unknown;
    handleWith(async (records, context) => {
      await context.heartbeat();
      seen = { topic: context.topic, partition: context.partition, size: context.size, revoked: context.revoked };
      expect(context).toBeInstanceOf(ClaimBatchContext);
      context.settle(records.length);
    });
    await publish(3);
    await start();
    await everythingSettled();
    expect(seen).toEqual({ topic: config.topic, partition: 0, size: 3, revoked: false });
  });

  it('goes on from the committed offset after a restart, and wakes up for new claims', async () => {
    const before = await publish(5);
    handleWith(settleAll);
    const first = await start();
    await everythingSettled();
    await close(first);
    await start();
    const after = await publish(5);
    await everythingSettled();
    expect(delivered()).toEqual([...before, ...after]);
  });

  it('commits the settled prefix only, pauses, and delivers the rest again', async () => {
    const claimIds = await publish(10);
    const commits: (number | undefined)[] = [];
    handleWith(async (records, context) => {
      commits.push(await committed());
      context.settle(Math.min(4, records.length));
    });
    await start();
    await everythingSettled();
    expect(deliveries.map(({ claimIds }) => claimIds.length)).toEqual([10, 6, 2]);
    expect(deliveries[1]?.claimIds).toEqual(claimIds.slice(4));
    expect(deliveries[2]?.claimIds).toEqual(claimIds.slice(8));
    expect(commits).toEqual([undefined, 4, 8]);
    expect(fatal).toEqual([]);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('the database is away'))],
    ['throws a TypeError', () => thrown(new TypeError('a bug'))],
    ['throws a RangeError', () => thrown(new RangeError('a bug'))],
    ['throws a SyntaxError', () => thrown(new SyntaxError('a bug'))],
    ['rejects with something that is no error', () => Promise.reject('a string')],
  ])('delivers again when the handler %s, and keeps what it had settled', async (_how, fail) => {
    const claimIds = await publish(4);
    let attempt = 0;
    handleWith((records, context) => {
      attempt += 1;
      if (attempt === 1) {
        context.settle(1);
      } else if (attempt > 2) {
        context.settle(records.length);
        return Promise.resolve();
      }
      return fail();
    });
    await start();
    await everythingSettled();
    expect(deliveries.map(({ claimIds }) => claimIds)).toEqual([claimIds, claimIds.slice(1), claimIds.slice(1)]);
    expect(fatal).toEqual([]);
  });

  it('lets the other partitions go on while one rests', async () => {
    use(kafkaConfig(stackBrokers(), { partitions: 3 }));
    await publishEverywhere(6, 5);
    handleWith(async (records, context) => {
      if (context.partition !== 1) context.settle(records.length);
    });
    await start();
    const ends = await log.endOffsets();
    await until(
      'the others are settled',
      async () => (await committed(0)) === ends.get(0) && (await committed(2)) === ends.get(2),
      PATIENCE_MS,
    );
    const tries = () => deliveries.filter(({ partition }) => partition === 1).length;
    await until('the resting one is delivered again', () => tries() > 2, PATIENCE_MS);
    expect(await committed(1)).toBeUndefined();
    handleWith(settleAll);
    await everythingSettled();
  });

  it('stays in the group while a handler works for longer than a session', async () => {
    const claimIds = await publish(3);
    let slow = true;
    handleWith(async (records, context, member) => {
      if (member === 'a' && slow) {
        slow = false;
        const begun = performance.now();
        await until('two sessions have passed', () => performance.now() - begun > 4_000, PATIENCE_MS);
        expect(context.revoked).toBe(false);
      }
      context.settle(records.length);
    });
    await start('a', { sessionMs: 1_500 });
    await everythingSettled();
    expect(deliveries).toEqual([{ member: 'a', partition: 0, claimIds }]);
  });

  it('takes the batch away when another consumer joins, and loses nothing', async () => {
    use(kafkaConfig(stackBrokers(), { partitions: 4 }));
    const claimIds = await publishEverywhere(8, 50);
    let sawRevoked = false;
    let held = false;
    handleWith(async (records, context, member) => {
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
    await everythingSettled();
    claimIds.push(...(await publishEverywhere(8, 50)));
    await everythingSettled();
    expect(sawRevoked).toBe(true);
    expect(new Set(delivered())).toEqual(new Set(claimIds));
    expect(new Set(deliveries.map(({ member }) => member))).toEqual(new Set(['a', 'b']));
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
    handleWith(settleAll);
    const claimIds = await publish(3);
    await start('a', {}, Late);
    await everythingSettled();
    expect(late).toBe(1);
    expect(deliveries).toEqual([{ member: 'a', partition: 0, claimIds }]);
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
    handleWith(async (records, context) => {
      seen.push(...records);
      context.settle(records.length);
    });
    await start();
    await everythingSettled();
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
    const [claimId] = await publish(1);
    await transact('open', 'leave');
    const seen: string[] = [];
    handleWith(async (records, context) => {
      seen.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
      context.settle(records.length);
    });
    await start();
    await everythingSettled();
    expect(seen).toEqual(['committed', 'aborted', expect.stringContaining(claimId ?? ''), 'open']);
    const read: string[] = [];
    for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) {
      read.push(...page.map(({ value }) => Buffer.from(value ?? []).toString()));
    }
    expect(read).toEqual(seen);
  });

  it('commits the end of another program’s transaction also if nothing comes after it', async () => {
    let seen = 0;
    handleWith(async (records, context) => {
      seen += records.length;
      context.settle(records.length);
    });
    await start();
    const [claimId] = await publish(1);
    await everythingSettled();
    const producer = foreignClient(config).producer({ transactionalId: config.topic, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: config.topic, messages: [{ value: 'foreign' }] });
    await until('it is delivered', () => seen === 2, PATIENCE_MS);
    await transaction.commit();
    await producer.disconnect();
    await everythingSettled();
    expect(delivered()).toEqual([claimId, 'unreadable']);
    expect(await committed()).toBe(3);
  });

  it('closes while it is idle, and leaves the group at once', async () => {
    const first = await start('a');
    await publish(1);
    await everythingSettled();
    expect(await close(first)).toBeLessThan(3_000);
    const begun = performance.now();
    await start('b');
    await publish(1);
    await everythingSettled();
    // The second one did not have to wait until the session of the first one ran out.
    expect(performance.now() - begun).toBeLessThan(2_500);
  });

  it('waits at close for a running handler, tells it to stop, and commits what it settled', async () => {
    const claimIds = await publish(10);
    let entered = false;
    handleWith(async (_records, context) => {
      entered = true;
      await until('the batch is revoked', () => context.revoked);
      context.settle(7);
    });
    const service = await start();
    await until('the handler runs', () => entered, PATIENCE_MS);
    expect(await close(service)).toBeLessThan(3_000);
    expect(deliveries).toHaveLength(1);
    expect(await committed()).toBe(7);

    handleWith(settleAll);
    await start();
    await everythingSettled();
    expect(deliveries[1]?.claimIds).toEqual(claimIds.slice(7));
  });

  it('closes within its limit when the handler does not stop', async () => {
    await publish(1);
    let entered = false;
    let release: () => void = () => undefined;
    handleWith(() => {
      entered = true;
      return new Promise<void>((resolve) => (release = resolve));
    });
    const service = await start('a', { closeMs: 500 });
    await until('the handler runs', () => entered, PATIENCE_MS);
    expect(await close(service)).toBeLessThan(2_000);
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
    handleWith(async (records, context) => {
      if (troubled === 1) {
        troubled += 1;
        await context.heartbeat();
      }
      context.settle(records.length);
    });
    await start('a', {}, Troubled);
    const claimIds = await publish(3);
    await everythingSettled();
    expect(delivered()).toEqual([...claimIds, ...claimIds]);
    expect(fatal).toEqual([]);
  });

  it('ends the process when kafkajs crashes and would not go on', async () => {
    class Crashing extends KafkaClaimServer {
      protected override consume(): Promise<void> {
        return Promise.reject(new TypeError('a bug outside of every handler'));
      }
    }
    await publish(1);
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
    await publish(1);
    await start('a', { silentMs: 1_500, closeMs: 500 }, Silent);
    await until('the consumer hangs', () => silent, PATIENCE_MS);
    expect(fatal).toEqual([]);
    await until('the process is told to end', () => fatal.length > 0, PATIENCE_MS);
    expect(fatal).toEqual([expect.stringContaining('silent')]);
  });

  it('does not take silence for a failure: neither with nothing to do nor while a handler works', async () => {
    handleWith(async (records, context) => {
      const begun = performance.now();
      await until('it has worked for long', () => performance.now() - begun > 3_000, PATIENCE_MS);
      context.settle(records.length);
    });
    const service = await start('a', { silentMs: 900 });
    await publish(1);
    await everythingSettled();
    const idleSince = performance.now();
    await until('it was idle for long', () => performance.now() - idleSince > 2_000, PATIENCE_MS);
    expect(fatal).toEqual([]);
    await close(service);
  });

  describe('with two brokers', () => {
    let first: KafkaServer;
    let second: KafkaServer;

    beforeEach(async () => {
      first = await KafkaServer.start();
      second = await KafkaServer.start({ joins: first });
    }, 90_000);
    afterEach(async () => {
      await Promise.all(running.map(close));
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
      await until('claims are taken', () => publish(1).catch(() => false as const), PATIENCE_MS);
      await publishEverywhere(8, 5);
      let held = false;
      let revoked = false;
      handleWith(async (records, context) => {
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
      await everythingSettled();
      expect(revoked).toBe(true);
      const [before, after] = deliveries.filter(({ partition }) => partition === 0);
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
      handleWith(settleAll);
      const begun = performance.now();
      await start();
      expect(performance.now() - begun).toBeLessThan(1_000);
      await kafka.start();
      const claimIds = await until('claims are taken', () => publish(10).catch(() => false as const), PATIENCE_MS);
      await everythingSettled(30_000);
      expect(delivered()).toEqual(expect.arrayContaining(claimIds));
      expect(fatal).toEqual([]);
    }, 60_000);

    it('joins again after the broker was killed, without ending the process', async () => {
      kafka = await KafkaServer.start();
      use(kafkaConfig(kafka.brokers, { partitions: 2 }));
      handleWith(settleAll);
      await start('a', { silentMs: 6_000 });
      const before = await publish(10);
      await everythingSettled();
      await kafka.kill();
      const begun = performance.now();
      await until('the outage has lasted', () => performance.now() - begun > 9_000, PATIENCE_MS);
      await kafka.start();
      const after = await until('claims are taken', () => publish(10).catch(() => false as const), PATIENCE_MS);
      await everythingSettled(30_000);
      expect(new Set(delivered())).toEqual(new Set([...before, ...after]));
      expect(fatal).toEqual([]);
    }, 90_000);

    it('closes within its limit while the broker is frozen, and commits nothing that was not settled', async () => {
      kafka = await KafkaServer.start();
      use(kafkaConfig(kafka.brokers, { partitions: 1 }));
      const claimIds = await publish(10);
      let entered = false;
      handleWith(async (_records, context) => {
        entered = true;
        await until('the batch is revoked', () => context.revoked, PATIENCE_MS);
        context.settle(3);
      });
      const service = await start('a', { closeMs: 1_500 });
      await until('the handler runs', () => entered, PATIENCE_MS);
      kafka.pause();
      expect(await close(service)).toBeLessThan(4_000);
      kafka.resume();
      handleWith(settleAll);
      await start('b');
      await everythingSettled(30_000);
      const again = deliveries.find(({ member }) => member === 'b')?.claimIds ?? [];
      expect([claimIds, claimIds.slice(3)]).toContainEqual(again);
    }, 60_000);
  });
});

function thrown(error: Error): never {
  throw error;
}

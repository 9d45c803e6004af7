import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { ClaimBatchContext } from '../../../src/ports/log/claim-batch.context.js';
import { decodeClaimEvent } from '../../../src/domain/claim.js';
import { CLAIM_EVENT_PATTERN } from '../../../src/ports/log/claim-transport.js';
import { type LogRecord } from '../../../src/ports/log/claim-log.js';
import { type ConsumerPace } from '../../../src/infrastructure/journal/consumer-pace.js';
import { JOURNAL_PARTITION } from '../../../src/infrastructure/journal/journal-claim-log.js';
import { JournalServer } from '../../../src/infrastructure/journal/journal-server.js';
import { claimEvent } from '../../support/claims.js';
import { type EmbeddedStack, openEmbeddedStack } from '../../support/embedded.js';
import { until } from '../../support/until.js';

type Handler = (records: readonly LogRecord[], context: ClaimBatchContext) => Promise<void>;

let handler: Handler;

@Controller()
class ProbeController {
  @EventPattern(CLAIM_EVENT_PATTERN)
  handle(@Payload() records: LogRecord[], @Ctx() context: unknown): Promise<void> {
    return handler(records, context as ClaimBatchContext);
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const settleAll: Handler = async (records, context) => context.settle(records.length);

function claimIdsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => {
    const decoded = decodeClaimEvent(value);
    return decoded.kind === 'claim' ? decoded.event.claimId : decoded.code;
  });
}

describe('JournalServer', () => {
  let stack: EmbeddedStack;
  let service: INestMicroservice | undefined;
  let deliveries: string[][];

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    deliveries = [];
    handler = settleAll;
  });
  afterEach(async () => {
    await service?.close();
    service = undefined;
    await stack.close();
  });

  const start = async (pace?: Pick<ConsumerPace, 'worked' | 'restMs'>): Promise<INestMicroservice> => {
    const started = await NestFactory.createMicroservice(ProbeModule, {
      strategy: new JournalServer(stack.log, 10, pace),
      logger: false,
    });
    await started.listen();
    service = started;
    return started;
  };
  /** Records every delivery before the handler gets it. */
  const handleWith = (handle: Handler) => {
    handler = (records, context) => {
      deliveries.push(claimIdsOf(records));
      return handle(records, context);
    };
  };
  const publish = async (count: number): Promise<string[]> => {
    const events = Array.from({ length: count }, () => claimEvent());
    await Promise.all(events.map((event) => stack.log.publish(event)));
    return events.map(({ claimId }) => claimId);
  };
  const settledOffset = async () => (await stack.log.committedOffsets()).get(JOURNAL_PARTITION);
  const endOffset = async () => (await stack.log.endOffsets()).get(JOURNAL_PARTITION);
  const everythingSettled = () =>
    until('everything is settled', async () => (await settledOffset()) === (await endOffset()));

  it('delivers claims that were published before it listened, in arrays and in order', async () => {
    const claimIds = await publish(1_200);
    handleWith(settleAll);
    await start();
    await everythingSettled();
    expect(deliveries.flat()).toEqual(claimIds);
    expect(deliveries.length).toBeGreaterThan(1);
    expect(Math.max(...deliveries.map(({ length }) => length))).toBeGreaterThan(100);
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
    expect(seen).toEqual({ topic: CLAIM_EVENT_PATTERN, partition: JOURNAL_PARTITION, size: 3, revoked: false });
  });

  it('goes on from the stored offset after a restart', async () => {
    const before = await publish(5);
    handleWith(settleAll);
    await (await start()).close();
    await start();
    await everythingSettled();
    const after = await publish(5);
    await everythingSettled();
    expect(deliveries.flat()).toEqual([...before, ...after]);
  });

  it('asks its pace before it works while claims arrive, and tells it how long a batch took', async () => {
    const worked: { full: boolean; ms: number }[] = [];
    let asked = 0;
    const pace = {
      worked: (from: number, end: number, full: boolean) => void worked.push({ full, ms: end - from }),
      restMs: () => (++asked < 3 ? 1 : 0),
    };
    handleWith(settleAll);
    await publish(501);
    await start(pace);
    await everythingSettled();
    await until('both batches are told of', () => worked.length === 2);
    expect(worked.map(({ full }) => full)).toEqual([true, false]);
    for (const { ms } of worked) expect(ms).toBeGreaterThan(0);
    await publish(1);
    await until('it is delivered', () => deliveries.flat().length === 502);
    expect(asked).toBeGreaterThan(0);
  });

  it('wakes up for claims that are published while it is idle', async () => {
    handleWith(settleAll);
    await start();
    for (let round = 0; round < 20; round++) {
      const [claimId] = await publish(1);
      await until('the claim is delivered', () => deliveries.flat().includes(claimId ?? ''));
    }
    await everythingSettled();
    expect(deliveries.flat()).toHaveLength(20);
  });

  it('stores the settled prefix and delivers the rest again', async () => {
    const claimIds = await publish(10);
    handleWith(async (records, context) => context.settle(Math.min(4, records.length)));
    await start();
    await everythingSettled();
    expect(deliveries.map(({ length }) => length)).toEqual([10, 6, 2]);
    expect(deliveries[1]).toEqual(claimIds.slice(4));
    expect(deliveries[2]).toEqual(claimIds.slice(8));
  });

  it('delivers everything again when nothing was settled', async () => {
    const claimIds = await publish(3);
    let attempt = 0;
    handleWith(async (records, context) => {
      attempt += 1;
      if (attempt > 3) context.settle(records.length);
    });
    await start();
    await everythingSettled();
    expect(deliveries).toEqual([claimIds, claimIds, claimIds, claimIds]);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('the database is away'))],
    [
      'throws at once',
      () => {
        throw new TypeError('a bug');
      },
    ],
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
    expect(deliveries).toEqual([claimIds, claimIds.slice(1), claimIds.slice(1)]);
  });

  it('gives one batch at a time, and the next only after the settled prefix is stored', async () => {
    let running = 0;
    handleWith(async (records, context) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise(setImmediate);
      expect(await settledOffset()).toBe(records[0]?.offset === 1 ? undefined : records[0]?.offset);
      context.settle(records.length);
      running -= 1;
    });
    await start();
    for (let round = 0; round < 10; round++) await publish(50);
    await everythingSettled();
    expect(deliveries.flat()).toHaveLength(500);
  });

  it('waits at close for a running handler, tells it to stop, and stores what it settled', async () => {
    const claimIds = await publish(10);
    let entered = false;
    let left = false;
    handleWith(async (_records, context) => {
      entered = true;
      await until('the batch is revoked', () => context.revoked);
      context.settle(7);
      left = true;
    });
    const running = await start();
    await until('the handler runs', () => entered);
    await running.close();
    service = undefined;
    expect(left).toBe(true);
    expect(deliveries).toHaveLength(1);

    handleWith(settleAll);
    await start();
    await everythingSettled();
    expect(deliveries[1]).toEqual(claimIds.slice(7));
  });

  it('closes while it is idle, and while it rests after a failure', async () => {
    await (await start()).close();
    await publish(1);
    handleWith(() => Promise.reject(new Error('away')));
    const resting = await start();
    await until('it was delivered', () => deliveries.length > 0);
    await resting.close();
    service = undefined;
    expect(await settledOffset()).toBeUndefined();
  });

  it('passes on bytes that are no claim unchanged', async () => {
    await stack.connection.exclusive((runner) =>
      runner.query('INSERT INTO journal (message_key, value, appended_at) VALUES (NULL, ?, 0), (NULL, NULL, 0)', [
        Buffer.from([0xff, 0x00]),
      ]),
    );
    let seen: readonly LogRecord[] = [];
    handleWith(async (records, context) => {
      seen = records;
      context.settle(records.length);
    });
    await start();
    await everythingSettled();
    expect(seen.map(({ key, value }) => [key, value === null ? null : [...value]])).toEqual([
      [null, [0xff, 0x00]],
      [null, null],
    ]);
  });
});

describe('pruning of the journal', () => {
  let stack: EmbeddedStack;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
  });
  afterEach(() => stack.close());

  const publish = (count: number) => Promise.all(Array.from({ length: count }, () => stack.log.publish(claimEvent())));
  const offsets = async () => ({
    start: (await stack.log.startOffsets()).get(JOURNAL_PARTITION) ?? NaN,
    committed: (await stack.log.committedOffsets()).get(JOURNAL_PARTITION) ?? NaN,
    end: (await stack.log.endOffsets()).get(JOURNAL_PARTITION) ?? NaN,
  });

  it('never removes unsettled claims, and catches up with settled ones', async () => {
    await publish(5_000);
    for (const settled of [1, 2, 700, 2_500, 4_990]) {
      await stack.log.settle(settled);
      const { start, committed, end } = await offsets();
      expect(start).toBeLessThanOrEqual(settled);
      expect(committed).toBe(settled);
      expect(end).toBe(5_001);
      const records = await stack.log.readPage(settled, 10_000);
      expect(records.map(({ offset }) => offset)).toEqual(
        Array.from({ length: 5_001 - settled }, (_, index) => settled + index),
      );
    }
    await stack.log.settle(4_990);
    expect((await offsets()).start).toBe(4_990);
  });

  it('never uses an offset again, also when everything was removed', async () => {
    await publish(10);
    await stack.log.settle(11);
    expect(await offsets()).toEqual({ start: 11, committed: 11, end: 11 });
    await publish(1);
    expect(await offsets()).toEqual({ start: 11, committed: 11, end: 12 });
    expect((await stack.log.readPage(11, 10)).map(({ offset }) => offset)).toEqual([11]);
  });

  it('never moves the stored offset back', async () => {
    await publish(10);
    await stack.log.settle(8);
    await stack.log.settle(3);
    expect((await offsets()).committed).toBe(8);
  });
});

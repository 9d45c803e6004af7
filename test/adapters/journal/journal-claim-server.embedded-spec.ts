import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ConsumerPace } from '../../../src/infrastructure/journal/consumer-pace.js';
import { JOURNAL_PARTITION } from '../../../src/infrastructure/journal/journal-claim-log.js';
import { JournalClaimServer } from '../../../src/infrastructure/journal/journal-claim-server.js';
import { type LogRecord } from '../../../src/ports/log/claim-log.js';
import { claimEvent } from '../../support/claims.js';
import { type EmbeddedStack, openEmbeddedStack } from '../../support/embedded.js';
import { TransportProbe } from '../../support/transport-probe.js';
import { until } from '../../support/until.js';

describe('JournalClaimServer', () => {
  let stack: EmbeddedStack;
  let probe: TransportProbe;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    probe = new TransportProbe(() => stack.log, 5_000);
  });
  afterEach(async () => {
    await probe.closeAll();
    await stack.close();
  });

  const start = (pace?: Pick<ConsumerPace, 'worked' | 'restMs'>) =>
    probe.start(new JournalClaimServer(stack.log, 10, pace));
  const settledOffset = async () => (await stack.log.committedOffsets()).get(JOURNAL_PARTITION);

  it('asks its pace before it works while claims arrive, and tells it how long a batch took', async () => {
    const worked: { full: boolean; ms: number }[] = [];
    let asked = 0;
    const pace = {
      worked: (from: number, end: number, full: boolean) => void worked.push({ full, ms: end - from }),
      restMs: () => (++asked < 3 ? 1 : 0),
    };
    await probe.publish(501);
    await start(pace);
    await probe.everythingSettled();
    await until('both batches are told of', () => worked.length === 2);
    expect(worked.map(({ full }) => full)).toEqual([true, false]);
    for (const { ms } of worked) expect(ms).toBeGreaterThan(0);
    await probe.publish(1);
    await until('it is delivered', () => probe.delivered().length === 502);
    expect(asked).toBeGreaterThan(0);
  });

  it('wakes up for claims that are published while it is idle', async () => {
    await start();
    for (let round = 0; round < 20; round++) {
      const [claimId] = await probe.publish(1);
      await until('the claim is delivered', () => probe.delivered().includes(claimId ?? ''));
    }
    await probe.everythingSettled();
    expect(probe.delivered()).toHaveLength(20);
  });

  it('gives one batch at a time, and the next only after the settled prefix is stored', async () => {
    let running = 0;
    probe.handleWith(async (records, context) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise(setImmediate);
      expect(await settledOffset()).toBe(records[0]?.offset === 1 ? undefined : records[0]?.offset);
      context.settle(records.length);
      running -= 1;
    });
    await start();
    for (let round = 0; round < 10; round++) await probe.publish(50);
    await probe.everythingSettled();
    expect(probe.delivered()).toHaveLength(500);
  });

  it('closes while it is idle, and while it rests after a failure', async () => {
    await probe.close(await start());
    await probe.publish(1);
    probe.handleWith(() => Promise.reject(new Error('away')));
    const resting = await start();
    await until('it was delivered', () => probe.deliveries.length > 0);
    await probe.close(resting);
    expect(await settledOffset()).toBeUndefined();
  });

  it('has one line while the journal cannot be read, and one when it is read again', async () => {
    const lines: string[] = [];
    for (const level of ['error', 'log'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((text: unknown) => {
        if (/the journal/.test(String(text))) lines.push(String(text));
      });
    }
    const read = jest.spyOn(stack.log, 'readPage').mockRejectedValue(new Error('disk I/O error'));
    await start();
    await until('it was tried again and again', () => read.mock.calls.length > 3);
    expect(lines).toEqual(['the journal cannot be read: disk I/O error']);
    read.mockRestore();
    await until('it is read again', () => lines.length > 1);
    expect(lines.slice(1)).toEqual([expect.stringMatching(/^the journal is read again, after \d+\.\d s$/)]);
    jest.restoreAllMocks();
  });

  it('passes on bytes that are no claim unchanged', async () => {
    await stack.connection.exclusive((runner) =>
      runner.query('INSERT INTO journal (message_key, value, appended_at) VALUES (NULL, ?, 0), (NULL, NULL, 0)', [
        Buffer.from([0xff, 0x00]),
      ]),
    );
    let seen: readonly LogRecord[] = [];
    probe.handleWith(async (records, context) => {
      seen = records;
      context.settle(records.length);
    });
    await start();
    await probe.everythingSettled();
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

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LogOffsets } from '../../ports/log/claim-log.js';
import { ConsumerWatchdog } from './consumer-watchdog.js';

describe('ConsumerWatchdog', () => {
  let offsets: { start: LogOffsets; end: LogOffsets; committed: LogOffsets } | null;
  let stuck: string[];
  let watchdog: ConsumerWatchdog;

  beforeEach(() => {
    jest.useFakeTimers();
    stuck = [];
    offsets = { start: new Map([[0, 5]]), end: new Map([[0, 10]]), committed: new Map() };
    const ask = (which: 'start' | 'end' | 'committed') => async () => {
      if (offsets === null) throw new Error('the broker is away');
      return offsets[which];
    };
    const log = { startOffsets: ask('start'), endOffsets: ask('end'), committedOffsets: ask('committed') };
    watchdog = new ConsumerWatchdog(log, (reason) => stuck.push(reason), { silentMs: 30_000, checkMs: 5_000 });
    watchdog.start();
  });
  afterEach(() => {
    watchdog.stop();
    jest.useRealTimers();
  });

  it('reports silence while messages wait, once', async () => {
    await jest.advanceTimersByTimeAsync(29_000);
    expect(stuck).toEqual([]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(stuck).toEqual([expect.stringContaining('5 messages')]);
  });

  it('is content with any sign of life', async () => {
    for (let second = 0; second < 120; second += 20) {
      await jest.advanceTimersByTimeAsync(20_000);
      watchdog.noteActivity();
    }
    expect(stuck).toEqual([]);
  });

  it.each([
    ['everything is committed', { committed: new Map([[0, 10]]) }],
    ['what is not committed is gone from the log', { start: new Map([[0, 10]]) }],
    ['the log is empty', { start: new Map([[0, 0]]), end: new Map([[0, 0]]) }],
  ])('takes silence for quiet when %s', async (_case, over) => {
    if (offsets !== null) offsets = { ...offsets, ...over };
    await jest.advanceTimersByTimeAsync(120_000);
    expect(stuck).toEqual([]);
  });

  it('does not count the time in which the log could not be asked', async () => {
    const known = offsets;
    offsets = null;
    await jest.advanceTimersByTimeAsync(300_000);
    offsets = known;
    await jest.advanceTimersByTimeAsync(25_000);
    expect(stuck).toEqual([]);
    await jest.advanceTimersByTimeAsync(15_000);
    expect(stuck).toHaveLength(1);
  });

  it('says nothing any more once it was stopped', async () => {
    await jest.advanceTimersByTimeAsync(20_000);
    watchdog.stop();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(stuck).toEqual([]);
  });
});

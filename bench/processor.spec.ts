import { describe, expect, it } from '@jest/globals';
import { machineTicksOf, ticksOf, turnOf } from './processor.js';

const REST = '1 2 3 0 -1 4194304 100 200 0 0 123 45 900 900 20 0 11 0 5000 1 2 3';

describe('the processor time of a process', () => {
  it('is its user and its kernel time, and not that of its children', () => {
    expect(ticksOf(`4711 (node) S ${REST}\n`)).toBe(168);
  });

  it('is found behind a name with spaces and brackets', () => {
    expect(ticksOf(`4711 (a (b) S 1 2) R ${REST}\n`)).toBe(168);
  });

  it('is not guessed where the text is another one', () => {
    expect(() => ticksOf('4711 (node) S 1')).toThrow('no times');
  });
});

it('a core that waits for a disk is idle, and guests are not counted twice', () => {
  const stat = 'cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n';

  expect(machineTicksOf(stat)).toEqual({ idle: 450, all: 531 });
});

describe('a turn', () => {
  it('says what each process took for a request', async () => {
    const { perSecond, processor } = await turnOf({ own: process.pid }, async () => {
      const until = process.cpuUsage().user + 100_000;
      while (process.cpuUsage().user < until) JSON.parse('[1,2,3]');
      return { requests: 10, perSecond: 5 };
    });

    expect(perSecond).toBe(5);
    if (processor === undefined) return; // no /proc on this system
    // 100 ms for 10 requests. The ticks of 10 ms are rounded down, user and kernel time each.
    expect(processor.microseconds['own']).toBeGreaterThanOrEqual(5_000);
    expect(processor.idleCores).toBeGreaterThanOrEqual(0);
  });

  it('has a rate only, where no process is named', async () => {
    expect(await turnOf({}, async () => ({ requests: 1, perSecond: 7 }))).toEqual({ perSecond: 7 });
  });
});

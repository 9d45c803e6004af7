import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetTimers } from '../../../test/support/flow.js';
import { ServerProbe } from './server-probe.js';

let timers: SetTimers;
let questions: { answer(value: string): void; fail(): void }[];
let probe: ServerProbe<string>;

beforeEach(() => {
  timers = new SetTimers();
  const own: typeof questions = [];
  questions = own;
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      own.push({ answer: resolve, fail: () => reject(new Error('connection refused')) });
    });
  probe = new ServerProbe(ask, 2_000, timers.clock, timers);
});

describe('a probe', () => {
  it('tells what the server says, and how long it took', async () => {
    const asked = probe.run();
    timers.clock.pass(7);
    questions[0]?.answer('fine');
    expect(await asked).toEqual({ kind: 'answered', value: 'fine', ms: 7 });
  });

  it('says since when a server is away, until it answers again', async () => {
    const since = timers.clock.wall();
    const first = probe.run();
    questions[0]?.fail();
    expect(await first).toEqual({ kind: 'away', since, why: 'connection refused' });
    timers.clock.pass(5_000);
    const second = probe.run();
    questions[1]?.fail();
    expect(await second).toMatchObject({ kind: 'away', since });
    const third = probe.run();
    questions[2]?.answer('fine');
    expect((await third).kind).toBe('answered');
    timers.clock.pass(5_000);
    const fourth = probe.run();
    questions[3]?.fail();
    expect(await fourth).toMatchObject({ since: since + 10_000 });
  });

  it('gives up on a server that hangs, and asks no second question before the first has ended', async () => {
    const hanging = probe.run();
    await timers.pass(2_000);
    expect(await hanging).toMatchObject({ kind: 'away', why: 'no answer within 2000 ms' });
    expect(await probe.run()).toMatchObject({ kind: 'away', why: 'the last question is not answered yet' });
    expect(questions).toHaveLength(1);
    questions[0]?.answer('too late');
    await timers.nextTurn();
    const next = probe.run();
    questions[1]?.answer('fine');
    expect(await next).toMatchObject({ kind: 'answered', value: 'fine' });
  });
});

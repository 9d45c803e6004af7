import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Admission, type ReadLane, ReadLimiter, type ReadSurroundings } from './read-limiter.js';

/** An event loop that turns only when the test says so. */
class Loop implements ReadSurroundings {
  ms = 0;
  turns = 0;
  /** How long each read keeps the process busy, ms. */
  readMs = 0;
  /** True if claims are answered, many of them together in one of a hundred turns. */
  claims = false;
  private readonly immediates: (() => void)[] = [];
  private timers: { readonly at: number; readonly work: () => void }[] = [];
  private answered = 0;

  now(): number {
    return this.ms;
  }

  claimTurns(): number {
    return this.answered;
  }

  nextTurn(work: () => void, after: () => void): void {
    this.immediates.push(() => {
      work();
      this.ms += this.readMs;
      after();
    });
  }

  after(ms: number, work: () => void): void {
    this.timers.push({ at: this.ms + ms, work });
  }

  /** Runs one turn, which takes a millisecond besides, and settles promises. */
  async turn(ms = 1): Promise<void> {
    this.turns += 1;
    if (this.claims && this.turns % 100 === 0) this.answered += 1;
    for (const work of this.immediates.splice(0)) work();
    this.ms += ms;
    const due = this.timers.filter(({ at }) => at <= this.ms);
    this.timers = this.timers.filter(({ at }) => at > this.ms);
    for (const { work } of due) work();
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('ReadLimiter', () => {
  let loop: Loop;
  let limiter: ReadLimiter;
  let answers: { lane: ReadLane; kind: Admission['kind']; turn: number; leave: (bytes: number) => void }[];

  beforeEach(() => {
    loop = new Loop();
    limiter = new ReadLimiter({ concurrency: 3, maxWaiting: 10, maxWaitMs: 1_000 }, loop);
    answers = [];
  });

  function enter(lane: ReadLane, times = 1, isGone = () => false): void {
    for (let each = 0; each < times; each++) {
      void limiter.enter(lane, isGone).then((admission) => {
        const leave = admission.kind === 'admitted' ? admission.leave : () => undefined;
        answers.push({ lane, kind: admission.kind, turn: loop.turns, leave });
      });
    }
  }

  async function turn(times: number): Promise<void> {
    for (let each = 0; each < times; each++) await loop.turn();
  }

  const kinds = () => answers.map(({ kind }) => kind);
  const lanes = () => answers.map(({ lane }) => lane);

  it('lets one read begin in a turn of the event loop', async () => {
    enter('memory', 3);
    expect(answers).toEqual([]);
    await turn(5);
    expect(answers.map(({ turn }) => turn)).toEqual([1, 2, 3]);
  });

  it('has no more reads than the limit under way, and keeps one place for operators', async () => {
    enter('public', 5);
    await turn(10);
    expect(lanes()).toEqual(['public', 'public']);
    enter('operator', 2);
    await turn(10);
    expect(lanes()).toEqual(['public', 'public', 'operator']);
    answers[0]?.leave(0);
    await turn(10);
    expect(lanes()).toEqual(['public', 'public', 'operator', 'operator']);
    answers[1]?.leave(0);
    answers[2]?.leave(0);
    await turn(10);
    expect(lanes()).toEqual(['public', 'public', 'operator', 'operator', 'public']);
  });

  it('answers health soon, however many probes come at once during long rests', async () => {
    limiter = new ReadLimiter({ concurrency: 3, maxWaiting: 1_000, maxWaitMs: 5_000 }, loop);
    loop.claims = true;
    loop.readMs = 40;
    enter('memory', 500);
    await turn(300);
    enter('probe', 900);
    const from = loop.ms;
    while (lanes().filter((lane) => lane === 'probe').length < 900 && loop.ms - from < 10_000) await loop.turn();
    expect(loop.ms - from).toBeLessThan(1_000);
  });

  it('keeps no place for operators if there is only one', async () => {
    limiter = new ReadLimiter({ concurrency: 1, maxWaiting: 10, maxWaitMs: 1_000 }, loop);
    enter('public', 2);
    await turn(10);
    expect(lanes()).toEqual(['public']);
  });

  it('answers from memory, and probes, while every read of the database hangs', async () => {
    enter('public', 10);
    enter('operator', 5);
    await turn(10);
    const hanging = answers.length;
    expect(hanging).toBe(3);
    enter('memory', 3);
    enter('probe', 10);
    await turn(20);
    expect(lanes().slice(hanging).sort()).toEqual([
      ...Array<string>(3).fill('memory'),
      ...Array<string>(10).fill('probe'),
    ]);
  });

  it('lets the lanes take turns, so that no lane waits for the crowd in another', async () => {
    enter('memory', 3);
    enter('public', 2);
    enter('operator');
    enter('probe');
    await turn(4);
    expect(lanes().sort()).toEqual(['memory', 'operator', 'probe', 'public']);
  });

  it('refuses a read that would wait behind too many', async () => {
    enter('public', 12);
    await Promise.resolve();
    expect(kinds()).toEqual(['busy', 'busy']);
    enter('operator');
    await turn(2);
    expect(answers.filter(({ kind }) => kind === 'admitted').map(({ lane }) => lane)).toContain('operator');
  });

  it('refuses a read that has waited too long, also if no read ever ends', async () => {
    enter('public', 4);
    await turn(10);
    expect(kinds()).toEqual(['admitted', 'admitted']);
    loop.ms += 1_000;
    await turn(300);
    expect(kinds()).toEqual(['admitted', 'admitted', 'busy', 'busy']);
    // The refused read has no place, and no other place is lost.
    answers[0]?.leave(0);
    enter('public');
    await turn(10);
    expect(kinds()).toEqual(['admitted', 'admitted', 'busy', 'busy', 'admitted']);
  });

  it('does not work for a caller who has hung up, and loses no place', async () => {
    enter('public', 5, () => true);
    enter('public', 2);
    await turn(3);
    expect(kinds()).toEqual([...Array<string>(5).fill('gone'), 'admitted', 'admitted']);
  });

  it('rests for a multiple of the time that a read took, but only while claims arrive', async () => {
    limiter = new ReadLimiter({ concurrency: 1_000, maxWaiting: 1_000, maxWaitMs: 100_000 }, loop);
    loop.readMs = 2;
    const begunWithin = async (ms: number): Promise<number> => {
      const [from, before] = [loop.ms, answers.length];
      while (loop.ms - from < ms) await loop.turn();
      return answers.length - before;
    };
    enter('public', 900);
    const alone = await begunWithin(300);
    expect(alone).toBe(100);
    loop.claims = true;
    await begunWithin(600);
    const beside = await begunWithin(300);
    // 2 ms of read, then 10 ms of rest.
    expect(beside).toBeGreaterThanOrEqual(20);
    expect(beside).toBeLessThanOrEqual(25);
    loop.claims = false;
    await begunWithin(600);
    expect(await begunWithin(300)).toBe(100);
  });

  it('rests for the copying of answers into sockets, too', async () => {
    loop.claims = true;
    enter('memory');
    await turn(300);
    enter('memory');
    await turn(1);
    answers[1]?.leave(5_000_000);
    enter('memory', 2);
    const from = loop.ms;
    while (answers.length < 4 && loop.ms - from < 10_000) await loop.turn();
    expect(loop.ms - from).toBeGreaterThanOrEqual(100);
    expect(loop.ms - from).toBeLessThan(120);
  });

  it('adds up rests that are shorter than a timer can wait', async () => {
    limiter = new ReadLimiter({ concurrency: 10_000, maxWaiting: 10_000, maxWaitMs: 100_000 }, loop);
    loop.readMs = 0.05;
    loop.claims = true;
    enter('public', 9_000);
    while (loop.ms < 600) await loop.turn(0.05);
    const [before, from] = [answers.length, loop.ms];
    while (loop.ms - from < 30) await loop.turn(0.05);
    // 0.05 ms of read in every 0.05 + 0.25 ms, besides the time of the turns themselves.
    expect(answers.length - before).toBeGreaterThan(60);
    expect(answers.length - before).toBeLessThan(110);
  });

  it('does not rest for long after a pause that no read caused', async () => {
    loop.claims = true;
    enter('memory');
    await turn(300);
    loop.readMs = 60_000;
    enter('memory');
    await loop.turn();
    loop.readMs = 0;
    enter('probe');
    const from = loop.ms;
    while (answers.at(-1)?.lane !== 'probe' && loop.ms - from < 10_000) await loop.turn();
    expect(loop.ms - from).toBeLessThan(300);
  });
});

import { describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SetClock } from '../../../test/support/flow.js';
import { ScheduledJob } from './scheduled-job.js';

function logged() {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { lines, logger: Object.assign(new Logger('test'), { error: write, log: write }) };
}

describe('a scheduled job', () => {
  it('logs an outage once and its end once, and never rejects', async () => {
    let broken = true;
    const { lines, logger } = logged();
    const work = () => (broken ? Promise.reject(new Error('away')) : Promise.resolve());
    const job = new ScheduledJob('drain', work, logger, new SetClock());
    for (let tick = 0; tick < 3; tick++) await job.run();
    broken = false;
    for (let tick = 0; tick < 3; tick++) await job.run();
    expect(lines).toEqual(['drain failed, and will be tried again: away', 'drain works again, after 0.0 s']);
  });

  it('is aborted and awaited when it is stopped, and does not run again', async () => {
    let runs = 0;
    let end: () => void = () => undefined;
    let signal: AbortSignal | undefined;
    const work = async (given: AbortSignal) => {
      runs += 1;
      signal = given;
      await new Promise<void>((resolve) => (end = resolve));
    };
    const job = new ScheduledJob('drain', work, logged().logger, new SetClock());
    const running = job.run();
    let stopped = false;
    job.onModuleDestroy();
    const stopping = job.beforeApplicationShutdown().then(() => (stopped = true));
    expect(signal?.aborted).toBe(true);
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    end();
    await Promise.all([running, stopping]);
    await job.run();
    expect(runs).toBe(1);
  });
});

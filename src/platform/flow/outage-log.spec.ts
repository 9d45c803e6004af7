import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { OutageLog } from './outage-log.js';

describe('the log of an outage', () => {
  let clock: SetClock;
  let lines: string[];
  let outage: OutageLog;

  beforeEach(() => {
    clock = new SetClock();
    lines = [];
    const logger = new Logger();
    for (const level of ['log', 'warn', 'error'] as const) {
      jest.spyOn(logger, level).mockImplementation((text: unknown) => void lines.push(`${level} ${String(text)}`));
    }
    outage = new OutageLog(logger, clock);
  });

  it('has one line for its beginning and one for its end, with its length', () => {
    outage.recovered('works again');
    outage.failed('broken: first reason');
    clock.pass(1_250);
    outage.failed('broken: second reason');
    clock.pass(1_000);
    outage.recovered('works again');
    outage.recovered('works again');
    expect(lines).toEqual(['warn broken: first reason', 'log works again, after 2.3 s']);
  });

  it('begins again after it was over', () => {
    for (let count = 0; count < 2; count++) {
      outage.failed('broken');
      outage.recovered('works again');
    }
    expect(lines).toHaveLength(4);
  });

  it('keeps several things that fail apart', () => {
    outage.failed('a is broken', 'a');
    outage.failed('b is broken', 'b');
    outage.failed('a is broken', 'a');
    outage.recovered('a works again', 'a');
    outage.failed('b is broken', 'b');
    expect(lines).toEqual(['warn a is broken', 'warn b is broken', 'log a works again, after 0.0 s']);
  });
});

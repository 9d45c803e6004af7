import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SetTimers } from '../../../test/support/flow.js';
import { type PoisonCode } from '../../domain/claim.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { type Poison } from './poison.js';
import { QuarantineLog } from './quarantine-log.js';

describe('the log of what is quarantined', () => {
  let timers: SetTimers;
  let log: QuarantineLog;
  let lines: string[];

  beforeEach(() => {
    timers = new SetTimers();
    log = new QuarantineLog(timers);
    lines = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => {
      lines.push((line as { message: string }).message);
    });
  });
  afterEach(() => void jest.restoreAllMocks());

  const poison = (reason: string, code: PoisonCode = 'unreadable'): Poison => {
    const record = { topic: 'coupon_create', partition: 0, offset: 7 } as LogRecord;
    return { record, event: null, unsigned: true, code, reason };
  };

  it('goes on once a minute with the count and the first reason of that minute, while messages come', async () => {
    log.note([poison('one'), poison('one'), poison('other', 'unreadable-batch')]);
    log.note([poison('two')]);
    await timers.pass(59_999);
    log.note([poison('three')]);
    await timers.pass(1);
    log.note([poison('four')]);
    await timers.pass(60_000);
    expect(lines).toEqual([
      '2 claim events were quarantined as unreadable: one',
      '1 claim event was quarantined as unreadable-batch: other',
      '2 claim events were quarantined as unreadable: two',
      '1 claim event was quarantined as unreadable: four',
    ]);
  });

  it('has at the end what has no line yet, and leaves no timer', () => {
    log.note([poison('one')]);
    log.note([poison('two'), poison('three')]);
    log.onApplicationShutdown();
    log.note([poison('four')]);
    expect(lines.slice(1)).toEqual([
      '2 claim events were quarantined as unreadable: two',
      '1 claim event was quarantined as unreadable: four',
    ]);
    expect(timers.size).toBe(0);
  });

  it('shows little of what a stranger has written, and nothing that moves a terminal', () => {
    log.note([poison(`\u001b[2J\u202e${'y'.repeat(5_000)}`)]);
    expect(lines).toEqual([`1 claim event was quarantined as unreadable: ?[2J?${'y'.repeat(195)}`]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { PATIENCE_MS } from '../../../test/support/patience.js';
import { until } from '../../../test/support/until.js';
import { systemTimers } from './timers.js';
import { withDeadline } from './with-deadline.js';

describe('the timers of the system', () => {
  it('call the delayed work, unless it was cancelled', async () => {
    const calls: string[] = [];
    const cancelled = systemTimers.after(1, () => calls.push('cancelled'));
    systemTimers.after(5, () => calls.push('put off'));
    systemTimers.atEndOfTurn(() => calls.push('end of turn'));
    systemTimers.cancel(cancelled);
    systemTimers.cancel(undefined);
    // A sleep would not do: it may end first when the process was stopped for a while.
    await until('the delayed work', () => calls.includes('put off'));
    // Which of the two comes first depends on how long this turn took.
    expect(calls.sort()).toEqual(['end of turn', 'put off']);
  });

  it('end a sleep when its signal is aborted', async () => {
    const stop = new AbortController();
    const asleep = systemTimers.sleep(60_000, stop.signal);
    stop.abort();
    const both = Promise.all([asleep, systemTimers.sleep(60_000, stop.signal)]);
    await withDeadline(both, PATIENCE_MS, systemTimers);
  });
});

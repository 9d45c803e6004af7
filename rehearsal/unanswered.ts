import { NO_ANSWER } from '../oracle/told.js';
import { type RecordedCall } from './load/call-records.js';

/** What an outage meant for the people of a rehearsal. */
export interface Unanswered {
  /** The longest time in which callers heard 503 or nothing and nobody heard yes or no, s; 0 without such a time. */
  readonly longestSeconds: number;
  /** Users who heard nothing but 503, or nothing at all, however often they asked. */
  readonly users: number;
}

/** @param start when the load began, by `clock.ts`, ms. */
export function unansweredIn(calls: readonly RecordedCall[], start: number): Unanswered {
  const told = new Set<string>();
  const untold = new Set<string>();
  let [last, longest, end] = [start, 0, start];
  let waiting = false;
  for (const { userId, word, manner, at, ms } of [...calls].sort((a, b) => a.at + a.ms - (b.at + b.ms))) {
    // Who hangs up on purpose waits for no answer.
    if (manner === 'hang-up') continue;
    end = at + ms;
    const isTold = word !== NO_ANSWER && !word.startsWith('503');
    (isTold ? told : untold).add(userId);
    if (!isTold) waiting = true;
    if (!isTold) continue;
    if (waiting) longest = Math.max(longest, end - last);
    [last, waiting] = [end, false];
  }
  if (waiting) longest = Math.max(longest, end - last);
  return { longestSeconds: longest / 1_000, users: [...untold].filter((userId) => !told.has(userId)).length };
}

import { expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { SystemEntropy } from '../flow/entropy.js';
import { type Problem } from '../http/problem/problem.js';
import { BOOTSTRAP } from './actor.js';
import { RecordedCalls } from './recorded-calls.js';

const viewer = { id: 'a' };

function codeOf(work: () => void): string {
  try {
    work();
    return 'passed';
  } catch (problem) {
    const { code, headers } = problem as Problem;
    return `${code} ${headers?.['retry-after'] ?? ''}`;
  }
}

it('thirty calls of one actor in a minute leave a row, and no other actor waits for it', () => {
  const clock = new SetClock();
  const calls = new RecordedCalls(clock, new SystemEntropy());
  for (let count = 0; count < 30; count++) calls.note(viewer);
  expect(codeOf(() => calls.note(viewer))).toBe('too-many-requests 2');
  expect(codeOf(() => calls.note({ id: 'b' }))).toBe('passed');
  clock.pass(2_000);
  expect(codeOf(() => calls.note(viewer))).toBe('passed');
});

it('ADMIN_TOKEN, which operators may share, is not slowed', () => {
  const calls = new RecordedCalls(new SetClock(), new SystemEntropy());
  for (let count = 0; count < 100; count++) calls.note(BOOTSTRAP);
});

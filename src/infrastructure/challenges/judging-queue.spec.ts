import { describe, expect, it } from '@jest/globals';
import { type ChallengeVerdict } from '../../ports/entry/challenge-verifier.js';
import { JudgingQueue } from './judging-queue.js';

describe('the queue of answers', () => {
  it('judges so many at a time, the others in turn, and refuses those that are too many', async () => {
    const queue = new JudgingQueue(2);
    const begun: number[] = [];
    const end: (() => void)[] = [];
    const judge = (index: number) => () =>
      new Promise<ChallengeVerdict>((resolve) => {
        begun.push(index);
        end.push(() => resolve(index % 2 === 0 ? 'passed' : 'failed'));
      });
    const verdicts = Array.from({ length: 4 }, (_, index) => queue.add(judge(index)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual([0, 1]);
    const rest = Array.from({ length: 198 }, () => queue.add(() => Promise.resolve<ChallengeVerdict>('passed')));
    await expect(queue.add(judge(9))).rejects.toMatchObject({ problemCode: 'busy' });
    for (let index = 0; index < 4; index++) {
      while (end.length <= index) await new Promise((resolve) => setImmediate(resolve));
      end[index]?.();
    }
    expect(await Promise.all(verdicts)).toEqual(['passed', 'failed', 'passed', 'failed']);
    await Promise.all(rest);
    expect(begun).toEqual([0, 1, 2, 3]);
    expect(await queue.add(() => Promise.resolve('failed'))).toBe('failed');
  });
});

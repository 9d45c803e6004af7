import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import { SetTimers } from '../../../test/support/flow.js';
import { parseEnv } from '../../platform/config/env.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { ChallengeBusyError, type ChallengeVerdict } from '../../ports/entry/challenge-verifier.js';
import { EntryBook } from './entry-book.js';
import { EntryDesk } from './entry-desk.js';
import { EntryMetrics } from './entry.metrics.js';

describe('the desk of entries with CHALLENGE_FAIL=open', () => {
  let stack: EmbeddedStack;
  let book: EntryBook;
  let desk: EntryDesk;
  /** What the verifier says next. */
  let verify: () => Promise<ChallengeVerdict>;
  beforeEach(async () => {
    stack = await openEmbeddedStack();
    const timers = new SetTimers();
    book = new EntryBook(stack.database, timers.clock, timers);
    await storeCampaign(stack, { id: 'c', requireEntry: true, challenge: 'turnstile' });
    await book.start();
    const verifier = { pose: () => Promise.resolve({}), verify: () => verify() };
    const metrics = new EntryMetrics(new MetricsRegistry());
    const config = parseEnv({ CHALLENGE_FAIL: 'open' });
    desk = new EntryDesk(stack.database, book, { of: () => verifier }, metrics, timers.clock, timers, config);
  });
  afterEach(async () => {
    await book.beforeApplicationShutdown();
    await stack.close();
  });

  const enter = () => desk.enter('c', 'alice', 'an answer');
  const goodForMs = async (): Promise<number> => {
    const outcome = await enter();
    if (outcome.kind !== 'admitted') throw new Error(outcome.kind);
    return outcome.expiresAt - outcome.notBefore;
  };

  it('gives a token for an hour to who has passed, and for ten minutes where the challenge could not be judged', async () => {
    verify = () => Promise.resolve('passed');
    expect(await goodForMs()).toBe(3_600_000);
    verify = () => Promise.resolve('unavailable');
    expect(await goodForMs()).toBe(600_000);
  });

  it('gives none because too much is to be judged', async () => {
    verify = () => Promise.reject(new ChallengeBusyError('too many'));
    await expect(enter()).rejects.toMatchObject({ problemCode: 'busy' });
  });
});

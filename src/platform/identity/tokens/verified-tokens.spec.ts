import { expect, it } from '@jest/globals';
import { systemClock } from '../../flow/clock.js';
import { type TokenOutcome } from './token-verifier.js';
import { VerifiedTokens } from './verified-tokens.js';

const outcome = (userId: string): TokenOutcome => ({ kind: 'user', userId, role: null, expiresAt: Infinity });

it('forgets the token that was used longest ago when there are too many', () => {
  const tokens = new VerifiedTokens(systemClock, { most: 2, forMs: 60_000 });
  tokens.put('a', outcome('a'), Infinity);
  tokens.put('b', outcome('b'), Infinity);
  expect(tokens.find('a')).toEqual(outcome('a'));
  tokens.put('c', outcome('c'), Infinity);
  expect([tokens.find('a'), tokens.find('b'), tokens.find('c')]).toEqual([outcome('a'), undefined, outcome('c')]);
});

import { expect, it } from '@jest/globals';
import { keyState } from './words.ts';

const NOW = Date.parse('2026-12-01T03:00:00Z');

it.each([
  [null, null, 'valid'],
  ['2027-12-01T03:00:00.000Z', null, 'valid'],
  ['2026-12-15T02:59:59.999Z', null, 'expires-soon'],
  ['2026-12-15T03:00:00.000Z', null, 'valid'],
  ['2026-12-01T03:00:00.000Z', null, 'expired'],
  ['2026-12-15T02:59:59.999Z', '2026-11-30T00:00:00.000Z', 'revoked'],
] as const)('a key that expires %s and was revoked %s is %s', (expiresAt, revokedAt, state) => {
  expect(keyState({ expiresAt, revokedAt }, NOW)).toBe(state);
});

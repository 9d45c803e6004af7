import { expect, it } from '@jest/globals';
import { matches } from './filter.ts';

const NOON = { id: '01KBA0Z9M0', name: '점심 쿠폰 Noon', state: 'OPEN' };

it.each([
  ['', '', true],
  ['쿠폰 noon', '', true],
  ['쿠폰'.normalize('NFD'), '', true],
  ['01kba', 'OPEN', true],
  ['저녁', '', false],
  ['noon', 'CLOSED', false],
] as const)('a search for "%s" of state "%s": %s', (search, state, found) => {
  expect(matches(NOON, search, state)).toBe(found);
});

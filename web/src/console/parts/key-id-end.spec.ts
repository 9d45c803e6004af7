import { expect, it } from '@jest/globals';
import { keyIdEnd } from './key-id-end.ts';

it.each([
  ['a key', '01KBA0Z9M0Q3V5H8N2R4T6W8YA', '…T6W8YA'],
  ['the admin token', 'bootstrap', null],
  ['the service', 'service', null],
  ['the user of a token', 'jwt:01KBA0Z9M0Q3V5H8N2R4T6W8YA', null],
])('is of %s', (_who, id, end) => {
  expect(keyIdEnd(id)).toBe(end);
});

import { expect, it } from '@jest/globals';
import { fitsHeader } from './header-text.ts';

it.each([
  ['ck_01KBA0Z9M0Q3V5H8N2R4T6W8YA_x-Y~z', true],
  // The same key with the Korean keyboard on.
  ['차_01KBA0Z9M0', false],
  ['two words', false],
  ['a\u0000b', false],
  ['', false],
])('%j may stand in a header: %s', (text, fits) => expect(fitsHeader(text)).toBe(fits));

import { expect, it } from '@jest/globals';
import { readable } from './readable.ts';

it.each([
  ['a claim', '{"userId":"김민수"}', '{"userId":"김민수"}'],
  ['line breaks and tabs', 'a\n\tb', 'a\n\tb'],
  ['a NUL', 'a\0b', String.raw`a\u{0}b`],
  ['what turns the direction around', 'a\u202eb', String.raw`a\u{202e}b`],
  ['what has no width', 'a\u200bb', String.raw`a\u{200b}b`],
  ['a line separator', 'a\u2028b', String.raw`a\u{2028}b`],
  ['half a character', 'a\ud800b', String.raw`a\u{d800}b`],
  ['a character of two halves', '🎫', '🎫'],
])('shows %s', (_what, text, shown) => {
  expect(readable(text)).toBe(shown);
});

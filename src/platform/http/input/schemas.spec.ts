import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { campaignTotal, keysetCursor, rowId, userIdOrNumber } from './schemas.js';

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

describe('a total', () => {
  it.each([
    [1, true],
    [10_000_000, true],
    [0, false],
    [-1, false],
    [1.5, false],
    [10_000_001, false],
    ['100', false],
    [null, false],
    [true, false],
  ])('of %j is accepted: %j', (total, accepted) => {
    expect(accepts(campaignTotal, total)).toBe(accepted);
  });
});

describe('a cursor', () => {
  const cursor = keysetCursor(z.tuple([z.int(), z.string()]));

  it('comes back as the position it was made from, and is safe in a URL', () => {
    const text = cursor.encode([1_769_817_600_000, '한글?&']);
    expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(cursor.schema.parse(text)).toEqual([1_769_817_600_000, '한글?&']);
  });

  it.each([
    '',
    'AAAA',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('["1","a"]').toString('base64url'),
    Buffer.from('[1, "a"]').toString('base64url'),
    Buffer.from('null').toString('base64url'),
    ['a', 'b'],
  ])('is refused with its own code when it is %j', (value) => {
    expect(cursor.schema.safeParse(value).error?.issues.map(({ message }) => message)).toEqual(['cursor']);
  });
});

it('ids that merely resemble the right form are refused', () => {
  for (const value of ['0', '01', '-1', '1.0', '1e3', ' 1', '1\n', '']) expect(accepts(rowId, value)).toBe(false);

  expect(['9'.repeat(16), '9'.repeat(400)].map((text) => rowId.parse(text))).toEqual(Array(2).fill(2 ** 53 - 1));
  expect(rowId.parse('12')).toBe(12);
  expect([userIdOrNumber.parse(-0), accepts(userIdOrNumber, Number.NaN)]).toEqual(['0', false]);
});

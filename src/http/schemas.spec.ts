import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  campaignName,
  campaignTotal,
  claimId,
  instant,
  keysetCursor,
  reason,
  rowId,
  userIdOrNumber,
} from './schemas.js';

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

describe('an instant', () => {
  it.each([
    ['2026-01-31T09:00:00+09:00', Date.UTC(2026, 0, 31)],
    ['2026-01-31T00:00:00Z', Date.UTC(2026, 0, 31)],
    ['2024-02-29T00:00:00.5Z', Date.UTC(2024, 1, 29, 0, 0, 0, 500)],
    ['2026-01-31T00:00:00.123999999-00:30', Date.UTC(2026, 0, 31, 0, 30, 0, 123)],
    ['1970-01-01T00:00:00Z', 0],
  ])('such as %s becomes milliseconds', (text, ms) => {
    expect(instant.parse(text)).toBe(ms);
  });

  it.each([
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-01-31T09:00:00',
    '2026-01-31',
    '2026-01-31T24:00:00Z',
    '2026-01-31T09:00:00+25:00',
    '2026-01-31T09:00:00+0900',
    '2026-01-31 09:00:00Z',
    '1969-12-31T23:59:59Z',
    '9999-12-31T23:59:59-01:00',
    '+010000-01-01T00:00:00Z',
    `2026-01-31T00:00:00.${'0'.repeat(40)}Z`,
    '',
    1769817600000,
    null,
  ])('is not %j', (value) => {
    expect(accepts(instant, value)).toBe(false);
  });
});

describe('a campaign name', () => {
  it.each(['여름 쿠폰', 'a', 'Über 100 %', '👩‍👩‍👧 family', '가'.repeat(200), '🎟'.repeat(200)])('may be %j', (name) => {
    expect(campaignName.parse(name)).toBe(name);
  });

  it.each([
    '',
    ' ',
    '\u3000',
    '가'.repeat(201),
    'a\nb',
    'a\u0000b',
    'a\u007f',
    'a\u0085',
    'a\u202eb',
    'a\u2066b',
    '\u200fa',
    'a\u2028b',
    '\ud800',
    1,
    undefined,
  ])('is not %j', (name) => {
    expect(accepts(campaignName, name)).toBe(false);
  });
});

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
  for (const value of ['01JZ8Q4V8Y6T4W1S3N5M7K9H2', '81JZ8Q4V8Y6T4W1S3N5M7K9H2C', '01jz8q4v8y6t4w1s3n5m7k9h2c']) {
    expect(accepts(claimId, value)).toBe(false);
  }
  for (const value of ['0', '01', '-1', '1.0', '1e3', '9'.repeat(16)]) {
    expect(accepts(rowId, value)).toBe(false);
  }
  expect([rowId.parse('12'), accepts(claimId, '01JZ8Q4V8Y6T4W1S3N5M7K9H2C')]).toEqual([12, true]);
  expect([userIdOrNumber.parse(-0), accepts(userIdOrNumber, Number.NaN)]).toEqual(['0', false]);
});

it('a reason has words and stays on its line', () => {
  expect([reason.parse('중복 접수'), accepts(reason, ' '), accepts(reason, 'a\nb')]).toEqual([
    '중복 접수',
    false,
    false,
  ]);
});

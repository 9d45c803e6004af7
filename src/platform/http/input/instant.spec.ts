import { describe, expect, it } from '@jest/globals';
import { inputRule } from './input-rules.js';
import { INSTANT_PATTERN, readInstant } from './instant.js';
import { instant } from './schemas.js';

describe('an instant', () => {
  it.each([
    ['2026-01-31T09:00:00+09:00', Date.UTC(2026, 0, 31)],
    ['2026-01-31T00:00:00Z', Date.UTC(2026, 0, 31)],
    ['2026-12-01T12:00+09:00', Date.UTC(2026, 11, 1, 3)],
    ['2026-12-01T12:00Z', Date.UTC(2026, 11, 1, 12)],
    ['2024-02-29T00:00:00.5Z', Date.UTC(2024, 1, 29, 0, 0, 0, 500)],
    ['2000-02-29T23:59:59-23:59', Date.UTC(2000, 2, 1, 23, 58, 59)],
    ['2026-01-31T00:00:00.123999999-00:30', Date.UTC(2026, 0, 31, 0, 30, 0, 123)],
    [`2026-01-31T00:00:00.${'9'.repeat(400)}Z`, Date.UTC(2026, 0, 31, 0, 0, 0, 999)],
    ['1970-01-01T00:00:00Z', 0],
    ['1969-12-31T23:30-01:00', 1_800_000],
    ['9999-12-31T23:59:59.999Z', Date.UTC(10_000, 0) - 1],
  ])('such as %s becomes milliseconds', (text, ms) => {
    expect(instant.parse(text)).toBe(ms);
  });

  it.each([
    ['2026-03-01T00:00:00', 'instant-zone'],
    ['2026-03-01T00:00', 'instant-zone'],
    ['2026-03-01T00:00:00.000', 'instant-zone'],
    ['2026-02-30T00:00:00Z', 'instant-day'],
    ['2026-02-30T00:00:00', 'instant-day'],
    ['2025-02-29T00:00Z', 'instant-day'],
    ['2100-02-29T00:00Z', 'instant-day'],
    ['2026-04-31T00:00Z', 'instant-day'],
    ['2026-13-01T00:00Z', 'instant-day'],
    ['2026-00-10T00:00Z', 'instant-day'],
    ['2026-01-00T00:00Z', 'instant-day'],
    ['2026-01-31T24:00:00Z', 'instant-time'],
    ['2026-01-31T25:00Z', 'instant-time'],
    ['2026-01-31T12:60Z', 'instant-time'],
    ['2026-01-31T23:59:60Z', 'instant-time'],
    ['2026-01-31T09:00:00+25:00', 'instant-offset'],
    ['2026-01-31T09:00:00-09:60', 'instant-offset'],
    ['1969-12-31T23:59:59Z', 'instant-too-early'],
    ['1970-01-01T00:00+00:01', 'instant-too-early'],
    ['1900-01-01T00:00:00Z', 'instant-too-early'],
    ['0020-02-29T00:00:00Z', 'instant-too-early'],
    ['-000001-01-01T00:00:00Z', 'instant-too-early'],
    ['9999-12-31T23:59:59-01:00', 'instant-too-late'],
    ['10000-01-01T00:00Z', 'instant-too-late'],
    ['+010000-01-01T00:00:00Z', 'instant-too-late'],
    ['+999999-12-31T00:00:00Z', 'instant-too-late'],
    ['2026-01-31', 'instant'],
    ['2026-01-31T09:00:00+0900', 'instant'],
    ['2026-01-31T09+09:00', 'instant'],
    ['2026-01-31 09:00:00Z', 'instant'],
    ['2026-1-31T09:00:00Z', 'instant'],
    ['2026-01-31T09:00:00.Z', 'instant'],
    ['2026-01-31T09:00:00Z\n', 'instant'],
    ['２０２６-01-31T09:00:00Z', 'instant'],
    ['1769817600000', 'instant'],
    ['tomorrow', 'instant'],
    ['', 'instant'],
    [1_769_817_600_000, 'instant'],
    [true, 'instant'],
    [null, 'instant'],
  ])('is not %j, which is told its own fault (%s)', (value, rule) => {
    expect(instant.safeParse(value).error?.issues.map(({ message }) => message)).toEqual([rule]);
    expect(inputRule(rule)?.en).toMatch(/^[A-Z].*\.$/);
  });

  it('has a pattern in the document that accepts what the service accepts, and nothing else', () => {
    const pattern = new RegExp(INSTANT_PATTERN);
    const pad = (value: number): string => String(value).padStart(2, '0');
    for (const year of [1900, 1969, 1970, 1972, 2000, 2024, 2025, 2026, 2100, 2400, 9996, 9999]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          for (const rest of [
            'T12:00Z',
            'T11:59:59.125-11:30',
            'T24:00Z',
            'T12:00',
            'T12:00:60Z',
            'T12:00+24:00',
            '',
          ]) {
            const text = `${year}-${pad(month)}-${pad(day)}${rest}`;
            expect([text, pattern.test(text)]).toEqual([text, typeof readInstant(text) === 'number']);
          }
        }
      }
    }
  });
});

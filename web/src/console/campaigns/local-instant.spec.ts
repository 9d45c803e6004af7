import { describe, expect, it } from '@jest/globals';
import { inputOfInstant, instantOfInput, offsetOf, stepOf } from './local-instant.ts';

describe('an instant that an operator types', () => {
  it('carries the offset of its own day, and is the same instant', () => {
    for (const typed of ['2026-12-01T12:00', '2026-07-01T12:00:30']) {
      const instant = instantOfInput(typed) ?? '';
      expect(instant).toMatch(/^2026-\d\d-01T12:00:\d\d[+-]\d\d:\d\d$/);
      expect(new Date(instant).getTime()).toBe(new Date(typed).getTime());
    }
  });

  it('is null when nothing is typed, and is left to the API when it is none', () => {
    expect(instantOfInput('')).toBeNull();
    expect(instantOfInput('soon')).toBe('soon');
  });

  it('comes back as it was', () => {
    const iso = '2026-12-01T03:00:05.000Z';
    expect(new Date(instantOfInput(inputOfInstant(iso)) ?? '').toISOString()).toBe(iso);
    expect(inputOfInstant(null)).toBe('');
  });

  it('shows seconds only where there are some, and loses none', () => {
    const [whole, odd] = ['2026-12-01T03:00:00.000Z', '2026-12-01T03:00:05.000Z'].map((iso) => inputOfInstant(iso));
    expect([whole, odd].map((value = '') => [value.length, stepOf(value)])).toEqual([
      ['2026-12-01T12:00'.length, 60],
      ['2026-12-01T12:00:05'.length, 1],
    ]);
    expect(new Date(instantOfInput(whole ?? '') ?? '').toISOString()).toBe('2026-12-01T03:00:00.000Z');
    expect(stepOf('')).toBe(60);
  });

  it('names an offset with minutes', () => {
    const kathmandu = { getTimezoneOffset: () => -345 } as Date;
    const marquesas = { getTimezoneOffset: () => 570 } as Date;
    expect([offsetOf(kathmandu), offsetOf(marquesas)]).toEqual(['+05:45', '-09:30']);
  });
});

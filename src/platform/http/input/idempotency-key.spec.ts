import { describe, expect, it } from '@jest/globals';
import { Problem } from '../problem/problem.js';
import { idempotencyKeyOf } from './idempotency-key.js';

describe('an idempotency key', () => {
  it.each(['a', ' ~', 'x'.repeat(255), undefined])('may be %j', (key) => {
    expect(idempotencyKeyOf(key === undefined ? {} : { 'idempotency-key': key })).toBe(key);
  });

  it.each(['', 'x'.repeat(256), 'é', 'a\tb', '한'])('is not %j', (key) => {
    expect(() => idempotencyKeyOf({ 'idempotency-key': key })).toThrow(new Problem('invalid-idempotency-key'));
  });
});

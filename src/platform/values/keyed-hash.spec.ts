import { createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyedHash } from './keyed-hash.js';

describe('a keyed hash', () => {
  it('is the HMAC-SHA-256 of node:crypto, for every key and text', () => {
    const keys = fc.uint8Array({ minLength: 1, maxLength: 64 });
    const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ minLength: 600, maxLength: 2_400 }));
    fc.assert(
      fc.property(keys, fc.array(texts, { minLength: 1 }), (bytes, all) => {
        const key = createSecretKey(bytes);
        const hash = new KeyedHash(key);
        for (const text of all) {
          const made = createHmac('sha256', key).update(text).digest();
          for (const form of [text, Buffer.from(text)]) {
            expect(hash.of(form)).toBe(made.toString('base64url'));
            expect(hash.of(form, 'binary')).toBe(made.toString('latin1'));
          }
        }
      }),
    );
  });

  it('is compared as a whole', () => {
    const hash = new KeyedHash(createSecretKey(Buffer.alloc(32, 1)));
    const right = hash.of('text');
    expect([hash.isOf('text', right), hash.isOf('other', right)]).toEqual([true, false]);
    for (let index = 0; index < right.length; index++) {
      const other = right[index] === 'A' ? 'B' : 'A';
      expect(hash.isOf('text', right.slice(0, index) + other + right.slice(index + 1))).toBe(false);
    }
    for (const shown of ['', right.slice(1), `${right}A`, '한'.repeat(43)]) {
      expect(hash.isOf('text', shown)).toBe(false);
    }
    expect(hash.isOf('text', right)).toBe(true);
  });

  it('takes no key that HMAC would have to hash first', () => {
    expect(() => new KeyedHash(createSecretKey(Buffer.alloc(65)))).toThrow('65 bytes');
  });
});

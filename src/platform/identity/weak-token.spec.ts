import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isWeakToken } from './weak-token.js';

describe('a weak token', () => {
  it.each([
    'a'.repeat(512),
    'abababababababababababababababab',
    'abc123abc123abc123abc123abc123abc123',
    'changemechangemechangemechangeme',
    'CHANGEME-changeme-ChangeMe-changeME!',
    'change-me-please-change-me-please',
    'please-change-this-admin-token-1234',
    'passwordpasswordpasswordpassword',
    'p@ssw0rd-P4ssw0rd-pa55word-PASSWORD',
    'supersecretsupersecretsupersecret',
    'your-secret-admin-token-goes-here',
    'abcdefghijklmnopqrstuvwxyz0123456789',
    '98765432109876543210987654321098',
    '0123456789abcdef0123456789abcdef',
    'qwertyuiopasdfghjklzxcvbnm123456',
    '11112222333344445555666677778888',
    'test-admin-token-0123456789-abcdefghij',
    'coupon-system-production-admin-token',
    `x${'0'.repeat(40)}`,
    '11111111-1111-1111-1111-111111111111',
  ])('is %s', (token) => {
    expect(isWeakToken(token)).toBe(true);
  });

  it('is never a random token, in whatever form it is written', () => {
    for (let round = 0; round < 500; round++) {
      const bytes = randomBytes(16);
      const digits = Array.from(randomBytes(32), (byte) => byte % 10).join('');
      for (const token of [bytes.toString('hex'), randomBytes(24).toString('base64url'), digits]) {
        expect([token, isWeakToken(token)]).toEqual([token, false]);
      }
    }
    expect(isWeakToken('3f1c9d1e-7a04-4b62-9c55-0e8d2b6af719')).toBe(false);
    expect(isWeakToken('correct-horse-battery-staple-and-a-lamp')).toBe(false);
  });
});

import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { KeyedHash } from '../../platform/values/keyed-hash.js';
import { type InstallationKey, keyIdOf } from '../../ports/database/installation-key-store.js';
import { type EntryGrant, entryFault, signEntryToken } from './entry-token.js';

const NOW = 1_790_000_000_000;
const GRANT: EntryGrant = {
  campaignId: 'default',
  userId: 'user-1',
  challenge: 'proof-of-work',
  notBefore: NOW,
  expiresAt: NOW + 3_600_000,
};

function keyOf(byte: number): InstallationKey {
  const secret = Buffer.alloc(32, byte);
  return { id: keyIdOf(secret), secret: createSecretKey(secret), createdAt: 0 };
}

const hashesOf = (...keys: InstallationKey[]) => new Map(keys.map(({ id, secret }) => [id, new KeyedHash(secret)]));

describe('an entry token', () => {
  const [older, newer] = [keyOf(1), keyOf(2)];
  const token = signEntryToken(GRANT, newer);
  const faultAt = (now: number, over: Partial<EntryGrant> = {}, shown: string | undefined = token) =>
    entryFault(shown, { ...GRANT, ...over }, hashesOf(older, newer), now);

  it('lets its user into its campaign, under every key that is in use', () => {
    expect(faultAt(NOW)).toBeNull();
    expect(faultAt(NOW, {}, signEntryToken(GRANT, older))).toBeNull();
    expect(entryFault(token, GRANT, hashesOf(older), NOW)).toBe('invalid');
  });

  it('lets no other user in, and nobody into another campaign', () => {
    expect(faultAt(NOW, { userId: 'user-2' })).toBe('invalid');
    expect(faultAt(NOW, { campaignId: 'other' })).toBe('invalid');
    // The same letters, cut elsewhere.
    const cut = signEntryToken({ ...GRANT, campaignId: 'a', userId: 'b-c' }, newer);
    expect(entryFault(cut, { ...GRANT, campaignId: 'a-b', userId: 'c' }, hashesOf(newer), NOW)).toBe('invalid');
  });

  it('is good from notBefore until expiresAt, give or take 5 s of two clocks', () => {
    expect(faultAt(GRANT.notBefore - 5_001)).toBe('not-yet-valid');
    expect(faultAt(GRANT.notBefore - 5_000)).toBeNull();
    expect(faultAt(GRANT.expiresAt + 4_999)).toBeNull();
    expect(faultAt(GRANT.expiresAt + 5_000)).toBe('expired');
  });

  it('is worth the challenge that was passed: a campaign that asks for another one now refuses it', () => {
    expect(faultAt(NOW, { challenge: 'turnstile' })).toBe('invalid');
    expect(faultAt(NOW, { challenge: 'none' })).toBeNull();
    const free = signEntryToken({ ...GRANT, challenge: 'none' }, newer);
    expect(faultAt(NOW, {}, free)).toBe('invalid');
  });

  it('cannot be changed in any character', () => {
    for (let index = 0; index < token.length - 1; index++) {
      const other = token[index] === 'a' ? 'b' : 'a';
      const forged = token.slice(0, index) + other + token.slice(index + 1);
      expect(faultAt(NOW, {}, forged)).toBe('invalid');
    }
  });

  it('is missing, or invalid in every other form', () => {
    expect(entryFault(undefined, GRANT, hashesOf(newer), NOW)).toBe('missing');
    expect(faultAt(NOW, {}, '')).toBe('missing');
    const [, kid = '', payload = '', mac = ''] = token.split('.');
    const forms = [
      'x',
      '....',
      'v1...',
      `v2.${kid}.${payload}.${mac}`,
      `v1.${kid}.${payload}`,
      `v1.${kid}.${payload}.`,
      `v1.${kid}.${payload}.${mac}.${mac}`,
      `v1.__proto__.${payload}.${mac}`,
      `${token}, ${token}`,
      ` ${token}`,
      'v1.'.repeat(2_000),
      '한국어',
    ];
    for (const form of forms) expect(faultAt(NOW, {}, form)).toBe('invalid');
  });
});

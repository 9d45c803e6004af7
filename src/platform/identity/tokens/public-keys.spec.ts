import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type JWK } from 'jose';
import { KeyRing } from './issuer-keys.js';
import { usableKeys } from './public-keys.js';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }) as JWK;
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) as JWK;

describe('a key of a set', () => {
  it.each<[string, object]>([
    ['that may sign besides', { key_ops: ['sign', 'verify'] }],
    ['with an operation named twice', { key_ops: ['verify', 'verify'] }],
    ['with ext as a text', { ext: 'true' }],
    ['with members that no standard knows', { use: 'sig', x5c: ['MII'], x5t: 1, 'x-tenant': { name: 'shop' } }],
  ])('%s verifies tokens', async (_what, members) => {
    for (const [key, alg] of [
      [EC, 'ES256'],
      [RSA, 'RS256'],
    ] as const) {
      const keys = usableKeys([{ ...key, ...members, kid: 'a' }], [alg]);
      expect(keys).toEqual([{ ...key, kid: 'a' }]);
      expect(await new KeyRing(keys).find({ alg, kid: 'a' })).toHaveLength(1);
    }
  });

  it.each<[string, object]>([
    ['for encryption', { use: 'enc' }],
    ['whose operations leave out verifying', { key_ops: ['encrypt'] }],
    ['with operations that are no list', { key_ops: 'verify' }],
    ['for another algorithm', { alg: 'ES384' }],
    ['with its private part', { d: 'AQAB' }],
    ['with a kid that is no text', { kid: 1 }],
  ])('%s is left out', (_what, members) => {
    expect(usableKeys([{ ...EC, ...members } as JWK], ['ES256', 'ES384'])).toEqual([]);
  });
});

describe('a ring', () => {
  it('finds no key where the one that suits cannot be imported', async () => {
    const ring = new KeyRing([{ ...EC, kid: 'a', key_ops: ['sign', 'verify'] }]);
    expect(await ring.find({ alg: 'ES256', kid: 'a' })).toEqual([]);
    expect(await ring.find({ alg: 'ES256' })).toEqual([]);
  });

  it('does not look at the name that a token gives its key where no key of the set has one', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) as JWK;
    const nameless = new KeyRing([EC, RSA]);
    expect(await nameless.find({ alg: 'ES256', kid: 'a' })).toHaveLength(1);
    expect(await nameless.find({ alg: 'RS256', kid: 'a' })).toHaveLength(1);
    const named = new KeyRing([EC, { ...other, kid: 'b' }]);
    expect(await named.find({ alg: 'ES256', kid: 'a' })).toEqual([]);
    expect(await named.find({ alg: 'ES256', kid: 'b' })).toHaveLength(1);
  });

  it('has 32 keys at most, and says so', async () => {
    const keys = Array.from({ length: 33 }, (_none, index) => ({ ...EC, kid: `${index}` }));
    expect(new KeyRing(keys.slice(1)).surplus).toBeNull();
    const ring = new KeyRing(keys);
    expect([ring.size, ring.surplus]).toEqual([32, 'only the first 32 of 33 keys are used']);
    expect(await ring.find({ alg: 'ES256', kid: '31' })).toHaveLength(1);
    expect(await ring.find({ alg: 'ES256', kid: '32' })).toEqual([]);
  });
});

import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeClaimEvent, encodeClaimEvent, type LoggedClaim, type Fields } from '../../domain/claim.js';
import { checkSignature, type EventKey, keyNamedBy, signEvent } from './event-signature.js';

const keyOf = (id: string, fill: number): EventKey => ({ id, secret: createSecretKey(Buffer.alloc(32, fill)) });
const KEY = keyOf('key-1_aZ', 1);

const EVENT: LoggedClaim = {
  claimId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  campaignId: 'default',
  userId: 'user_1',
  sequence: 7,
  claimedAt: 1_764_000_000_123,
  idempotencyDigest: 'A'.repeat(43),
  epoch: 1_764_000_000,
  installation: 'abcdefghijkm2345',
};
const signed = signEvent(encodeClaimEvent(EVENT), KEY);
const check = (text: string | Buffer, ...keys: EventKey[]) =>
  checkSignature(Buffer.from(text as string), (id) => keys.find((key) => key.id === id));

describe('the signature of an event', () => {
  it('is good under the key that it names, and only there', () => {
    expect(check(signed, keyOf('key-2_aZ', 2), KEY)).toBe('good');
    expect(check(signed)).toBe('unknown-key');
    expect(check(signed, keyOf(KEY.id, 2))).toBe('bad');
  });

  it('names its key, and repeats nothing that cannot be one', () => {
    expect(keyNamedBy(Buffer.from(signed))).toBe(KEY.id);
    for (const other of [encodeClaimEvent(EVENT), '', signed.replace(KEY.id, '\u001b[2J\n\n..')]) {
      expect(keyNamedBy(Buffer.from(other))).toBeNull();
    }
  });

  it('stands behind what every version reads', () => {
    expect(signed.startsWith(encodeClaimEvent(EVENT).slice(0, -1))).toBe(true);
    expect(decodeClaimEvent(Buffer.from(signed))).toEqual({ kind: 'claim', event: EVENT });
    // HMAC-SHA-256 as any other program computes it.
    expect(signed.slice(-70)).toBe(',"key":"key-1_aZ","mac":"sWBaN0gsNs3u1ntLyGDOelEV5fDqvZGN1y97m5rwBYA"}');
  });

  // A field that is added to a claim does not compile until it stands here.
  it.each(
    Object.entries({
      claimId: '01ARZ3NDEKTSV4RRFFQ69G5FAW',
      campaignId: 'other',
      userId: 'user_2',
      sequence: 8,
      claimedAt: 1_764_000_000_124,
      idempotencyDigest: 'B'.repeat(43),
      epoch: 1_764_000_001,
      installation: 'abcdefghijkm2346',
    } satisfies Fields<LoggedClaim>),
  )('covers %s', (field, other) => {
    const ending = signed.slice(encodeClaimEvent(EVENT).length - 1);
    const forged = encodeClaimEvent({ ...EVENT, [field]: other }).slice(0, -1) + ending;
    expect(decodeClaimEvent(Buffer.from(forged))).toMatchObject({ kind: 'claim', event: { [field]: other } });
    expect(check(forged, KEY)).toBe('bad');
  });

  it('covers every byte, also of fields that a later version adds', () => {
    const later = signEvent(encodeClaimEvent(EVENT).replace('}', ',"channel":"앱"}'), KEY);
    expect(check(later, KEY)).toBe('good');
    for (const [index] of Buffer.from(later).entries()) {
      const changed = Buffer.from(later);
      changed[index] = (changed[index] as number) ^ 1;
      expect(check(changed, KEY)).not.toBe('good');
    }
  });

  it('does not move with bytes that are added or taken away', () => {
    for (const text of [` ${signed}`, `${signed} `, signed.slice(1), signed.replace('}', ',"userId":"user_2"}')]) {
      expect(check(text, KEY)).not.toBe('good');
    }
  });

  it.each([
    ['nothing', ''],
    ['one byte', '}'],
    ['an unsigned event', encodeClaimEvent(EVENT)],
    ['an event without the key', signed.replace(/,"key":"[^"]+"/, '')],
    ['an event with a short MAC', signed.replace(/.{2}"\}$/, '"}')],
  ])('is missing in %s', (_what, text) => {
    expect(check(text, KEY)).toBe('missing');
  });

  it('is read from a part of a larger buffer', () => {
    const page = Buffer.from(`xxx${signed}yyy`);
    expect(checkSignature(page.subarray(3, -3), () => KEY)).toBe('good');
  });
});

import { describe, expect, it } from '@jest/globals';
import { type ClaimEvent, decodeClaimEvent, encodeClaimEvent, isForeignClaim } from './claim.js';

const EVENT: ClaimEvent = {
  claimId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  campaignId: 'default',
  userId: 'user_1',
  sequence: 7,
  claimedAt: 1_764_000_000_123,
  idempotencyDigest: null,
  epoch: 1_764_000_000,
};

const bytes = (text: string) => Buffer.from(text);
const WIRE = { v: 1, ...EVENT, idempotencyDigest: undefined };
const broken = (change: Record<string, unknown>) => bytes(JSON.stringify({ ...WIRE, ...change }));

describe('claim event', () => {
  it('comes back from its bytes as it was', () => {
    const withKey = { ...EVENT, idempotencyDigest: 'A'.repeat(43) };
    expect(decodeClaimEvent(bytes(encodeClaimEvent(EVENT)))).toEqual({ kind: 'claim', event: EVENT });
    expect(decodeClaimEvent(bytes(encodeClaimEvent(withKey)))).toEqual({ kind: 'claim', event: withKey });
  });

  it('is written as consumers of every version read it', () => {
    const text =
      '{"v":1,"claimId":"01ARZ3NDEKTSV4RRFFQ69G5FAV","campaignId":"default","userId":"user_1","sequence":7,' +
      '"claimedAt":1764000000123,"epoch":1764000000';
    expect(encodeClaimEvent(EVENT)).toBe(`${text}}`);
    const digest = 'A'.repeat(43);
    expect(encodeClaimEvent({ ...EVENT, idempotencyDigest: digest })).toBe(`${text},"idempotencyDigest":"${digest}"}`);
  });

  it('names the installation whose gate admitted the claim, behind what earlier versions read', () => {
    const named = { ...EVENT, installation: 'abcdefghijkm2345' };
    expect(encodeClaimEvent(named)).toBe(encodeClaimEvent(EVENT).replace(/\}$/, ',"installation":"abcdefghijkm2345"}'));
    expect(decodeClaimEvent(bytes(encodeClaimEvent(named)))).toEqual({ kind: 'claim', event: named });
    expect(isForeignClaim(named, 'abcdefghijkm2345')).toBe(false);
    expect(isForeignClaim(named, 'another')).toBe(true);
    // As an earlier version wrote it.
    expect(isForeignClaim(EVENT, 'another')).toBe(false);
  });

  it('tells of poison, too, which installation sent it', () => {
    for (const change of [{ v: 2 }, { userId: 1 }]) {
      expect(decodeClaimEvent(broken({ ...change, installation: 'another' }))).toMatchObject({
        installation: 'another',
      });
    }
    expect(decodeClaimEvent(broken({ v: 2 }))).not.toHaveProperty('installation');
    const long = decodeClaimEvent(broken({ installation: `a\n\u001b[2J b${'c'.repeat(5_000)}` }));
    expect(long).toHaveProperty('installation', `a???2J?b${'c'.repeat(56)}`);
    expect(decodeClaimEvent(broken({ v: 2, installation: 7 }))).not.toHaveProperty('installation');
  });

  it('takes a property that a later version may add', () => {
    expect(decodeClaimEvent(broken({ channel: 'app' }))).toEqual({ kind: 'claim', event: EVENT });
  });

  it.each([
    ['no value', null, 'unreadable'],
    ['an empty value', Buffer.alloc(0), 'unreadable'],
    ['broken JSON', bytes('{"v":1,'), 'unreadable'],
    ['a leading zero byte', Buffer.concat([Buffer.from([0]), broken({})]), 'unreadable'],
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), broken({})]), 'unreadable'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'unreadable'],
    ['a later version', broken({ v: 2 }), 'unknown-version'],
    ['no version', broken({ v: undefined }), 'invalid-schema'],
    ['an array', bytes('[]'), 'invalid-schema'],
    ['null', bytes('null'), 'invalid-schema'],
    ['an envelope', bytes(JSON.stringify({ data: WIRE })), 'invalid-schema'],
    ['a numeric user', broken({ userId: 1 }), 'invalid-schema'],
    ['a user with a space', broken({ userId: 'alice ' }), 'invalid-schema'],
    ['a user of 129 characters', broken({ userId: 'u'.repeat(129) }), 'invalid-schema'],
    ['a user with a slash', broken({ userId: 'a/b' }), 'invalid-schema'],
    ['a user of two dots', broken({ userId: '..' }), 'invalid-schema'],
    ['a campaign of 27 characters', broken({ campaignId: 'c'.repeat(27) }), 'invalid-schema'],
    ['a claim id that is no ULID', broken({ claimId: 'x' }), 'invalid-schema'],
    ['sequence 0', broken({ sequence: 0 }), 'invalid-schema'],
    ['a fractional sequence', broken({ sequence: 1.5 }), 'invalid-schema'],
    ['no instant', broken({ claimedAt: undefined }), 'invalid-schema'],
    ['an instant beyond time', broken({ claimedAt: 8_640_000_000_000_001 }), 'invalid-schema'],
    ['epoch 0', broken({ epoch: 0 }), 'invalid-schema'],
    ['an installation with a space', broken({ installation: 'a b' }), 'invalid-schema'],
  ])('calls %s poison', (_what, value, code) => {
    expect(decodeClaimEvent(value)).toMatchObject({ kind: 'poison', code });
  });
});

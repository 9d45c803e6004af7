import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { claimOf } from '../../../test/support/claims.js';
import { decodeClaimEvent, encodeClaimEvent } from '../../domain/claim.js';
import { checkSignature } from '../../ports/log/event-signature.js';
import { eventText } from './event-text.js';

const KEY = { id: 'key-1_aZ', secret: createSecretKey(Buffer.alloc(32, 1)) };
const check = (text: string) => checkSignature(Buffer.from(text), () => KEY);

describe('the text of an event', () => {
  it('is signed', () => {
    expect(check(eventText(claimOf(1), KEY))).toBe('good');
    expect(check(eventText({ ...claimOf(1), unproven: false }, KEY))).toBe('good');
  });

  it('of a claim that nothing proves is not signed, and is otherwise the same', () => {
    const text = eventText({ ...claimOf(1), unproven: true }, KEY);
    expect(check(text)).toBe('missing');
    expect(text).toBe(encodeClaimEvent(claimOf(1)));
    expect(decodeClaimEvent(Buffer.from(text))).toEqual({ kind: 'claim', event: claimOf(1) });
  });
});

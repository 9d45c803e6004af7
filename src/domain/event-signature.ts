import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';

/** A key of the installation for the events on its log. */
export interface EventKey {
  readonly id: string;
  readonly secret: KeyObject;
}

/**
 * What a signature says about a message:
 * - `good`: this installation has written every byte of it.
 * - `missing`: it carries none, like all events of a version before.
 * - `bad`: some byte is not as it was signed.
 * - `unknown-key`: it names a key that was not found.
 */
export type SignatureCheck = 'good' | 'missing' | 'bad' | 'unknown-key';

/** HMAC-SHA-256 in base64url. */
const MAC_LENGTH = 43;
/** Behind the MAC: `"}`. */
const CLOSING = 2;
/** What stands behind the signed bytes. */
const MAC_PART = ',"mac":"'.length + MAC_LENGTH + CLOSING;
const KEY_ID_LENGTH = 8;
const ENDING = ',"key":""'.length + KEY_ID_LENGTH + MAC_PART;

const SIGNED = /^,"key":"([\w-]{8})","mac":"[\w-]{43}"\}$/;

/**
 * Signs the text of a claim event: adds the key's id as its last field but one, and as the last one the HMAC of all bytes
 * before it. The text itself is signed, not a list of its fields. So no field can be left out. And a version that does not
 * know a field of a later version verifies it all the same; it would lose the claim otherwise.
 *
 * @param json an object with at least one field.
 */
export function signEvent(json: string, { id, secret }: EventKey): string {
  const signed = `${json.slice(0, -1)},"key":"${id}"`;
  return `${signed},"mac":"${macOf(signed, secret)}"}`;
}

/** Needs no parser: only text that ends as {@link signEvent} ends it has a signature. */
export function checkSignature(value: Uint8Array, find: (id: string) => EventKey | undefined): SignatureCheck {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const id = SIGNED.exec(bytes.toString('latin1', Math.max(0, bytes.length - ENDING)))?.[1];
  if (id === undefined) return 'missing';
  const key = find(id);
  if (key === undefined) return 'unknown-key';
  const expected = Buffer.from(macOf(bytes.subarray(0, -MAC_PART), key.secret), 'latin1');
  const found = bytes.subarray(-CLOSING - MAC_LENGTH, -CLOSING);
  return timingSafeEqual(expected, found) ? 'good' : 'bad';
}

function macOf(signed: string | Uint8Array, secret: KeyObject): string {
  // mutant: unsigned-field
  return createHmac('sha256', secret).update(signed).digest('base64url');
}

import { type KeyObject } from 'node:crypto';
import { KeyedHash } from '../../platform/values/keyed-hash.js';

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
const KEY_ID_LENGTH = 8;
const KEY_ID = /^[A-Za-z0-9_-]{8}$/;
const BEFORE_KEY = ',"key":"';
const BEFORE_MAC = '","mac":"';
const CLOSING = '"}';
const MAC_AT = BEFORE_KEY.length + KEY_ID_LENGTH + BEFORE_MAC.length;
const ENDING = MAC_AT + MAC_LENGTH + CLOSING.length;
/** The quote behind the key's id is signed, too. */
const UNSIGNED = ENDING - BEFORE_KEY.length - KEY_ID_LENGTH - 1;

/**
 * Signs the text of a claim event: adds the key's id as its last field but one, and as the last one the HMAC of all bytes
 * before it. The text itself is signed, not a list of its fields. So no field can be left out. And a version that does not
 * know a field of a later version verifies it all the same; it would lose the claim otherwise.
 *
 * @param json an object with at least one field.
 */
export function signEvent(json: string, key: EventKey): string {
  const signed = `${json.slice(0, -1)},"key":"${key.id}"`;
  // mutant: unsigned-field
  return `${signed},"mac":"${hashOf(key).of(signed)}"}`;
}

/**
 * Needs no parser: only text that ends as {@link signEvent} ends it has a signature. Text methods are several times as fast
 * here as a regular expression and further buffers, and every event of a drop pays for it.
 */
export function checkSignature(value: Uint8Array, find: (id: string) => EventKey | undefined): SignatureCheck {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const ending = endingOf(bytes);
  if (!hasForm(ending)) return 'missing';
  const key = find(keyIn(ending));
  if (key === undefined) return 'unknown-key';
  // mutant: unverified-field
  return hashOf(key).isOf(bytes.subarray(0, -UNSIGNED), ending.slice(MAC_AT, -CLOSING.length)) ? 'good' : 'bad';
}

/** The id of the key that a message names, for people to read; null where it cannot be the id of a key. */
export function keyNamedBy(value: Uint8Array): string | null {
  const ending = endingOf(Buffer.from(value.buffer, value.byteOffset, value.length));
  const id = hasForm(ending) ? keyIn(ending) : '';
  return KEY_ID.test(id) ? id : null;
}

function endingOf(bytes: Buffer): string {
  return bytes.toString('latin1', Math.max(0, bytes.length - ENDING));
}

function hasForm(ending: string): boolean {
  return (
    ending.length === ENDING &&
    ending.startsWith(BEFORE_KEY) &&
    ending.startsWith(BEFORE_MAC, BEFORE_KEY.length + KEY_ID_LENGTH) &&
    ending.endsWith(CLOSING)
  );
}

function keyIn(ending: string): string {
  return ending.slice(BEFORE_KEY.length, BEFORE_KEY.length + KEY_ID_LENGTH);
}

const hashes = new WeakMap<EventKey, KeyedHash>();

/** Made once for each key, for as long as the key is in use. */
function hashOf(key: EventKey): KeyedHash {
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const made = new KeyedHash(key.secret);
  hashes.set(key, made);
  return made;
}

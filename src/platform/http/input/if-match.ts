import { type VersionCondition } from '../../values/version-condition.js';
import { Problem } from '../problem/problem.js';

/** The strong validator of a row's version, as in the ETag header. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

const LIST = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*$/;

/** The values that {@link ifMatch} accepts, for the API document. */
export const IF_MATCH_PATTERN = '^(?:\\*|(?:W/)?"[!#-~]*"(?:[ \\t]*,[ \\t]*(?:W/)?"[!#-~]*")*)$';

const TAG = /(?:W\/)?"[^"]*"/g;

/**
 * The precondition of a change (RFC 9110 §13.1.1): the row has one of these ETags, or `*` for any version.
 *
 * @param header the raw If-Match value.
 * @throws Problem `precondition-required` if there is none, `invalid-if-match` if it is malformed.
 */
export function ifMatch(header: string | undefined): VersionCondition {
  if (header === undefined) throw new Problem('precondition-required');

  const text = header.trim();
  if (text === '*') return () => true;

  if (!LIST.test(text)) throw new Problem('invalid-if-match');

  // Weak tags stay in the set as they are. If-Match compares strongly, so W/"3" never equals "3".
  const tags = new Set(text.match(TAG));
  return (version) => tags.has(etagOf(version));
}

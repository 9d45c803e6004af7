import { Problem } from './problem.js';

/** The strong validator of a row's version, as in the ETag header. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

const LIST = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*$/;

/** What {@link IfMatch.parse} takes, for the API document. */
export const IF_MATCH_PATTERN = '^(?:\\*|(?:W/)?"[!#-~]*"(?:[ \\t]*,[ \\t]*(?:W/)?"[!#-~]*")*)$';

const TAG = /(?:W\/)?"[^"]*"/g;

/** The precondition of a change (RFC 9110 §13.1.1): one of these ETags, or any with `*`. */
export class IfMatch {
  private constructor(private readonly tags: ReadonlySet<string> | '*') {}

  /**
   * @param header - the raw If-Match value.
   * @throws Problem `precondition-required` without one, `invalid-if-match` when it is malformed.
   */
  static parse(header: string | undefined): IfMatch {
    if (header === undefined) {
      throw new Problem('precondition-required');
    }
    const text = header.trim();
    if (text === '*') {
      return new IfMatch('*');
    }
    if (!LIST.test(text)) {
      throw new Problem('invalid-if-match');
    }
    // Weak tags stay in the set as they are: If-Match compares strongly, so W/"3" never equals "3".
    return new IfMatch(new Set(text.match(TAG)));
  }

  /** To be asked under the row's lock, or the version may move between the question and the change. */
  matches(version: number): boolean {
    return this.tags === '*' || this.tags.has(etagOf(version));
  }
}

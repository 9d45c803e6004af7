/**
 * Characters that show nothing, or that make others show elsewhere: controls, line and paragraph separators, and what
 * changes the direction of writing. Line breaks and tabs are what they look like.
 */
const UNSEEN = /[^\P{C}\n\t]|[\u2028\u2029]/gu;

/** A text that anybody may have written, so that it looks like what it is. */
export function readable(text: string): string {
  return text.replace(UNSEEN, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`);
}

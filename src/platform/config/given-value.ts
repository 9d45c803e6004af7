import { SECRETS } from './variables.js';

const MOST_CHARACTERS = 80;

/**
 * What a message says of the value that was given to a variable.
 * @param isFile it was read from the file that `<name>_FILE` names.
 */
export function given(name: string, value: string | undefined, isFile: boolean): string {
  if (value === undefined) return 'it is not set';
  if (SECRETS.some((secret) => secret === name)) {
    const what = isFile ? 'something else stands in the file' : 'something else was given';
    return `${what} (${value.length} characters, not shown because it is a secret)`;
  }
  const shown = withoutPassword(value);
  return `${JSON.stringify(shown.length > MOST_CHARACTERS ? `${shown.slice(0, MOST_CHARACTERS)}…` : shown)} was given`;
}

/**
 * Operators write passwords also where none belongs: before the @ of an address, or in its query. A wrong value may have any
 * form, so more is cut where it cannot be told what is what.
 */
function withoutPassword(value: string): string {
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(value)?.[0] ?? '';
  const [at, query] = [value.lastIndexOf('@'), value.search(/[?#]/)];
  if (at >= 0 && query >= 0) return `${scheme}…`;
  if (at >= 0) return `${scheme}…${value.slice(at)}`;
  return query < 0 ? value : `${value.slice(0, query + 1)}…`;
}

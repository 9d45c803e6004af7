import { ENV_VARIABLES } from './variables.js';

/** One edit away from HOST and PORT, and in use by other programs. */
const OTHER_WORDS: ReadonlySet<string> = new Set(['HOSTS', 'PORTS', 'POST']);

/**
 * @param names of every variable that is set.
 * @returns one line for each that is not read and is one edit away from one that is, in whatever case it is written.
 */
export function warnOfMistypedNames(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const upper = name.toUpperCase();
    if (ENV_VARIABLES.includes(name) || OTHER_WORDS.has(upper)) return [];
    const meant = ENV_VARIABLES.find((known) => known === upper || isOneEdit(known, upper));
    return meant === undefined ? [] : [`${name} is not read; is ${meant} meant?`];
  });
}

/** One letter put in, left out or changed, or two neighbours exchanged. */
function isOneEdit(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  const [a, b] = [short.slice(at), long.slice(at)];
  if (a.length < b.length) return a === b.slice(1);
  return a.slice(1) === b.slice(1) || (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2));
}

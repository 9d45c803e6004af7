import { ENV_VARIABLES } from './variables.js';

/** Names of other programs that are one edit away from HOST or PORT. */
const OTHER_WORDS: ReadonlySet<string> = new Set(['HOSTS', 'PORTS', 'POST']);

/**
 * @param names the names of all variables that are set.
 * @returns one line for each name that is not read and is one edit away from a name that is. Case does not count.
 */
export function findMistypedNames(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const upper = name.toUpperCase();
    if (ENV_VARIABLES.includes(name) || OTHER_WORDS.has(upper)) return [];
    const meant = ENV_VARIABLES.find((known) => known === upper || isOneEdit(known, upper));
    return meant === undefined ? [] : [`${name} is not read; is ${meant} meant?`];
  });
}

/** True if one letter was added, left out or changed, or two neighbours were exchanged. */
function isOneEdit(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  const [a, b] = [short.slice(at), long.slice(at)];
  if (a.length < b.length) return a === b.slice(1);
  return a.slice(1) === b.slice(1) || (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2));
}

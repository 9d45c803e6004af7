import { readTextFile } from './text-file.js';
import { SECRETS, type Source } from './variables.js';

/** The variables, with the secrets from the files that they name. */
export interface FilledSource {
  readonly values: Source;
  /** Secrets that came from a file. */
  readonly fromFile: ReadonlySet<string>;
  /** One for each `<NAME>_FILE` that cannot be used: the secret's name and what was expected. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Reads the file that `<NAME>_FILE` names into `<NAME>`, for every secret.
 *
 * No message shows the path: an operator may have mixed up the two variables and written the secret there.
 */
export function withSecretFiles(source: Source): FilledSource {
  const values: Record<string, string | undefined> = { ...source };
  const fromFile = new Set<string>();
  const refused = new Map<string, string>();
  for (const name of SECRETS) {
    const path = source[`${name}_FILE`];
    if (path === undefined) continue;
    fromFile.add(name);
    if (source[name] !== undefined) {
      refused.set(name, `no ${name} beside it; both are set`);
      continue;
    }
    const outcome = readTextFile(path);
    if ('text' in outcome) {
      const text = outcome.text.replace(/\r?\n$/, '');
      if (text.trim() === '') refused.set(name, 'a file that holds the secret; it is empty');
      else values[name] = text;
    } else {
      refused.set(name, `a file that holds the secret; ${outcome.why}`);
    }
  }
  return { values, fromFile, refused };
}

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { SECRETS, type Source } from './variables.js';

const MAX_FILE_BYTES = 64 * 1024;

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

/**
 * Reads a short text file.
 *
 * @returns the text without a byte order mark, or one clause that says why it cannot be read. The clause never shows
 * the path.
 */
export function readTextFile(path: string): { text: string } | { why: string; isMissing: boolean } {
  let file: number | undefined;
  try {
    // Without O_NONBLOCK, opening a pipe waits until a program writes to it.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (stats.isDirectory()) return refusal('it is a directory');
    if (!stats.isFile()) return refusal('it is not a regular file');
    if (stats.size > MAX_FILE_BYTES) return refusal(`it is longer than ${MAX_FILE_BYTES} bytes`);
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)) };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return { why: REASONS[code] ?? `it cannot be read (${code})`, isMissing: code === 'ENOENT' };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'this user must not read it (EACCES)',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};

const refusal = (why: string) => ({ why, isMissing: false });

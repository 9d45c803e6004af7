import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

const MAX_FILE_BYTES = 64 * 1024;

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

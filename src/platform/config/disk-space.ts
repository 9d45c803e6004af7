import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** The disk of a directory, and what the files directly in it take; bytes. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly usedBytes: number;
}

/** Read off the event loop. Rejects when the directory cannot be read. */
export async function diskSpaceOf(directory: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(directory);
  let usedBytes = 0;
  for (const name of await readdir(directory)) {
    // A file may go between the two calls.
    const file = await stat(join(directory, name)).catch(() => null);
    if (file?.isFile() === true) usedBytes += file.size;
  }
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, usedBytes };
}

import { writeSync } from 'node:fs';

const RETRY_MS = 1;
const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes a line to standard output, and returns when the pipe has all of it: a process that is killed next takes nothing
 * along that it had announced to itself only. Where something else in the process has made the pipe non-blocking, one
 * that is full refuses a write (EAGAIN) or takes a part of it: its reader has not been scheduled yet.
 *
 * @param {string} line
 */
export function announce(line) {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(never, 0, 0, RETRY_MS);
    }
  }
}

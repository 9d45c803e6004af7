import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import libsql from 'libsql';
import { StartupError } from '../../platform/config/startup-error.js';
import { type NewCoupon } from '../../ports/database/coupon-store.js';
import { COUPON_COLUMNS, selected } from '../sql/claim-columns.js';

/** SQLite's files beside the main one. A process that was killed leaves them behind. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'] as const;

/**
 * Makes the file where it is missing, for its owner alone. Takes the rights of other users away from files that are
 * there. SQLite gives the files that it makes beside it the same mode.
 *
 * @throws StartupError when the file cannot be made.
 */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
    for (const suffix of SUFFIXES) {
      const file = `${path}${suffix}`;
      const mode = statSync(file, { throwIfNoEntry: false })?.mode;
      if (mode !== undefined && (mode & 0o077) !== 0) chmodSync(file, mode & 0o700);
    }
  } catch (error) {
    throw new StartupError(`${path} cannot be used: ${(error as Error).message}`);
  }
}

/**
 * Writes a file's write-ahead log into the file, so that one file is left, and reads all of it.
 * @throws Error when it is damaged, or in use.
 */
export function mergeLog(path: string): void {
  const database = new libsql(path, { timeout: 0 });
  try {
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.pragma('journal_mode = DELETE');
    const [found] = database.prepare('PRAGMA integrity_check(1)').pluck().all() as string[];
    if (found !== 'ok') throw new Error(`the copy is damaged: ${found}`);
  } finally {
    database.close();
  }
}

/**
 * Copies a file that no process holds, into one that does not exist yet.
 * @throws Error when a process holds it.
 */
export function copyUnused(path: string, to: string): void {
  const database = new libsql(path, { timeout: 0 });
  try {
    database.prepare('VACUUM INTO ?').run([to]);
  } finally {
    database.close();
  }
}

const COUPONS = `SELECT ${selected(COUPON_COLUMNS)} FROM coupons`;

/** The coupons of a file that no process holds, one at a time; of one campaign, or of all, in the order of the claims. */
export function* readCoupons(path: string, campaignId: string | undefined): Generator<NewCoupon> {
  const database = new libsql(path, { readonly: true, timeout: 0 });
  try {
    const rows =
      campaignId === undefined
        ? database.prepare(`${COUPONS} ORDER BY campaign_id, sequence`).iterate()
        : database.prepare(`${COUPONS} WHERE campaign_id = ? ORDER BY sequence`).iterate(campaignId);
    yield* rows as IterableIterator<NewCoupon>;
  } finally {
    database.close();
  }
}

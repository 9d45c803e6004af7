import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { explainCommand } from './app/command-error.js';
import { readCoupons } from './infrastructure/sqlite/sqlite-file.js';
import { takeSnapshot } from './infrastructure/sqlite/take-snapshot.js';
import { type CouponFormat, CouponLines } from './modules/coupons/coupon-lines.js';
import { loadConfiguration } from './platform/config/load-configuration.js';
import { serviceUrl } from './platform/config/service-url.js';
import { StartupError } from './platform/config/startup-error.js';
import { type NewCoupon } from './ports/database/coupon-store.js';

const USAGE =
  'usage: npm run --silent export -- [--to FILE] [--campaign ID] [--format csv|ndjson] [--url http://host:port]';

/**
 * Writes the coupons of the embedded profile as text. The service may run, because this reads a snapshot and not the
 * file itself.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      to: { type: 'string' },
      campaign: { type: 'string' },
      format: { type: 'string', default: 'csv' },
      url: { type: 'string' },
    },
  });
  if (values.format !== 'csv' && values.format !== 'ndjson') throw new TypeError('--format is csv or ndjson');
  const format: CouponFormat = values.format;
  const url = values.url === undefined ? undefined : serviceUrl(values.url);
  const directory = await mkdtemp(join(tmpdir(), 'coupon-export-'));
  try {
    const snapshot = join(directory, 'snapshot.sqlite');
    await takeSnapshot(loadConfiguration().config, snapshot, url);
    const lines = Readable.from(pieces(readCoupons(snapshot, values.campaign), format));
    // wx: an export never overwrites a file. 0600: it holds coupon codes.
    const target =
      values.to === undefined ? process.stdout : createWriteStream(values.to, { flags: 'wx', mode: 0o600 });
    await pipeline(lines, target, { end: values.to !== undefined });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new StartupError(`${values.to} exists already`);
    // EPIPE: the reader of standard output has closed it, as `head` does.
    if (code !== 'EPIPE') throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function* pieces(coupons: Iterable<NewCoupon>, format: CouponFormat): Generator<string> {
  const lines = new CouponLines(format, { withCodes: true, withClaimIds: true });
  yield lines.header();
  for (const coupon of coupons) yield lines.of([coupon]);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainCommand(error, USAGE)}\n`);
  process.exit(1);
});

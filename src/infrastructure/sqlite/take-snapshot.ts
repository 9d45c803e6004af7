import { createWriteStream, existsSync } from 'node:fs';
import { chmod, link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ReadableStream } from 'node:stream/web';
import { type AppConfig } from '../../platform/config/env.js';
import { adminUrlOf } from '../../platform/config/service-url.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { callService, commandToken, refusalIn } from '../../platform/identity/service-call.js';
import { SQLITE_FILE } from './sqlite-data-source.js';
import { copyUnused, mergeLog } from './sqlite-file.js';

/**
 * Writes a copy of the database to `to`, which must not exist. When it returns, the copy is whole, checked and on the
 * disk.
 *
 * @param url of a service. Without it: the file of this configuration, or the service where one holds that file. The
 * file is tried first: what answers at an address that is only assumed may be another program, and would get the token.
 * @throws StartupError with one line for the operator.
 */
export async function takeSnapshot(config: AppConfig, to: string, url?: string): Promise<void> {
  if (config.profile !== 'embedded') {
    throw new StartupError('PROFILE is distributed: use the tools of your database; docs/operations.md shows how');
  }
  if (existsSync(to)) throw new StartupError(`${to} exists already`);
  // The copy is made beside the target. The last step is one link, so half a copy never has the name of a whole one.
  const partial = `${to}.partial`;
  await rm(partial, { force: true });
  try {
    if (url !== undefined) {
      await download(config, partial, url);
    } else if (copyFromFile(config, partial) === 'in-use') {
      await rm(partial, { force: true });
      await download(config, partial, adminUrlOf(config));
    }
    mergeLog(partial);
    await chmod(partial, 0o600);
    await sync(partial);
    // Unlike a rename, a link fails when the target exists by now.
    await link(partial, to);
  } catch (error) {
    throw error instanceof StartupError ? error : new StartupError(`${to} was not made: ${(error as Error).message}`);
  } finally {
    await rm(partial, { force: true });
  }
}

async function download(config: AppConfig, to: string, url: string): Promise<void> {
  const token = commandToken(config);
  if (token === undefined) throw new StartupError(`no token for ${url}: set ADMIN_TOKEN`);
  const response = await callService(url, '/api/admin/backup', token);
  if (response.status !== 200 || response.body === null) throw await refusalIn(url, response);
  const file = createWriteStream(to, { flags: 'wx', mode: 0o600 });
  await pipeline(Readable.fromWeb(response.body as ReadableStream), file);
  const expected = Number(response.headers.get('content-length'));
  if (file.bytesWritten !== expected) {
    throw new StartupError(`${url} sent ${file.bytesWritten} of ${expected} bytes`);
  }
}

function copyFromFile({ dataDir }: AppConfig, to: string): 'done' | 'in-use' {
  const path = join(dataDir, SQLITE_FILE);
  if (!existsSync(path)) {
    throw new StartupError(`DATA_DIR ${dataDir} has no ${SQLITE_FILE}; name a service that runs elsewhere with --url`);
  }
  try {
    copyUnused(path, to);
    return 'done';
  } catch (error) {
    const { code } = error as { code?: string };
    if (code?.startsWith('SQLITE_BUSY') !== true) throw error;
    return 'in-use';
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

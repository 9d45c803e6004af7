import { createWriteStream, existsSync } from 'node:fs';
import { chmod, link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ReadableStream } from 'node:stream/web';
import { type AppConfig } from '../../platform/config/env.js';
import { adminUrlOf } from '../../platform/config/service-url.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { ADMIN_TOKEN_FILE } from '../../platform/identity/admin-token.js';
import { SQLITE_FILE } from './sqlite-data-source.js';
import { copyUnused, mergeLog } from './sqlite-file.js';

/**
 * Writes a copy of the database to `to`, which must not exist: from the service that runs on the data directory, or,
 * where none answers, from the file itself. When it returns, the copy is whole, checked and on the disk.
 *
 * @param url of the service; by default the one that the configuration leads to.
 * @throws StartupError with one line for the operator.
 */
export async function takeSnapshot(config: AppConfig, to: string, url = adminUrlOf(config)): Promise<void> {
  if (config.profile !== 'embedded') {
    throw new StartupError('PROFILE is distributed: use the tools of your database; docs/operations.md shows how');
  }
  if (existsSync(to)) throw new StartupError(`${to} exists already`);
  // The copy is made beside the target. The last step is one link, so half a copy never has the name of a whole one.
  const partial = `${to}.partial`;
  await rm(partial, { force: true });
  try {
    const service = await download(config, partial, url);
    if (service === 'absent') copyFromFile(config, partial, url);
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

async function download(config: AppConfig, to: string, url: string): Promise<'done' | 'absent'> {
  const token = config.adminToken ?? (await readToken(config));
  if (token === undefined) return 'absent';
  let response: Response;
  try {
    response = await fetch(`${url}/api/admin/backup`, { headers: { authorization: `Bearer ${token}` } });
  } catch {
    return 'absent';
  }
  if (response.status !== 200 || response.body === null) {
    const { detail, code } = (await response.json().catch(() => ({}))) as { detail?: string; code?: string };
    throw new StartupError(`${url} answered ${response.status} ${code ?? ''}: ${detail ?? 'no reason was given'}`);
  }
  const file = createWriteStream(to, { flags: 'wx', mode: 0o600 });
  await pipeline(Readable.fromWeb(response.body as ReadableStream), file);
  const expected = Number(response.headers.get('content-length'));
  if (file.bytesWritten !== expected) {
    throw new StartupError(`${url} sent ${file.bytesWritten} of ${expected} bytes`);
  }
  return 'done';
}

function readToken({ dataDir }: AppConfig): Promise<string | undefined> {
  return readFile(join(dataDir, ADMIN_TOKEN_FILE), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

function copyFromFile({ dataDir }: AppConfig, to: string, url: string): void {
  const path = join(dataDir, SQLITE_FILE);
  if (!existsSync(path)) {
    throw new StartupError(`DATA_DIR ${dataDir} has no ${SQLITE_FILE}, and ${url} does not answer`);
  }
  try {
    copyUnused(path, to);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code?.startsWith('SQLITE_BUSY') !== true) throw error;
    throw new StartupError(`a process holds ${path}, and ${url} does not answer; name its address with --url`);
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

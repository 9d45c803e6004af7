import { mkdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { DatabaseSnapshots, type SnapshotOutcome } from '../../ports/database/database-snapshots.js';
import { LOG_FILE, SqliteConnection } from './sqlite-connection.js';
import { SQLITE_FILE } from './sqlite-data-source.js';

/** What a snapshot leaves free on the disk, bytes: room for claims that arrive during it. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/**
 * Snapshots of the running file, made in a directory beside it.
 *
 * The connection holds the file's lock, so no other process can read it through SQLite. `VACUUM INTO` on that
 * connection would stop every claim until it ends. So the files are copied as files while checkpoints wait, and a
 * worker thread makes one sound file out of the copies.
 */
@Injectable()
export class SqliteSnapshots extends DatabaseSnapshots implements OnModuleInit {
  private readonly directory: string;
  private underWay = false;

  constructor(
    private readonly connection: SqliteConnection,
    private readonly config: AppConfig,
  ) {
    super();
    this.directory = join(config.dataDir, 'backup');
  }

  /** A process that was killed may have left a copy behind. */
  onModuleInit(): Promise<void> {
    return this.remove();
  }

  async take(): Promise<SnapshotOutcome> {
    if (this.underWay) return { kind: 'backup-under-way' };
    this.underWay = true;
    const release = async (): Promise<void> => {
      try {
        await this.remove();
      } finally {
        this.underWay = false;
      }
    };
    try {
      const needed = await this.bytesNeeded();
      const { bavail, bsize } = await statfs(this.config.dataDir);
      const free = bavail * bsize;
      if (free < needed) {
        await release();
        return { kind: 'not-enough-space', needed, free };
      }
      await this.remove();
      await mkdir(this.directory, { mode: 0o700 });
      await this.connection.copyTo(this.directory);
      const path = join(this.directory, SQLITE_FILE);
      await makeOneFile(path);
      return { kind: 'taken', path, bytes: (await stat(path)).size, release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** The copies, the copied log once more when it is written into the copied file, and the reserve. */
  private async bytesNeeded(): Promise<number> {
    const sizes = [SQLITE_FILE, LOG_FILE].map(async (name) => (await stat(join(this.config.dataDir, name))).size);
    const [file = 0, log = 0] = await Promise.all(sizes);
    return file + 2 * log + RESERVE_BYTES;
  }

  private remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}

/** Off the event loop: reading every page of a large file takes seconds. @throws Error when the copy is not sound. */
function makeOneFile(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./snapshot-worker.js', import.meta.url), { workerData: path });
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the snapshot's worker ended: ${code}`))));
  });
}

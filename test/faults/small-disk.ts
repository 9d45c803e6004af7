import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The size of a page of memory, so that a file system in memory can be filled to its last page. */
const PAGE = Buffer.alloc(4_096);

/** A separate file system in memory, which a test can fill. */
export class SmallDisk {
  /** False if this process may not mount: only root may, and not in every container. */
  static get possible(): boolean {
    const directory = mkdtempSync(join(tmpdir(), 'coupon-disk-'));
    try {
      SmallDisk.mount(directory, 1).unmount();
      return true;
    } catch {
      return false;
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  private readonly filler: string;

  private constructor(private readonly directory: string) {
    this.filler = join(directory, 'filler');
  }

  /** Mounts it at `directory`, which is made if it does not exist. */
  static mount(directory: string, megabytes: number): SmallDisk {
    mkdirSync(directory, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory], { stdio: 'pipe' });
    return new SmallDisk(directory);
  }

  /** Fills the rest of it. */
  fill(): void {
    const file = openSync(this.filler, 'w');
    try {
      for (;;) writeSync(file, PAGE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Frees what {@link fill} took. */
  free(): void {
    rmSync(this.filler);
  }

  unmount(): void {
    execFileSync('umount', [this.directory]);
  }
}

/** Unmounts the file systems that interrupted tests have left below `root`. */
export function unmountBelow(root: string): void {
  const places = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${root}/`));
  for (const place of places) execFileSync('umount', [place]);
}

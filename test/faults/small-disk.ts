import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As large as a page of memory, so that a file system in memory is full to the last one. */
const PAGE = Buffer.alloc(4_096);

/** A file system of its own, in memory, that can be filled. */
export class SmallDisk {
  /** Only root may mount, and not in every container. */
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

  /** Over `directory`, which is made when there is none. */
  static mount(directory: string, megabytes: number): SmallDisk {
    mkdirSync(directory, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory], { stdio: 'pipe' });
    return new SmallDisk(directory);
  }

  /** Takes what is left of it. */
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

  /** Gives back what {@link fill} took. */
  free(): void {
    rmSync(this.filler);
  }

  unmount(): void {
    execFileSync('umount', [this.directory]);
  }
}

/** Unmounts what tests that were interrupted have left mounted below `root`. */
export function unmountBelow(root: string): void {
  const places = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${root}/`));
  for (const place of places) execFileSync('umount', [place]);
}

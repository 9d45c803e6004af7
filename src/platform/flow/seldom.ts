import { putNewest } from '../values/put-newest.js';
import { type Clock } from './clock.js';

/** How many keys are remembered. The one whose work ran longest ago is forgotten first. */
const MAX_REMEMBERED = 10_000;

/** Runs work at most once in an interval for each key. */
export class Seldom {
  /** Key → when its work was done last: monotonic, ms. The oldest come first. */
  private readonly done = new Map<string, number>();

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly intervalMs: number,
  ) {}

  /** Work that fails counts as not done. */
  async run(key: string, work: () => Promise<unknown>): Promise<void> {
    const doneAt = this.done.get(key);
    if (doneAt !== undefined && this.clock.monotonic() - doneAt < this.intervalMs) return;
    await work();
    putNewest(this.done, key, this.clock.monotonic(), MAX_REMEMBERED);
  }
}

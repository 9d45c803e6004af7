import { type Clock } from '../../platform/flow/clock.js';
import { type Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';

/** What a server has told, or since when it tells nothing. */
export type ProbeOutcome<T> =
  | { readonly kind: 'answered'; readonly value: T; readonly ms: number }
  /** `since`: the first question that was not answered; ms since the Unix epoch. */
  | { readonly kind: 'away'; readonly since: number; readonly why: string };

/**
 * Asks a server, and gives up after a while. A question that was given up on may still be under way: until it has ended,
 * no other one is asked, so that a server that hangs holds one connection.
 */
export class ServerProbe<T> {
  /** The last question was given up on, and is still under way. */
  private hangs = false;
  private failure: { readonly since: number; readonly why: string } | null = null;

  constructor(
    private readonly ask: () => Promise<T>,
    private readonly patienceMs: number,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  /** Never rejects, and answers within the patience. */
  async run(): Promise<ProbeOutcome<T>> {
    if (this.hangs) return this.away('the last question is not answered yet');
    const startedAt = this.clock.monotonic();
    const asking = this.ask();
    let ended = false;
    const end = (): void => {
      ended = true;
      this.hangs = false;
    };
    asking.then(end, end);
    try {
      const value = await withDeadline(asking, this.patienceMs, this.timers);
      this.failure = null;
      return { kind: 'answered', value, ms: Math.round((this.clock.monotonic() - startedAt) * 10) / 10 };
    } catch (error) {
      this.hangs = !ended;
      return this.away((error as Error).message);
    }
  }

  private away(why: string): ProbeOutcome<T> {
    this.failure = { since: this.failure?.since ?? Math.round(this.clock.wall()), why };
    return { kind: 'away', ...this.failure };
  }
}

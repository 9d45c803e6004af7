import { type ClaimLog } from '../../ports/log/claim-log.js';

export interface WatchdogSettings {
  /** Without a sign of life for so long, while there is something to consume, the consumer counts as stuck, ms. */
  readonly silentMs: number;
  readonly checkMs: number;
}

/**
 * kafkajs can stop consuming without an error (tulios/kafkajs#1431, #659). Nothing inside the process can mend that, but
 * a new process can.
 *
 * Time in which the log cannot be asked does not count: while the broker is away, silence says nothing.
 */
export class ConsumerWatchdog {
  private timer: NodeJS.Timeout | undefined;
  private checking = false;
  /** Monotonic, ms. */
  private lastActivity = performance.now();

  constructor(
    private readonly log: Pick<ClaimLog, 'endOffsets' | 'startOffsets' | 'committedOffsets'>,
    private readonly onStuck: (reason: string) => void,
    private readonly settings: WatchdogSettings,
  ) {}

  start(): void {
    this.noteActivity();
    this.timer = setInterval(() => void this.check(), this.settings.checkMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** The consumer lives: it has fetched, or its coordinator has answered. */
  noteActivity(): void {
    this.lastActivity = performance.now();
  }

  private async check(): Promise<void> {
    const silentSince = this.lastActivity;
    if (this.checking || performance.now() - silentSince < this.settings.checkMs) return;
    this.checking = true;
    const waiting = await this.waiting().catch(() => 0);
    this.checking = false;
    if (this.timer === undefined || this.lastActivity !== silentSince) return;
    if (waiting === 0) {
      this.noteActivity();
    } else if (performance.now() - silentSince >= this.settings.silentMs) {
      this.stop();
      this.onStuck(`the consumer is silent for ${this.settings.silentMs} ms while ${waiting} messages wait`);
    }
  }

  /** Messages that nobody in the group has settled. */
  private async waiting(): Promise<number> {
    const [start, end] = [await this.log.startOffsets(), await this.log.endOffsets()];
    const committed = await this.log.committedOffsets();
    let waiting = 0;
    for (const [partition, last] of end) {
      const first = start.get(partition) ?? 0;
      waiting += Math.max(0, last - Math.max(first, committed.get(partition) ?? first));
    }
    return waiting;
  }
}

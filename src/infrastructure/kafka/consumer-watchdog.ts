import { type ClaimLog } from '../../ports/log/claim-log.js';

export interface WatchdogSettings {
  /** The consumer counts as stuck after this long without activity while messages wait, ms. */
  readonly silentMs: number;
  readonly checkMs: number;
}

/**
 * kafkajs can stop consuming without an error (tulios/kafkajs#1431, #659). Only a new process helps then.
 *
 * Time in which the log does not answer is not counted: while the broker is away, a silent consumer is no sign of
 * trouble.
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

  /** Call this when the consumer has fetched, or when its coordinator has answered. */
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

  /** How many messages the group has not settled. */
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

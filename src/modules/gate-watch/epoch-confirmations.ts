import { CONFIRM_TIMEOUT_MS } from '../../domain/deadlines.js';
import { type Timer, type Timers } from '../../platform/flow/timers.js';

/** The claims of one epoch that wait for the same read. */
interface Waiting {
  readonly answer: Promise<boolean>;
  readonly settle: (open: boolean) => void;
}

/** All that waits for one read. */
interface Batch {
  readonly byEpoch: Map<number, Waiting>;
  readonly patience: Timer;
}

/**
 * Lets claims share reads of the gate row: one read is under way at a time, and all that ask during it take the next one.
 * They share one promise and one timer too. `NaturalBatcher` would give each claim a promise and an entry of its own, which
 * costs half as much as the read (ADR 35).
 */
export class EpochConfirmations {
  private next: Batch | null = null;
  /** A read is under way, or begins at the end of this turn. */
  private busy = false;

  /**
   * @param read false when the database does not answer. Never rejects.
   * @param judge whether the epoch counts as open after a read that was answered, or was not.
   */
  constructor(
    private readonly read: () => Promise<boolean>,
    private readonly judge: (epoch: number, answered: boolean) => boolean,
    private readonly timers: Timers,
  ) {}

  /** The judgement after a read that starts after this call, or after `CONFIRM_TIMEOUT_MS` without one. Never rejects. */
  ask(epoch: number): Promise<boolean> {
    const batch = (this.next ??= this.begin());
    let waiting = batch.byEpoch.get(epoch);
    if (waiting === undefined) batch.byEpoch.set(epoch, (waiting = newWaiting()));
    return waiting.answer;
  }

  private begin(): Batch {
    const batch: Batch = {
      byEpoch: new Map(),
      patience: this.timers.after(CONFIRM_TIMEOUT_MS, () => {
        // Claims that ask from now on wait for another read.
        if (this.next === batch) this.next = null;
        this.settle(batch, false);
      }),
    };
    if (!this.busy) this.readAtEndOfTurn();
    return batch;
  }

  /** Claims of one publish batch are durable in one turn. */
  private readAtEndOfTurn(): void {
    this.busy = true;
    this.timers.atEndOfTurn(() => {
      const batch = this.next;
      this.next = null;
      if (batch === null) {
        this.busy = false;
        return;
      }
      void this.read().then((answered) => {
        this.busy = false;
        this.settle(batch, answered);
        if (this.next !== null) this.readAtEndOfTurn();
      });
    });
  }

  private settle({ byEpoch, patience }: Batch, answered: boolean): void {
    this.timers.cancel(patience);
    for (const [epoch, { settle }] of byEpoch) settle(this.judge(epoch, answered));
  }
}

function newWaiting(): Waiting {
  let settle: (open: boolean) => void = () => undefined;
  const answer = new Promise<boolean>((resolve) => (settle = resolve));
  return { answer, settle };
}

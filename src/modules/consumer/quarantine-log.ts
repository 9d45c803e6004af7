import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type PoisonCode } from '../../domain/claim.js';
import { type Timer, Timers } from '../../platform/flow/timers.js';
import { type Poison } from './poison.js';

/** A code has one line in this time, ms, after its first one. */
const INTERVAL_MS = 60_000;
/** Quarantined messages that one line names. */
const MAX_NAMED = 20;

/** Of a reason, which may repeat what a stranger has written. */
const MAX_LENGTH = 200;

/** What came of one code since its last line. */
interface Gathered {
  count: number;
  /** The first ones. */
  readonly named: Poison[];
  timer: Timer;
}

/**
 * Logs what was quarantined, and why. The first message of a code has its line at once; what follows within a minute has one
 * line at its end. Whoever writes to the topic must not be able to fill the log.
 */
@Injectable()
export class QuarantineLog implements OnApplicationShutdown {
  private readonly logger = new Logger(QuarantineLog.name);
  private readonly gathered = new Map<PoisonCode, Gathered>();
  private ended = false;

  constructor(private readonly timers: Timers) {}

  note(poison: readonly Poison[]): void {
    for (const code of new Set(poison.map((one) => one.code))) {
      this.noteOf(
        code,
        poison.filter((one) => one.code === code),
      );
    }
  }

  /** After the consumer has ended: what is gathered has its line, and no timer is left. */
  onApplicationShutdown(): void {
    this.ended = true;
    for (const [code, { count, named, timer }] of this.gathered) {
      this.timers.cancel(timer);
      this.write(code, count, named);
    }
    this.gathered.clear();
  }

  private noteOf(code: PoisonCode, some: readonly Poison[]): void {
    const gathered = this.gathered.get(code);
    if (gathered === undefined) {
      this.write(code, some.length, some.slice(0, MAX_NAMED));
      if (!this.ended) this.gathered.set(code, { count: 0, named: [], timer: this.endLater(code) });
      return;
    }
    gathered.count += some.length;
    gathered.named.push(...some.slice(0, MAX_NAMED - gathered.named.length));
  }

  private endLater(code: PoisonCode): Timer {
    return this.timers.after(INTERVAL_MS, () => {
      const { count = 0, named = [] } = this.gathered.get(code) ?? {};
      this.write(code, count, named);
      if (count === 0) this.gathered.delete(code);
      else this.gathered.set(code, { count: 0, named: [], timer: this.endLater(code) });
    });
  }

  private write(code: PoisonCode, count: number, named: readonly Poison[]): void {
    const [first] = named;
    if (first === undefined) return;
    const what = count === 1 ? '1 claim event was' : `${count} claim events were`;
    this.logger.warn({
      message: `${what} quarantined as ${code}: ${plain(first.reason)}`,
      quarantined: named.map(({ record, event }) => ({
        code,
        claimId: event?.claimId ?? null,
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
      })),
    });
  }
}

/** A terminal shows it as it is. */
function plain(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_LENGTH);
}

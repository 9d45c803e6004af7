import { Injectable } from '@nestjs/common';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { EpochWatch } from './epoch-watch.js';

/**
 * Whether this process could admit a claim now. One answer for the claims, for readiness and for the log, so that a
 * process never says that it is ready while every claim is answered 503.
 */
@Injectable()
export class Admission {
  /** Why the database stored no claim that the log had not taken; null since it stores them, or was never asked. */
  private storeRefusal: string | null = null;

  constructor(
    private readonly watch: EpochWatch,
    private readonly log: ClaimLog,
  ) {}

  /** A claim that the log did not take was not stored in the database either. */
  storeRefused(reason: string): void {
    this.storeRefusal = reason;
  }

  storeTakes(): void {
    this.storeRefusal = null;
  }

  /** The database is known not to store claims. */
  get storeAway(): boolean {
    return this.storeRefusal !== null || this.watch.state.databaseAway;
  }

  /** Neither log nor database would make a claim durable: one that is admitted would hold a slot for nothing. */
  get nowhereDurable(): boolean {
    return this.log.away && this.storeAway;
  }

  /** Why no claim can be admitted, in plain words; null when one can. A full queue is no obstacle: it empties by itself. */
  get obstacle(): string | null {
    const { state, gateTrouble } = this.watch.state;
    if (state === 'unknown') return 'the database has not said yet which gate is open';
    if (state === 'fenced') return 'the gate is closed until it is rebuilt';
    if (gateTrouble !== null) return gateTrouble;
    if (!this.nowhereDurable) return null;
    return `neither the claim log nor the database takes claims: ${this.storeRefusal ?? 'the database does not answer'}`;
  }
}

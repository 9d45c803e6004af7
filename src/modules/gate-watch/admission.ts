import { Injectable } from '@nestjs/common';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { EpochWatch } from './epoch-watch.js';

/**
 * Says whether this process could admit a claim now. Claims, readiness and the log ask the same question here, so that
 * a process is never ready while it answers every claim 503.
 */
@Injectable()
export class Admission {
  /** Why the database last refused a claim that the log had not taken; null after it stored one, or was never asked. */
  private storeRefusal: string | null = null;

  constructor(
    private readonly watch: EpochWatch,
    private readonly log: ClaimLog,
  ) {}

  /** Neither the log nor the database took a claim. */
  storeRefused(reason: string): void {
    this.storeRefusal = reason;
  }

  storeAccepted(): void {
    this.storeRefusal = null;
  }

  /** Whether the database is known to store no claims. */
  get storeAway(): boolean {
    return this.storeRefusal !== null || this.watch.state.databaseAway;
  }

  /** What the database said when it last refused a claim; null while it is not known to refuse any. */
  get storeTrouble(): string | null {
    return this.storeRefusal;
  }

  /** Neither log nor database can make a claim durable. A claim that the gate admits now would hold a slot in vain. */
  get nowhereDurable(): boolean {
    return this.log.away && this.storeAway;
  }

  /** Why no claim can be admitted, in plain words; null when one can. A full queue is none: it empties by itself. */
  get obstacle(): string | null {
    const { state, gateTrouble } = this.watch.state;
    if (state === 'unknown') return 'the database has not said yet which gate is open';
    if (state === 'fenced') return 'the gate is closed until it is rebuilt';
    if (gateTrouble !== null) return gateTrouble;
    if (!this.nowhereDurable) return null;
    return `neither the claim log nor the database takes claims: ${this.storeRefusal ?? 'the database does not answer'}`;
  }
}

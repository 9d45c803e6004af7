import { Injectable } from '@nestjs/common';
import { Clock } from '../flow/clock.js';
import { Entropy } from '../flow/entropy.js';
import { Problem } from '../http/problem/problem.js';
import { KeyedGcra } from '../rates/keyed-gcra.js';
import { type Actor, BOOTSTRAP } from './actor.js';

/** How many calls of one actor may leave a row each in the audit. */
const RATE = { count: 30, windowMs: 60_000 };
/** Room for 512 actors. */
const SETS = 64;

/**
 * Slows calls that change nothing and leave a row in the audit all the same: sign-ins and exports. No row is ever deleted, so
 * a viewer could fill the database. ADMIN_TOKEN is not slowed: operators may share it, and its holder can leave rows in other ways.
 */
@Injectable()
export class RecordedCalls {
  private readonly calls: KeyedGcra;

  constructor(
    private readonly clock: Clock,
    entropy: Entropy,
  ) {
    this.calls = new KeyedGcra(RATE, entropy, SETS);
  }

  /** @throws Problem `too-many-requests`. */
  note({ id }: Pick<Actor, 'id'>): void {
    if (id === BOOTSTRAP.id) return;
    const waitMs = this.calls.waitFor(id, this.clock.monotonic());
    if (waitMs === 0) return;
    throw new Problem('too-many-requests', { headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) } });
  }
}

import { type Entropy } from '../flow/entropy.js';
import { type Rate } from './rate.js';

/** Places of a set. A key has one set, and may take any of its places. */
const WAYS = 8;
/** Two million places: with a million keys, one set in fifty has more keys than places. 25 MB. */
const SETS = 262_144;
/** ms. Below this, a difference between two instants is an error of rounding. */
const ROUNDING_MS = 0.001;

/**
 * Counts calls by key (the generic cell rate algorithm, GCRA). `10/10s` lets a key that has rested make 10 calls at once,
 * and then one each second. A refused call costs nothing: the key may call again when its wait is over.
 *
 * For each key it keeps one instant: when the calls that have passed are paid off. Before that a key is in debt, and
 * afterwards it is as good as forgotten. So the table needs neither a queue of the keys that were used last nor a timer:
 * where a set is full, the key with the smallest debt loses its place. A key that floods has the largest debt and stays.
 *
 * The table holds no keys, but 32 bits of their hash, in memory of a fixed size that the garbage collector never walks.
 * Two keys of one set whose 32 bits are equal share their limit: one new key in 500 million.
 */
export class KeyedGcra {
  private readonly intervalMs: number;
  private readonly toleranceMs: number;
  private readonly prints: Uint32Array;
  private readonly paidOffAt: Float64Array;
  private readonly seeds = new Uint32Array(2);

  /**
   * @param entropy seeds the hash, so that a caller cannot choose keys that meet in one set.
   * @param sets a power of two.
   */
  constructor(
    { count, windowMs }: Rate,
    entropy: Entropy,
    private readonly sets = SETS,
  ) {
    this.intervalMs = windowMs / count;
    this.toleranceMs = windowMs - this.intervalMs + ROUNDING_MS;
    this.prints = new Uint32Array(sets * WAYS);
    this.paidOffAt = new Float64Array(sets * WAYS);
    entropy.fill(new Uint8Array(this.seeds.buffer));
  }

  /**
   * Lets a call of this key pass, or not.
   *
   * @param now monotonic, ms.
   * @returns 0 if it passes; otherwise after how many ms one would.
   */
  waitFor(key: string, now: number): number {
    const { prints, paidOffAt } = this;
    // Two hashes in one walk over the key: one for the set, one for the print.
    let set = this.seeds[0]!;
    let print = this.seeds[1]!;
    for (let at = 0; at < key.length; at++) {
      const unit = key.charCodeAt(at);
      set = Math.imul(set ^ unit, 0x9e3779b1);
      set ^= set >>> 15;
      print = Math.imul(print ^ unit, 0x85ebca6b);
      print ^= print >>> 13;
    }
    set = Math.imul(set ^ (set >>> 16), 0x21f0aaad);
    print = Math.imul(print ^ (print >>> 15), 0x735a2d97);
    const first = ((set ^ (set >>> 15)) & (this.sets - 1)) * WAYS;
    print = (print ^ (print >>> 15)) >>> 0;

    let place = first;
    let smallestDebt = Infinity;
    for (let at = first; at < first + WAYS; at++) {
      const until = paidOffAt[at]!;
      if (prints[at] === print) {
        const from = Math.max(until, now);
        const wait = from - now - this.toleranceMs;
        if (wait > 0) return wait;
        paidOffAt[at] = from + this.intervalMs;
        return 0;
      }
      if (until < smallestDebt) {
        smallestDebt = until;
        place = at;
      }
    }
    prints[place] = print;
    paidOffAt[place] = now + this.intervalMs;
    return 0;
  }
}

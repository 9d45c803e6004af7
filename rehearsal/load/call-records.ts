import { type HeardCall, NO_ANSWER, type PromisedClaim, type SeenClaim } from '../../oracle/told.js';
import { type Manner, MANNERS } from './call-plan.js';

/** What became of the calls of one thread, column by column. */
export interface CallRecords {
  /** When each call was due, made and answered: ms, see `clock.ts`. `asked` is negative for a call that was not made. */
  readonly due: Float64Array;
  readonly asked: Float64Array;
  readonly heard: Float64Array;
  readonly user: Uint32Array;
  readonly manner: Uint8Array;
  /** Indexes of {@link words}. */
  readonly word: Uint8Array;
  readonly words: readonly string[];
  /** 0: the answer names no claim. */
  readonly sequence: Uint32Array;
  /** ms since the Unix epoch. */
  readonly claimedAt: Float64Array;
  readonly claimIds: readonly (string | undefined)[];
  /** 1: a `sold-out` that is final. */
  readonly final: Uint8Array;
}

/** One call, and how it was made. */
export interface RecordedCall extends HeardCall {
  readonly due: number;
  readonly manner: Manner;
}

/** Calls of one thread as they are made. */
export class CallLog {
  private due: Float64Array;
  private asked: Float64Array;
  private heard: Float64Array;
  private user: Uint32Array;
  private manner: Uint8Array;
  private word: Uint8Array;
  private sequence: Uint32Array;
  private claimedAt: Float64Array;
  private final: Uint8Array;
  private readonly claimIds: (string | undefined)[] = [];
  private readonly words: string[] = [];
  private readonly wordIndexes = new Map<string, number>();
  private length = 0;

  constructor(capacity: number) {
    const size = Math.max(16, capacity);
    [this.due, this.asked, this.heard, this.claimedAt] = [0, 0, 0, 0].map(() => new Float64Array(size)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    [this.user, this.sequence] = [new Uint32Array(size), new Uint32Array(size)];
    [this.manner, this.word, this.final] = [new Uint8Array(size), new Uint8Array(size), new Uint8Array(size)];
  }

  /** @returns the number of the call. */
  add(due: number, user: number, manner: number): number {
    if (this.length === this.due.length) this.grow();
    const call = this.length++;
    this.due[call] = due;
    this.asked[call] = -1;
    this.heard[call] = -1;
    this.user[call] = user;
    this.manner[call] = manner;
    return call;
  }

  noteAsked(call: number, at: number): void {
    this.asked[call] = at;
  }

  noteHeard(call: number, at: number, word: string, claim?: SeenClaim, final = false): void {
    this.heard[call] = at;
    this.word[call] = this.indexOf(word);
    if (final) this.final[call] = 1;
    if (claim === undefined) return;
    this.sequence[call] = claim.sequence;
    this.claimedAt[call] = claim.claimedAt;
    this.claimIds[call] = claim.claimId;
  }

  dueOf(call: number): number {
    return this.due[call]!;
  }

  askedOf(call: number): number {
    return this.asked[call]!;
  }

  userOf(call: number): number {
    return this.user[call]!;
  }

  mannerOf(call: number): number {
    return this.manner[call]!;
  }

  /** @param at calls that are under way count as without an answer until then. */
  records(at: number): CallRecords {
    const to = this.length;
    for (let call = 0; call < to; call++) {
      if (this.asked[call]! >= 0 && this.heard[call]! < 0) this.noteHeard(call, at, NO_ANSWER);
    }
    return {
      due: this.due.slice(0, to),
      asked: this.asked.slice(0, to),
      heard: this.heard.slice(0, to),
      user: this.user.slice(0, to),
      manner: this.manner.slice(0, to),
      word: this.word.slice(0, to),
      words: this.words,
      sequence: this.sequence.slice(0, to),
      claimedAt: this.claimedAt.slice(0, to),
      claimIds: this.claimIds,
      final: this.final.slice(0, to),
    };
  }

  private indexOf(word: string): number {
    let index = this.wordIndexes.get(word);
    if (index === undefined) {
      index = this.words.push(word) - 1;
      this.wordIndexes.set(word, index);
    }
    return index;
  }

  private grow(): void {
    const twice = <T extends Float64Array | Uint32Array | Uint8Array>(column: T): T => {
      const larger = new (column.constructor as new (length: number) => T)(column.length * 2);
      larger.set(column);
      return larger;
    };
    [this.due, this.asked, this.heard] = [twice(this.due), twice(this.asked), twice(this.heard)];
    [this.user, this.sequence, this.claimedAt] = [twice(this.user), twice(this.sequence), twice(this.claimedAt)];
    [this.manner, this.word, this.final] = [twice(this.manner), twice(this.word), twice(this.final)];
  }
}

/** The calls that were made, as the oracle reads them. */
export function callsOf(records: CallRecords, userId: (user: number) => string): RecordedCall[] {
  const calls: RecordedCall[] = [];
  for (let call = 0; call < records.due.length; call++) {
    const at = records.asked[call]!;
    if (at < 0) continue;
    const sequence = records.sequence[call]!;
    const claimId = records.claimIds[call];
    calls.push({
      userId: userId(records.user[call]!),
      word: records.words[records.word[call]!]!,
      at,
      ms: records.heard[call]! - at,
      due: records.due[call]!,
      manner: MANNERS[records.manner[call]!]!,
      ...(sequence === 0
        ? {}
        : { claim: { ...(claimId === undefined ? {} : { claimId }), sequence, claimedAt: records.claimedAt[call]! } }),
      ...(records.final[call] === 1 ? { final: true } : {}),
    });
  }
  return calls;
}

/**
 * The promises among the calls. A 202 that repeats an earlier one of the same claim is one promise: made when the first
 * answer was there, by a call that may have been any of the user's.
 */
export function promisesIn(calls: readonly HeardCall[]): PromisedClaim[] {
  const firstAsked = new Map<string, number>();
  for (const { userId, at } of calls) firstAsked.set(userId, Math.min(at, firstAsked.get(userId) ?? Infinity));
  const promises = new Map<string, PromisedClaim>();
  for (const { userId, word, at, ms, claim } of calls) {
    if (word !== '202' || claim?.claimId === undefined) continue;
    const { claimId, sequence, claimedAt } = claim;
    const heard = at + ms;
    const known = promises.get(claimId);
    if (known !== undefined && known.heard <= heard) continue;
    promises.set(claimId, { userId, claimId, sequence, claimedAt, asked: firstAsked.get(userId) ?? at, heard });
  }
  return [...promises.values()];
}

import {
  type HeardCall,
  IN_DOUBT,
  type PromisedClaim,
  type ShownClaim,
  type StatusLook,
  type StockLook,
} from './told.js';

/** A coupon as it is stored. */
export interface StoredCoupon extends ShownClaim {
  readonly userId: string;
}

/**
 * What the callers of one drop were told, and what became of it. Every time is of one monotonic clock, that of the
 * callers.
 */
export interface History {
  /** The 202s that no operator took back. */
  readonly promised: readonly PromisedClaim[];
  readonly calls: readonly Pick<HeardCall, 'userId' | 'word' | 'at' | 'ms' | 'claim' | 'final'>[];
  readonly statusLooks: readonly StatusLook[];
  readonly stockLooks: readonly StockLook[];
  /** Calls whose claim may have been admitted, although no answer says so. */
  readonly callsInDoubt: number;
  readonly coupons: readonly StoredCoupon[];
  readonly discarded: readonly Pick<StoredCoupon, 'userId' | 'sequence'>[];
  /** The gate was rebuilt during the drop. It may have forgotten claims that were never promised. */
  readonly rebuilt: boolean;
  /** An operator has discarded claims, and their slots came free. */
  readonly released: boolean;
  /** An operator has changed the total. */
  readonly raised: boolean;
}

/** Every check of this file: what it has found, one line for each contradiction. */
export type Check = (history: History) => string[];

const ended = ({ at, ms }: Pick<HeardCall, 'at' | 'ms'>): number => at + ms;
const name = ({ userId, sequence }: Pick<StoredCoupon, 'userId' | 'sequence'>): string => `${userId} (${sequence})`;

/** The gate gives no sequence out twice, not even after a rebuild. */
export const sameSequence: Check = ({ promised, coupons }) => {
  const repeated = (claims: readonly Pick<StoredCoupon, 'userId' | 'sequence'>[]) => {
    const holders = new Map<number, string>();
    return claims.flatMap((claim) => {
      const first = holders.get(claim.sequence);
      if (first === undefined) holders.set(claim.sequence, claim.userId);
      return first === undefined ? [] : [`${name(claim)} has the sequence of ${first}`];
    });
  };
  return [...repeated(promised), ...repeated(coupons)];
};

/**
 * Linearizable: a caller who asked when another one had the 202 stands behind that one. For a coupon without a 202 it
 * is known when its user asked first, but not when the last of the user's calls was executed.
 */
export const outOfOrder: Check = ({ promised, calls, coupons }) => {
  const firstAsked = new Map<string, number>();
  for (const { userId, at } of calls) firstAsked.set(userId, Math.min(at, firstAsked.get(userId) ?? Infinity));
  const withAnswer = new Set(promised.map(({ claimId }) => claimId));
  const others = coupons
    .filter(({ claimId }) => !withAnswer.has(claimId))
    .map((coupon) => ({ ...coupon, asked: firstAsked.get(coupon.userId) ?? -Infinity }));
  const answered = [...promised].sort((a, b) => a.heard - b.heard);
  let highest: PromisedClaim | undefined;
  let next = 0;
  return [...promised, ...others]
    .sort((a, b) => a.asked - b.asked)
    .flatMap((claim) => {
      for (let one = answered[next]; one !== undefined && one.heard < claim.asked; one = answered[++next]) {
        if (highest === undefined || one.sequence > highest.sequence) highest = one;
      }
      if (highest === undefined || claim.sequence > highest.sequence) return [];
      return [`${name(claim)} asked ${(claim.asked - highest.heard).toFixed(1)} ms after ${name(highest)} had the 202`];
    });
};

/**
 * The first claims win. Every sequence up to the last winner's belongs to a coupon, or to a claim that an operator has
 * discarded. A rebuild may forget claims that were never promised; each is of a call that was in doubt.
 */
export const skipped: Check = ({ coupons, discarded, rebuilt, callsInDoubt }) => {
  const known = new Set([...coupons, ...discarded].map(({ sequence }) => sequence));
  const last = coupons.reduce((most, { sequence }) => Math.max(most, sequence), 0);
  const missing: string[] = [];
  for (let sequence = 1; sequence <= last; sequence++) {
    if (!known.has(sequence)) missing.push(`sequence ${sequence} did not win, and ${last} did`);
  }
  return rebuilt && missing.length <= callsInDoubt ? [] : missing;
};

/** A coupon is the claim that its caller was told of, by a 202 or by `already-claimed`. */
export const altered: Check = ({ calls, promised, coupons }) => {
  // A claim is known by its id, and where a caller is not told it, by its user and its sequence.
  const placeOf = ({ userId, sequence }: Pick<StoredCoupon, 'userId' | 'sequence'>) => `${userId} ${sequence}`;
  const coupon = new Map(
    coupons.flatMap((one) => [
      [one.claimId, one],
      [placeOf(one), one],
    ]),
  );
  const seen = calls.flatMap(({ userId, claim }) => (claim === undefined ? [] : { userId, ...claim }));
  const shown = [...promised, ...seen].map((claim) => ({ ...claim, known: claim.claimId ?? placeOf(claim) }));
  const told = new Map(shown.map((claim) => [`${claim.known} ${claim.sequence} ${claim.claimedAt}`, claim]));
  return [...told.values()].flatMap(({ known, sequence, claimedAt }) => {
    const stored = coupon.get(known);
    if (stored === undefined || (stored.sequence === sequence && stored.claimedAt === claimedAt)) return [];
    return [`${name(stored)} was told sequence ${sequence} at ${claimedAt}, and the coupon says ${stored.claimedAt}`];
  });
};

/** The gate's clock does not go backwards against the order of the claims. */
export const backInTime: Check = ({ coupons }) => {
  let latest: StoredCoupon | undefined;
  return [...coupons]
    .sort((a, b) => a.sequence - b.sequence)
    .flatMap((coupon) => {
      const before = latest;
      if (before === undefined || coupon.claimedAt >= before.claimedAt) latest = coupon;
      if (before === undefined || coupon.claimedAt >= before.claimedAt) return [];
      return [`${name(coupon)} was claimed ${before.claimedAt - coupon.claimedAt} ms before ${name(before)}`];
    });
};

/**
 * `already-claimed` shows the claim that the user has, by its sequence: the promised one from its 202 on. Otherwise it asserts nothing
 * durable, but only a rebuild can forget it.
 */
export const renamed: Check = ({ calls, promised, coupons, discarded, rebuilt }) => {
  const coupon = new Map(coupons.map(({ userId, sequence }) => [userId, sequence]));
  const promise = new Map(promised.map((claim) => [claim.userId, claim]));
  const excused = new Set(discarded.map(({ userId }) => userId));
  return calls.flatMap(({ userId, word, at, claim }) => {
    if (word !== '409 already-claimed' || claim === undefined || excused.has(userId)) return [];
    const own = promise.get(userId);
    const promisedBefore = own !== undefined && own.heard < at;
    if (promisedBefore && own.sequence !== claim.sequence) {
      return [`${name(own)} was shown ${claim.sequence}`];
    }
    if (rebuilt || coupon.get(userId) === claim.sequence) return [];
    return [`${userId} was shown ${claim.sequence}, and the coupon is ${coupon.get(userId) ?? 'none'}`];
  });
};

/** A caller who has the 202 can see the claim at once. An api that cannot tell says 503. */
export const notFound: Check = ({ statusLooks, discarded }) => {
  const excused = new Set(discarded.map(({ userId }) => userId));
  return statusLooks.flatMap(({ userId, claimId, status, shown }) => {
    if (excused.has(userId) || (status !== 404 && (shown === null || shown === claimId))) return [];
    return [`${userId} was promised ${claimId}, and its status was ${status} ${shown ?? ''}`.trim()];
  });
};

/**
 * In one epoch and under the same terms, the stock only falls. An api shows a stock that may be a second old, so each
 * is compared with itself.
 */
export const cameBack: Check = ({ stockLooks, released }) => {
  if (released) return [];
  const bySource = new Map<string, StockLook[]>();
  for (const look of stockLooks) {
    const key = `${look.url} ${look.epoch} ${look.version}`;
    bySource.set(key, [...(bySource.get(key) ?? []), look]);
  }
  return [...bySource.values()].flatMap((looks) => {
    const answered = [...looks].sort((a, b) => a.heard - b.heard);
    let least: StockLook | undefined;
    let next = 0;
    return [...looks]
      .sort((a, b) => a.asked - b.asked)
      .flatMap((look) => {
        for (let one = answered[next]; one !== undefined && one.heard < look.asked; one = answered[++next]) {
          if (least === undefined || one.remaining < least.remaining) least = one;
        }
        if (least === undefined || look.remaining <= least.remaining) return [];
        return [`${look.url} showed ${look.remaining} in epoch ${look.epoch}, and ${least.remaining} before`];
      });
  });
};

/**
 * A final `sold-out` is true for ever: no call that was made after its answer gets a 202. Only an operator's act sells
 * again, a rebuild does not.
 */
export const afterFinal: Check = ({ calls, promised, released, raised }) => {
  if (released || raised) return [];
  const told = calls
    .filter(({ word, final }) => word === '409 sold-out' && final === true)
    .reduce((first, call) => Math.min(first, ended(call)), Infinity);
  return promised
    .filter(({ asked }) => asked > told)
    .map((claim) => `${name(claim)} asked ${(claim.asked - told).toFixed(1)} ms after a final sold-out`);
};

/** A user who gets one of these holds a slot, or may hold one. */
const MAY_HOLD_A_SLOT: ReadonlySet<string> = new Set(['202', '409 already-claimed', ...IN_DOUBT]);

/**
 * Users who were told `sold-out` when fewer than `total` users can have had a slot. It is not always known who has a
 * slot. A user who had asked by then may have one, unless the answer said that nothing was taken.
 */
export function soldOutTooEarly(
  calls: readonly Pick<HeardCall, 'userId' | 'word' | 'at' | 'ms'>[],
  total: number,
): string[] {
  const firstAsked = new Map<string, number>();
  for (const { userId, word, at } of calls) {
    if (MAY_HOLD_A_SLOT.has(word)) firstAsked.set(userId, Math.min(at, firstAsked.get(userId) ?? Infinity));
  }
  const nth = total <= 0 ? -Infinity : ([...firstAsked.values()].sort((a, b) => a - b)[total - 1] ?? Infinity);
  return calls.filter(({ word, at, ms }) => word === '409 sold-out' && at + ms < nth).map(({ userId }) => userId);
}

/** Users who had a promise, and were told `sold-out` when they asked again: they have one of what is sold. */
export function disowned({ calls, promised, discarded }: Pick<History, 'calls' | 'promised' | 'discarded'>): string[] {
  const excused = new Set(discarded.map(({ userId }) => userId));
  const heard = new Map(promised.map((claim) => [claim.userId, claim.heard]));
  return calls
    .filter(({ userId, word, at }) => word === '409 sold-out' && at > (heard.get(userId) ?? Infinity))
    .filter(({ userId }) => !excused.has(userId))
    .map(({ userId }) => userId);
}

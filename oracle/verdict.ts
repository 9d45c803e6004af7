import {
  afterFinal,
  altered,
  backInTime,
  cameBack,
  type History,
  notFound,
  outOfOrder,
  renamed,
  sameSequence,
  skipped,
  type StoredCoupon,
} from './history.js';
import { type PromisedClaim } from './told.js';

/**
 * The broken promises of one drop. All numbers are 0 if every promise was kept. Those up to `under` compare the rows
 * with the 202s; the others, up to `drift`, find answers and rows that contradict one another.
 */
export interface Verdict {
  /** 202s without a coupon. */
  readonly lost: number;
  /** Coupons beyond the total. */
  readonly over: number;
  /** Rows beyond one for each user. */
  readonly dup: number;
  /** Coupons of users who never asked. */
  readonly ghost: number;
  /** Pending claims and failed events that are in no final state. */
  readonly stuck: number;
  /** Coupons that were not sold although enough users asked. */
  readonly under: number;
  /** 202s, or coupons, with the same sequence as another one. */
  readonly sameSequence: number;
  /** Claims with a lower sequence than one that was answered 202 before their user asked. */
  readonly outOfOrder: number;
  /** Sequences below a winner's whose claim did not win. */
  readonly skipped: number;
  /** Coupons whose sequence or instant is not what their caller was told. */
  readonly altered: number;
  /** Coupons that were claimed before one with a lower sequence. */
  readonly backInTime: number;
  /** Answers `already-claimed` that name another claim than the one that counts. */
  readonly renamed: number;
  /** Claims that were not to be seen right after their 202, or another one in their place. */
  readonly notFound: number;
  /** How often the stock rose although no claim was released. */
  readonly cameBack: number;
  /** 202s of callers who asked when another one had been told that nothing more can be sold. */
  readonly afterFinal: number;
  /** What the service's own audit finds. It has to find nothing where the oracle finds nothing. */
  readonly drift: number;
  /** Some of the contradictions, in words. */
  readonly examples: readonly string[];
}

export const KEPT: Verdict = {
  lost: 0,
  over: 0,
  dup: 0,
  ghost: 0,
  stuck: 0,
  under: 0,
  sameSequence: 0,
  outOfOrder: 0,
  skipped: 0,
  altered: 0,
  backInTime: 0,
  renamed: 0,
  notFound: 0,
  cameBack: 0,
  afterFinal: 0,
  drift: 0,
  examples: [],
};

/** The promises whose breach shows as a contradiction. */
export const CONTRADICTIONS = [
  'sameSequence',
  'outOfOrder',
  'skipped',
  'altered',
  'backInTime',
  'renamed',
  'notFound',
  'cameBack',
  'afterFinal',
  'drift',
] as const satisfies readonly (keyof Verdict)[];

/** The most contradictions that a verdict puts into words. */
const EXAMPLES = 10;

/** The facts from which the verdict is made. */
export interface Evidence {
  /** Every coupon of the campaign. */
  readonly coupons: readonly StoredCoupon[];
  /** The claims of the campaign that an operator has discarded. */
  readonly discarded: readonly Pick<StoredCoupon, 'userId' | 'sequence'>[];
  /** Failed events in no final state. */
  readonly unfinished: number;
  /** Pending claims, from the audit of the campaign. */
  readonly pending: number;
  /** From the audit too. */
  readonly drift: number;
  /** The epoch in which the evidence was taken. */
  readonly epoch: number;
}

/** Promises that an operator has changed. */
export interface Pardon {
  /** True for a promise that an operator took back. */
  readonly excuse?: (claim: PromisedClaim) => boolean;
  /** An operator has changed the total. */
  readonly totalChanged?: boolean;
}

/** What the callers of one drop were told. */
export interface Told extends Pick<History, 'calls' | 'statusLooks' | 'stockLooks' | 'callsInDoubt'> {
  readonly total: number;
  /** The epoch in which the drop began; null if it is unknown. */
  readonly epoch: number | null;
  /** The users who asked, and those who may have a coupon from before. */
  readonly asked: ReadonlySet<string>;
  /** Every 202. */
  promised(): readonly PromisedClaim[];
}

export function weigh(told: Told, evidence: Evidence, pardon: Pardon = {}): Verdict {
  const { coupons, unfinished, pending, drift } = evidence;
  const { excuse = () => false } = pardon;
  const { total } = told;
  const claimOf = new Map(coupons.map(({ userId, claimId }) => [userId, claimId]));
  const promised = told.promised().filter((claim) => !excuse(claim));
  const history = historyOf(told, promised, evidence, pardon);
  const found = Object.fromEntries(Object.entries(CHECKS).map(([name, check]) => [name, check(history)])) as Record<
    keyof typeof CHECKS,
    string[]
  >;
  const counts = Object.fromEntries(
    Object.entries(found).map(([name, contradictions]) => [name, contradictions.length]),
  ) as Record<keyof typeof CHECKS, number>;
  return {
    lost: promised.filter(({ userId, claimId }) => claimOf.get(userId) !== claimId).length,
    over: Math.max(0, coupons.length - total),
    dup: coupons.length - claimOf.size,
    ghost: [...claimOf.keys()].filter((user) => !told.asked.has(user)).length,
    stuck: pending + unfinished,
    under: told.asked.size >= total ? Math.max(0, total - coupons.length) : 0,
    ...counts,
    drift: Math.abs(drift),
    examples: Object.entries(found)
      .flatMap(([name, contradictions]) => contradictions.map((words) => `${name}: ${words}`))
      .slice(0, EXAMPLES),
  };
}

const CHECKS = {
  sameSequence,
  outOfOrder,
  skipped,
  altered,
  backInTime,
  renamed,
  notFound,
  cameBack,
  afterFinal,
};

function historyOf(
  { calls, statusLooks, stockLooks, callsInDoubt, epoch: begun }: Told,
  promised: readonly PromisedClaim[],
  { coupons, discarded, epoch }: Evidence,
  { totalChanged = false }: Pardon,
): History {
  return {
    promised,
    calls,
    statusLooks,
    stockLooks,
    callsInDoubt,
    coupons,
    discarded,
    rebuilt: begun !== epoch,
    released: discarded.length > 0,
    raised: totalChanged,
  };
}

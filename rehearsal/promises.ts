import { disowned, soldOutTooEarly } from '../oracle/history.js';
import {
  type HeardCall,
  NO_ANSWER,
  type PromisedClaim,
  REFUSED,
  type StatusLook,
  type StockLook,
} from '../oracle/told.js';
import { type Evidence, type Verdict, weigh } from '../oracle/verdict.js';

/** The promises of the service, in the order of its README. */
export const PROMISES = [
  'becomes-coupon',
  'never-over',
  'nobody-twice',
  'who-asked',
  'nothing-stuck',
  'no-slot-lost',
  'order-kept',
  'told-is-stored',
  'refusals-true',
  'seen-at-once',
  'stock-falls',
  'answers-known',
  'audit-agrees',
] as const;

export type PromiseId = (typeof PROMISES)[number];

/** Why a promise could not be judged. */
export type Unjudged = 'broken-off' | 'demand-too-low' | 'terms-changed';

/** What became of one promise. */
export interface PromiseResult {
  readonly id: PromiseId;
  readonly state: 'kept' | 'broken' | 'not-judged';
  /** How many things were looked at, such as 202s. */
  readonly checked: number;
  /** How many of them broke it. */
  readonly broken: number;
  readonly because?: Unjudged;
}

/** All that a rehearsal knows when it judges. */
export interface RehearsalEvidence extends Omit<Evidence, 'epoch'> {
  readonly calls: readonly HeardCall[];
  readonly promised: readonly PromisedClaim[];
  readonly statusLooks: readonly StatusLook[];
  readonly stockLooks: readonly StockLook[];
  readonly total: number;
  /** Users who had a coupon of this campaign before. */
  readonly before: ReadonlySet<string>;
  /** The campaign is one that others may call, too. */
  readonly shared: boolean;
  /** The users of this rehearsal have ids that begin with this. */
  readonly userPrefix: string;
  /** Epochs of the gate at the beginning and at the end; null if it was not open. */
  readonly epochs: readonly [number | null, number | null];
  /** An operator has changed the campaign meanwhile. */
  readonly termsChanged: boolean;
  readonly brokenOff: boolean;
}

export interface Judgement {
  readonly promises: readonly PromiseResult[];
  /** Some of the breaches, in words. */
  readonly examples: readonly string[];
  readonly kept: boolean;
}

/** The answers to a claim that the documents name. `429` and `503 busy` are those of limits that an operator has set. */
const KNOWN: ReadonlySet<string> = new Set([
  '202',
  '409 already-claimed',
  '409 sold-out',
  '503 issuer-unavailable',
  '503 claim-unconfirmed',
  '503 busy',
  '429 too-many-requests',
  '503 too-many-connections',
  '408 request-timeout',
  NO_ANSWER,
  REFUSED,
]);
const MOST_EXAMPLES = 20;

/** Judges by what callers heard and by the coupons that the service shows. */
export function judge(evidence: RehearsalEvidence): Judgement {
  const { calls, promised, coupons, before, shared, userPrefix, total, discarded, brokenOff, termsChanged } = evidence;
  const others = shared
    ? coupons.map(({ userId }) => userId).filter((user) => !user.startsWith(userPrefix) && !before.has(user))
    : [];
  const asked = new Set([...calls.map(({ userId }) => userId), ...before, ...others]);
  const verdict = weigh(
    {
      total,
      epoch: evidence.epochs[0],
      asked,
      calls,
      statusLooks: evidence.statusLooks,
      stockLooks: evidence.stockLooks,
      callsInDoubt: calls.filter(({ word }) => word === NO_ANSWER || word === '503 claim-unconfirmed').length,
      promised: () => promised,
    },
    { ...evidence, epoch: evidence.epochs[1] ?? NaN },
    { totalChanged: termsChanged },
  );
  const tooEarly =
    termsChanged || discarded.length > 0 ? [] : soldOutTooEarly(calls, total - before.size - others.length);
  const denied = disowned({ calls, promised, discarded });
  const unknown = calls.filter(({ word }) => !KNOWN.has(word));
  const results = resultsOf(evidence, verdict, {
    tooEarly: tooEarly.length,
    denied: denied.length,
    unknown: unknown.length,
  });
  const underJudged = brokenOff
    ? 'broken-off'
    : termsChanged
      ? 'terms-changed'
      : asked.size < total
        ? 'demand-too-low'
        : null;
  const promises = results.map((result): PromiseResult => {
    if (result.id === 'no-slot-lost' && underJudged !== null) return notJudged(result, underJudged);
    return { ...result, state: result.broken === 0 ? 'kept' : 'broken' };
  });
  return {
    promises,
    examples: [
      ...verdict.examples,
      ...lostIn(promised, coupons),
      ...tooEarly.map((user) => `tooEarly: ${user} was told sold-out while a coupon was left`),
      ...denied.map((user) => `denied: ${user} had the 202, and was told sold-out afterwards`),
      ...unknown.map(({ userId, word }) => `unknown: ${userId} was answered ${word}`),
    ].slice(0, MOST_EXAMPLES),
    kept: promises.every(({ state }) => state !== 'broken'),
  };
}

function notJudged(result: Omit<PromiseResult, 'state'>, because: Unjudged): PromiseResult {
  return { ...result, broken: 0, state: 'not-judged', because };
}

function lostIn(promised: readonly PromisedClaim[], coupons: RehearsalEvidence['coupons']): string[] {
  const claimOf = new Map(coupons.map(({ userId, claimId }) => [userId, claimId]));
  return promised
    .filter(({ userId, claimId }) => claimOf.get(userId) !== claimId)
    .map(
      ({ userId, claimId, sequence }) =>
        `lost: ${userId} was promised ${claimId} (${sequence}), and has ${claimOf.get(userId) ?? 'no coupon'}`,
    );
}

function resultsOf(
  { calls, promised, coupons, statusLooks, stockLooks, total }: RehearsalEvidence,
  verdict: Verdict,
  found: { readonly tooEarly: number; readonly denied: number; readonly unknown: number },
): Omit<PromiseResult, 'state'>[] {
  const count = (word: string) => calls.filter((call) => call.word === word).length;
  const refusals = count('409 sold-out') + count('409 already-claimed');
  const { sameSequence, outOfOrder, skipped, backInTime } = verdict;
  const counts: Readonly<Record<PromiseId, readonly [checked: number, broken: number]>> = {
    'becomes-coupon': [promised.length, verdict.lost],
    'never-over': [coupons.length, verdict.over],
    'nobody-twice': [coupons.length, verdict.dup],
    'who-asked': [coupons.length, verdict.ghost],
    'nothing-stuck': [promised.length, verdict.stuck],
    'no-slot-lost': [total, verdict.under],
    'order-kept': [coupons.length, sameSequence + outOfOrder + skipped + backInTime],
    'told-is-stored': [promised.length + count('409 already-claimed'), verdict.altered],
    'refusals-true': [refusals, verdict.afterFinal + verdict.renamed + found.tooEarly + found.denied],
    'seen-at-once': [statusLooks.length, verdict.notFound],
    'stock-falls': [stockLooks.length, verdict.cameBack],
    'answers-known': [calls.length, found.unknown],
    'audit-agrees': [coupons.length, verdict.drift],
  };
  return PROMISES.map((id) => ({ id, checked: counts[id][0], broken: counts[id][1] }));
}

/**
 * Why a claim gets no 202, and its label in `coupon_claims_total`, which dashboards and alerts query. Each kind is also
 * the problem code of the answer: `platform/http/problem/problem-catalogue.ts` has its status and texts.
 *
 * `campaign-not-found` is not counted, because callers may invent any number of campaigns.
 */
export const CLAIM_REFUSALS = {
  'campaign-not-found': null,
  'campaign-not-started': 'not_started',
  'campaign-paused': 'paused',
  'campaign-closed': 'closed',
  'campaign-ended': 'ended',
  'sold-out': 'sold_out',
  'already-claimed': 'already_claimed',
  /** The campaign requires an entry token, and the caller has shown no good one. */
  'entry-required': 'entry_required',
  /** The gate cannot be trusted or reached; nothing was promised. */
  'issuer-unavailable': 'unavailable',
  /** The claim may or may not become a coupon; asking again tells. */
  'claim-unconfirmed': 'unconfirmed',
} as const;

export type ClaimRefusal = keyof typeof CLAIM_REFUSALS;

/** The labels of {@link CLAIM_REFUSALS}. */
export type RefusalLabel = NonNullable<(typeof CLAIM_REFUSALS)[ClaimRefusal]>;

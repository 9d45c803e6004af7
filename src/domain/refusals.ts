/**
 * Why a claim is promised nothing, and how `coupon_claims_total` names it. Dashboards and alerts ask for these labels.
 * Each kind is the problem code of its answer, too: `platform/http/problem/problems.ts` has status and texts.
 *
 * `campaign-not-found` is not counted: a caller may invent any number of campaigns.
 */
export const CLAIM_REFUSALS = {
  'campaign-not-found': null,
  'campaign-not-started': 'not_started',
  'campaign-paused': 'paused',
  'campaign-closed': 'closed',
  'campaign-ended': 'ended',
  'sold-out': 'sold_out',
  'already-claimed': 'already_claimed',
  /** The gate cannot be trusted or reached; nothing was promised. */
  'issuer-unavailable': 'unavailable',
  /** The claim may or may not become a coupon; asking again tells. */
  'claim-unconfirmed': 'unconfirmed',
} as const;

export type ClaimRefusal = keyof typeof CLAIM_REFUSALS;

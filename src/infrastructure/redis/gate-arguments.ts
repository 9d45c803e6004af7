import { type ClaimRequest, type Fields } from '../../domain/claim.js';
import { type CampaignTerms, type GatePass } from '../../ports/gate/issuance-gate.js';
import { campaignKeys } from './redis.keys.js';

/** The KEYS of every operation on a campaign, in their order. */
export function keysOf(campaignId: string, { epoch }: GatePass): readonly string[] {
  const { meta, appliedUser, pending } = campaignKeys(campaignId, epoch);
  return [meta, appliedUser, pending];
}

/** The arguments of one claim, in the order of claim-batch. */
export function claimArguments({ userId, claimId, idempotencyDigest }: ClaimRequest): string[] {
  const fields = { userId, claimId, idempotencyDigest: idempotencyDigest ?? '' };
  return Object.values(fields satisfies Fields<Omit<ClaimRequest, 'campaignId'>>);
}

/** The terms as arguments, in the order of open-campaign, open-staged and change-terms. */
export function termsArguments({ total, startsAt, endsAt, state, version }: CampaignTerms): (string | number)[] {
  const fields = { total, startsAt, endsAt: endsAt ?? '', state, version };
  return Object.values(fields satisfies Fields<Omit<CampaignTerms, 'campaignId'>>);
}

/** The keys of one campaign in one epoch. The hash tag keeps them on one node of a cluster. */
export interface CampaignKeys {
  readonly meta: string;
  readonly appliedUser: string;
  readonly pending: string;
}

/** @param campaignId matches the pattern of the HTTP edge, so it cannot contain a brace or a colon. */
export function campaignKeys(campaignId: string, epoch: number): CampaignKeys {
  // mutant: keys-without-epoch
  const prefix = `coupon:{${campaignId}}:${epoch}:`;
  return { meta: `${prefix}meta`, appliedUser: `${prefix}applied_user`, pending: `${prefix}pending` };
}

/** The pattern by which SCAN finds every key of the gate. */
export const ANY_GATE_KEY = 'coupon:{*}:*';

const KEY = /^coupon:\{[^{}]+\}:(\d{1,15}):(meta|applied_user|pending)$/;

/** The epoch that a key carries and whether it is a meta; null for a key that is not the gate's. */
export function parseGateKey(key: string): { readonly epoch: number; readonly isMeta: boolean } | null {
  const match = KEY.exec(key);
  return match === null ? null : { epoch: Number(match[1]), isMeta: match[2] === 'meta' };
}

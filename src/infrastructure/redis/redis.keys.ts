/** The keys of one campaign in one epoch. The hash tag keeps them on one node of a cluster. */
export interface CampaignKeys {
  readonly meta: string;
  readonly appliedUser: string;
  readonly pending: string;
}

/**
 * The names under which processes name the keys to the script of an epoch, which puts the installation into them
 * (docs/adr/0033). Only builders name keys as they are stored.
 *
 * @param campaignId matches the pattern of the HTTP edge, so it cannot contain a brace or a colon.
 */
export function campaignKeys(campaignId: string, epoch: number): CampaignKeys {
  // mutant: keys-without-epoch
  const prefix = `coupon:{${campaignId}}:${epoch}:`;
  return { meta: `${prefix}meta`, appliedUser: `${prefix}applied_user`, pending: `${prefix}pending` };
}

/** The keys as they are stored. */
export function storedKeys(installation: string, campaignId: string, epoch: number): CampaignKeys {
  return campaignKeys(`${installation}:${campaignId}`, epoch);
}

/** The roster of an epoch: all campaigns that it has had. `_` is no campaign. prelude.lua makes the same key. */
export function rosterKey(installation: string, epoch: number): string {
  return `coupon:{${installation}:_}:${epoch}:campaigns`;
}

/** Which processes of an installation are alive, and until when each is shown. No gate's key: it has no epoch. */
export function boardKey(installation: string): string {
  return `coupon:{${installation}:_}:processes`;
}

/** What one process counts. write-board-2.lua makes the same key. */
export function processKey(installation: string, processId: string): string {
  return `${boardKey(installation)}:${processId}`;
}

/** The pattern by which SCAN finds every key of every installation's gate. */
export const ANY_GATE_KEY = 'coupon:{*}:*';

const KEY = /^coupon:\{(?:([^{}:]+):)?([^{}:]+)\}:(\d{1,15}):(meta|applied_user|pending|campaigns)$/;

/** What a key of a gate says about itself. */
export interface ParsedKey {
  readonly name: string;
  /** null in a key that a version wrote which did not name the installation. */
  readonly installation: string | null;
  readonly campaignId: string;
  readonly epoch: number;
  readonly isMeta: boolean;
}

/** null for a key that is no gate's. */
export function parseGateKey(key: string): ParsedKey | null {
  const match = KEY.exec(key);
  if (match === null) return null;
  const [name, installation = null, campaignId = '', epoch, structure] = match;
  return { name, installation, campaignId, epoch: Number(epoch), isMeta: structure === 'meta' };
}

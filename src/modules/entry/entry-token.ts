import { type ChallengeKind } from '../../domain/campaign.js';
import { KeyedHash } from '../../platform/values/keyed-hash.js';
import { type InstallationKey } from '../../ports/database/installation-key-store.js';
import { type EntryFault } from '../../ports/entry/entry-check.js';

/** How far the clocks of two apis may be apart, ms. */
const CLOCK_TOLERANCE_MS = 5_000;

/** One letter of the token says which challenge its holder has passed. */
const LETTERS = { none: 'n', 'proof-of-work': 'w', turnstile: 't' } as const satisfies Record<ChallengeKind, string>;

/**
 * `v1.<kid>.<payload>.<mac>`. The payload is notBefore, expiresAt and the letter of the challenge. Campaign and user are
 * under the MAC and not in the token: the claim names them.
 */
const FORM = /^v1\.([A-Za-z0-9_-]{1,32})\.([0-9a-z]{1,9})-([0-9a-z]{1,9})-([nwt])\.([A-Za-z0-9_-]{43})$/;

/** Whom a token lets in. */
export interface EntryGrant {
  readonly campaignId: string;
  readonly userId: string;
  /** The challenge that was passed. */
  readonly challenge: ChallengeKind;
  /** ms since the Unix epoch, both. */
  readonly notBefore: number;
  readonly expiresAt: number;
}

export function signEntryToken(grant: EntryGrant, key: InstallationKey): string {
  const { campaignId, userId, challenge, notBefore, expiresAt } = grant;
  const head = `v1.${key.id}.${notBefore.toString(36)}-${expiresAt.toString(36)}-${LETTERS[challenge]}`;
  return `${head}.${new KeyedHash(key.secret).of(textOf(head, campaignId, userId))}`;
}

/**
 * @param challenge what the campaign asks for now. A token that was given for another challenge is invalid, unless the
 * campaign asks for none any more.
 * @param hashes by the id of their key.
 * @param now ms since the Unix epoch.
 * @returns null when the token is good.
 */
export function entryFault(
  token: string | undefined,
  { campaignId, userId, challenge }: Pick<EntryGrant, 'campaignId' | 'userId' | 'challenge'>,
  hashes: ReadonlyMap<string, KeyedHash>,
  now: number,
): EntryFault | null {
  if (token === undefined || token === '') return 'missing';
  const [, kid = '', notBefore = '', expiresAt = '', letter, shown = ''] = FORM.exec(token) ?? [];
  const hash = hashes.get(kid);
  if (hash === undefined) return 'invalid';
  const head = token.slice(0, -shown.length - 1);
  if (!hash.isOf(textOf(head, campaignId, userId), shown)) return 'invalid';
  if (challenge !== 'none' && letter !== LETTERS[challenge]) return 'invalid';
  // mutant: eternal-entry
  if (now - CLOCK_TOLERANCE_MS >= parseInt(expiresAt, 36)) return 'expired';
  return now + CLOCK_TOLERANCE_MS < parseInt(notBefore, 36) ? 'not-yet-valid' : null;
}

/** What is under the MAC. No id holds a line break, so no two grants have the same text. */
function textOf(head: string, campaignId: string, userId: string): string {
  // mutant: entry-for-anyone
  return `${head}\n${campaignId}\n${userId}`;
}

import { z } from 'zod';
import { USER_ID } from './user-id.js';

/** A value for every field of T, also for an optional one: an object that lacks a field does not compile. */
export type Fields<T, Value = unknown> = Readonly<Record<keyof T, Value>>;

/** Whose claim it is. A user has one claim in a campaign: gate, log and table all use this pair as their key. */
export interface ClaimHolder {
  campaignId: string;
  userId: string;
}

/** Identifies one claim. The claimId keeps a late call from touching a newer claim of the same user. */
export interface ClaimReference extends ClaimHolder {
  /** ULID, made by the api before it asks the gate. */
  claimId: string;
}

/**
 * One user's admitted request for one coupon.
 *
 * A new field does not compile until every place that writes a claim out has it; `test/claim-fields.spec.ts` lists
 * these places.
 */
export interface Claim extends ClaimReference {
  /** 1 for the first claim of the campaign; rises in the order in which the gate executed the claims. */
  sequence: number;
  /** The gate's clock, ms since the Unix epoch. */
  claimedAt: number;
  /** base64url SHA-256 of the caller's Idempotency-Key; null where there was none. */
  idempotencyDigest: string | null;
}

/** What the api sends to the gate: a claim without the fields that the gate decides. */
export type ClaimRequest = Omit<Claim, 'sequence' | 'claimedAt'>;

/** What the gate records of a claim, under its holder. */
export type ClaimRecord = Omit<Claim, keyof ClaimHolder>;

/**
 * A claim as it travels on the log.
 *
 * The order of events on the log means nothing; `sequence` is the order. `epoch` is the epoch of the gate that admitted
 * the claim: it decides whether the claim may still become a coupon after a rebuild.
 */
export interface ClaimEvent extends Claim {
  epoch: number;
}

/** A claim event with the id of the installation whose gate has admitted the claim: a topic may have several users. */
export interface LoggedClaim extends ClaimEvent {
  /** Missing in events of a version that did not write it. They count as our own. */
  installation?: string;
}

/** Is it of another installation? An event that names none is of an older version, and counts as our own. */
export function isForeignClaim({ installation }: Partial<LoggedClaim>, own: string): boolean {
  // mutant: foreign-claims
  return installation !== undefined && installation !== own;
}

/**
 * The holder as one string, also the key of its messages on the log. Unambiguous, because a campaign's id holds no colon: a
 * user's id may hold some.
 */
export function holderKey({ campaignId, userId }: ClaimHolder): string {
  return `${campaignId}:${userId}`;
}

/** A record as text: its fields in this order, separated by `|`; the digest is base64url, or empty if there is none. */
export function encodeRecord({ claimId, sequence, claimedAt, idempotencyDigest }: ClaimRecord): string {
  const fields = { claimId, sequence, claimedAt, idempotencyDigest: idempotencyDigest ?? '' };
  return Object.values(fields satisfies Fields<ClaimRecord>).join('|');
}

/** @param text as {@link encodeRecord} or the claim script of Redis wrote it. */
export function decodeRecord(text: string): ClaimRecord {
  const [claimId = '', sequence, claimedAt, digest = ''] = text.split('|');
  const idempotencyDigest = digest === '' ? null : digest;
  return { claimId, sequence: Number(sequence), claimedAt: Number(claimedAt), idempotencyDigest };
}

/** Why a message on the topic can never become a coupon. Stable: operators filter by it. */
export type PoisonCode =
  | 'bad-signature'
  | 'unreadable'
  | 'unreadable-batch'
  | 'unknown-version'
  | 'invalid-schema'
  | 'unknown-campaign'
  | 'over-total'
  | 'refused-by-database';

/**
 * `userId`, `campaignId` and `claimId` have the patterns of the HTTP edge on purpose: their columns are ascii_bin, and other
 * programs can write anything to the topic.
 */
const claimEventSchema = z.object({
  v: z.literal(1),
  claimId: z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/),
  campaignId: z.string().regex(/^[A-Za-z0-9-]{1,26}$/),
  userId: z.string().regex(USER_ID),
  sequence: z.int().min(1),
  claimedAt: z.int().min(0).max(8_640_000_000_000_000),
  epoch: z.int().min(1),
  idempotencyDigest: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .optional(),
  installation: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/)
    .optional(),
} satisfies Fields<LoggedClaim> & { v: unknown });

const MAX_INSTALLATION = 64;

/** What another program gives as the name of an installation, as short and plain as one: it gets into logs and errors. */
export function asInstallation(text: string): string {
  return text.slice(0, MAX_INSTALLATION).replace(/[^A-Za-z0-9-]/g, '?');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Without a digest the property is left out, because JSON drops undefined. */
export function encodeClaimEvent(event: LoggedClaim): string {
  const { claimId, campaignId, userId, sequence, claimedAt, epoch, installation } = event;
  const idempotencyDigest = event.idempotencyDigest ?? undefined;
  const fields = { v: 1, claimId, campaignId, userId, sequence, claimedAt, epoch, idempotencyDigest, installation };
  return JSON.stringify(fields satisfies Fields<LoggedClaim> & { v: number });
}

export type DecodedClaimEvent =
  | { readonly kind: 'claim'; readonly event: LoggedClaim }
  | {
      readonly kind: 'poison';
      readonly code: PoisonCode;
      readonly reason: string;
      /** Also a message that cannot be a claim here may be one of another installation, with a later version. */
      readonly installation?: string;
    };

/** Reads the bytes of one message. Never throws: one broken message must not stop the messages behind it. */
export function decodeClaimEvent(value: Uint8Array | null): DecodedClaimEvent {
  if (value === null) return { kind: 'poison', code: 'unreadable', reason: 'the message has no value' };
  let parsed: unknown;
  try {
    parsed = JSON.parse(utf8.decode(value));
  } catch {
    return { kind: 'poison', code: 'unreadable', reason: 'the value is not JSON in UTF-8' };
  }
  const result = claimEventSchema.safeParse(parsed);
  if (result.success) {
    const { claimId, campaignId, userId, sequence, claimedAt, epoch, idempotencyDigest = null } = result.data;
    const event: LoggedClaim = { claimId, campaignId, userId, sequence, claimedAt, epoch, idempotencyDigest };
    if (result.data.installation !== undefined) event.installation = result.data.installation;
    return { kind: 'claim', event };
  }
  const { v: version, installation } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as {
    v?: unknown;
    installation?: unknown;
  };
  const sender = typeof installation === 'string' ? { installation: asInstallation(installation) } : {};
  if (typeof version === 'number' && version !== 1) {
    return { kind: 'poison', code: 'unknown-version', reason: `version ${version} is not known here`, ...sender };
  }
  const issue = result.error.issues[0];
  return {
    kind: 'poison',
    code: 'invalid-schema',
    reason: `/${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'invalid'}`.slice(0, 500),
    ...sender,
  };
}

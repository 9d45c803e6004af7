import { z } from 'zod';

/** The pattern under which Nest routes claim batches to the consumer, whatever the topic is called in this deployment. */
export const CLAIM_EVENT_PATTERN = 'coupon_create';

/**
 * One admitted claim, as it travels on the log.
 *
 * Order between events carries no meaning: `sequence` does. `epoch` says under which gate the claim was admitted, and
 * so whether it may still become a coupon after a rebuild.
 */
export interface ClaimEvent {
  /** ULID, made by the api before it asks the gate. */
  claimId: string;
  campaignId: string;
  userId: string;
  /** 1 for the first claim of the campaign; rises in the order in which the gate executed the claims. */
  sequence: number;
  /** The gate's clock, ms since the Unix epoch. */
  claimedAt: number;
  epoch: number;
  /** base64url SHA-256 of the caller's Idempotency-Key, where there was one. */
  idempotencyDigest?: string;
}

/** Why a message on the topic can never become a coupon. Stable: operators filter by it. */
export type PoisonCode =
  | 'unreadable'
  | 'unreadable-batch'
  | 'unknown-version'
  | 'invalid-schema'
  | 'unknown-campaign'
  | 'over-total'
  | 'refused-by-database';

/**
 * `userId`, `campaignId` and `claimId` repeat the patterns of the HTTP edge on purpose: the columns behind them are
 * ascii_bin, and anything may have been put on the topic from outside.
 */
const claimEventSchema = z.object({
  v: z.literal(1),
  claimId: z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/),
  campaignId: z.string().regex(/^[A-Za-z0-9-]{1,26}$/),
  userId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  sequence: z.int().min(1),
  claimedAt: z.int().min(0).max(8_640_000_000_000_000),
  epoch: z.int().min(1),
  idempotencyDigest: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .optional(),
});

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The partition key: every event of one user in one campaign could be found again under it. */
export function claimEventKey(event: ClaimEvent): string {
  return `${event.campaignId}:${event.userId}`;
}

export function encodeClaimEvent(event: ClaimEvent): string {
  const { claimId, campaignId, userId, sequence, claimedAt, epoch, idempotencyDigest } = event;
  return JSON.stringify({ v: 1, claimId, campaignId, userId, sequence, claimedAt, epoch, idempotencyDigest });
}

export type DecodedClaimEvent =
  | { readonly kind: 'claim'; readonly event: ClaimEvent }
  | { readonly kind: 'poison'; readonly code: PoisonCode; readonly reason: string };

/** Reads the bytes of one message; never throws, since one broken message must not stop the ones behind it. */
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
    const { v: _v, ...event } = result.data;
    return { kind: 'claim', event };
  }
  const version = typeof parsed === 'object' && parsed !== null ? (parsed as { v?: unknown }).v : undefined;
  if (typeof version === 'number' && version !== 1) {
    return { kind: 'poison', code: 'unknown-version', reason: `version ${version} is not known here` };
  }
  const issue = result.error.issues[0];
  return {
    kind: 'poison',
    code: 'invalid-schema',
    reason: `/${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'invalid'}`.slice(0, 500),
  };
}

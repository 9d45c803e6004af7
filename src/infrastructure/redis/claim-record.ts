import { type ClaimRecord } from '../../domain/claim.js';

/** `claimId|sequence|claimedAt ms|digest`; the digest is base64url and empty where there is none. */
export function encodeRecord({ claimId, sequence, claimedAt, idempotencyDigest }: ClaimRecord): string {
  return `${claimId}|${sequence}|${claimedAt}|${idempotencyDigest ?? ''}`;
}

/** @param text as {@link encodeRecord} or the claim script wrote it. */
export function decodeRecord(text: string): ClaimRecord {
  const [claimId = '', sequence, claimedAt, digest] = text.split('|');
  return {
    claimId,
    sequence: Number(sequence),
    claimedAt: Number(claimedAt),
    idempotencyDigest: digest === '' || digest === undefined ? null : digest,
  };
}

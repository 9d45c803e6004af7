import { createHash } from 'node:crypto';
import { type ClaimEvent, type Fields } from '../../../domain/claim.js';
import { MAX_ATTEMPTS } from '../../../domain/retry-policy.js';
import { type FailedEvent, type Failure, type KeptMessage } from '../../../ports/database/failed-event-store.js';
import { type LogRecord } from '../../../ports/log/claim-log.js';
import { type FailedEventEntity, type StoredClaim } from '../entities/failed-event.entity.js';

/** What is kept of a broken message, bytes: enough to see what it was, not enough to fill the disk. */
const MAX_KEPT_BYTES = 32 * 1024;
/** The same of a message that somebody else may have written: more than any event of ours has. */
const MAX_STRANGE_BYTES = 1_024;

const NO_CLAIM: Fields<ClaimEvent, null> = {
  claimId: null,
  campaignId: null,
  userId: null,
  sequence: null,
  claimedAt: null,
  epoch: null,
  idempotencyDigest: null,
};

export function newRow(dedupeKey: string, claim: ClaimEvent | null, failure: Failure, now: number) {
  return {
    dedupeKey,
    ...(claim ?? NO_CLAIM),
    ...failureColumns(failure),
    maxAttempts: MAX_ATTEMPTS,
    nextAttemptAt: now,
    truncated: 0,
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}

export function failureColumns({ errorClass, errorCode, errorMessage }: Failure) {
  return {
    errorClass: errorClass.slice(0, 32),
    errorCode: errorCode.slice(0, 64),
    errorMessage: errorMessage.slice(0, 500),
  };
}

/** Names an unreadable message by its position, so that a second delivery finds the same row. */
export function digestOfPosition({ topic, partition, offset }: LogRecord): string {
  return createHash('sha256').update(`${topic}:${partition}:${offset}`).digest('hex');
}

export function keptBytes({ key, value, headers }: LogRecord, unsigned: boolean) {
  const most = unsigned ? MAX_STRANGE_BYTES : MAX_KEPT_BYTES;
  const encodedHeaders = Buffer.from(
    JSON.stringify(
      Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])),
    ),
  );
  const parts = [key, value, encodedHeaders];
  const cut = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).subarray(0, most));
  return {
    messageKey: cut(key),
    payload: cut(value),
    headers: cut(encodedHeaders),
    truncated: parts.some((bytes) => bytes !== null && bytes.length > most) ? 1 : 0,
  };
}

/**
 * null for a row without any bytes: its claim came from no message, or the message was deleted. libsql gives an
 * ArrayBuffer for a BLOB, mysql2 a Buffer.
 */
export function keptMessage({
  messageKey,
  payload,
  headers,
  truncated,
}: Pick<FailedEventEntity, 'messageKey' | 'payload' | 'headers' | 'truncated'>): KeptMessage | null {
  if (messageKey === null && payload === null && headers === null) return null;
  return {
    key: messageKey === null ? null : Buffer.from(messageKey),
    value: payload === null ? null : Buffer.from(payload),
    headers: headersIn(headers),
    isCut: truncated === 1,
  };
}

function headersIn(encoded: Uint8Array | null): Readonly<Record<string, Uint8Array>> | null {
  if (encoded === null) return {};
  try {
    const headers = JSON.parse(Buffer.from(encoded).toString()) as Record<string, string>;
    return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text, 'base64')]));
  } catch {
    return null;
  }
}

/** A message that could not be read has a row and no claim. */
export function claimOf(row: StoredClaim): ClaimEvent | null {
  if (row.claimId === null) return null;
  return {
    claimId: row.claimId,
    campaignId: row.campaignId ?? '',
    userId: row.userId ?? '',
    sequence: row.sequence ?? 0,
    claimedAt: row.claimedAt ?? 0,
    epoch: row.epoch ?? 0,
    idempotencyDigest: row.idempotencyDigest,
  };
}

export function toFailedEvent(row: FailedEventEntity): FailedEvent {
  return {
    id: Number(row.id),
    dedupeKey: row.dedupeKey,
    claim: claimOf(row),
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    source: row.source,
    // The other sources are processes of this installation, which have the claim from the gate.
    verified: row.source !== 'CONSUMER' || row.verified === 1,
    failure: { errorClass: row.errorClass, errorCode: row.errorCode, errorMessage: row.errorMessage },
    status: row.status,
    attempts: row.attempts,
    maxAttempts: row.maxAttempts,
    nextAttemptAt: row.nextAttemptAt,
    leaseOwner: row.leaseOwner,
    leaseUntil: row.leaseUntil,
    releasedAt: row.releasedAt,
    resolvedBy: row.resolvedBy,
    note: row.note,
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

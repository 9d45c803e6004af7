import { z } from 'zod';
import { FAILED_EVENT_STATUSES, type FailedEvent } from '../events/failed-event-store.js';

const instant = z.iso.datetime();

/** A failed event as operators see it; never the message itself, which may hold anything. */
export const failedEventJsonSchema = z
  .object({
    id: z.int().min(1),
    status: z.enum(FAILED_EVENT_STATUSES),
    source: z.enum(['API', 'CONSUMER', 'SWEEPER']).meta({ description: 'Who could not go on with the claim.' }),
    claimId: z.string().nullable().meta({ description: 'null, as all of the claim, when the message is unreadable.' }),
    campaignId: z.string().nullable(),
    userId: z.string().nullable(),
    sequence: z.int().min(1).nullable(),
    claimedAt: instant.nullable(),
    epoch: z.int().min(0).nullable().meta({ description: 'The gate under which the claim was admitted.' }),
    topic: z.string().nullable().meta({ description: 'Where the message lies, when it came from the log.' }),
    partition: z.int().min(0).nullable(),
    offset: z.int().min(0).nullable(),
    errorClass: z.string(),
    errorCode: z.string(),
    errorMessage: z.string(),
    attempts: z.int().min(0).meta({ description: 'Failures at the consumer. A broker that is away uses up none.' }),
    maxAttempts: z.int().min(1),
    nextAttemptAt: instant.nullable().meta({ description: 'null when nothing happens by itself any more.' }),
    releasedAt: instant.nullable().meta({ description: 'When the slot of a discarded claim went back to the stock.' }),
    resolvedBy: z.string().nullable(),
    note: z.string().nullable().meta({ description: 'The reason of a discard.' }),
    version: z.int().min(1).meta({ description: 'For If-Match, in quotes.' }),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'FailedEvent' });

export const failedEventListJsonSchema = z
  .object({
    items: z.array(failedEventJsonSchema),
    nextCursor: z.string().nullable().meta({ description: 'For the next page; null on the last one.' }),
  })
  .meta({ id: 'FailedEventList' });

export type FailedEventJson = z.infer<typeof failedEventJsonSchema>;

export function failedEventJson(row: FailedEvent): FailedEventJson {
  const { claim, failure } = row;
  const goesOn = row.status === 'PENDING' || row.status === 'PUBLISHING' || row.status === 'REPUBLISHED';
  return {
    id: row.id,
    status: row.status,
    source: row.source,
    claimId: claim?.claimId ?? null,
    campaignId: claim?.campaignId ?? null,
    userId: claim?.userId ?? null,
    sequence: claim?.sequence ?? null,
    claimedAt: iso(claim?.claimedAt ?? null),
    epoch: claim?.epoch ?? null,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    ...failure,
    attempts: row.attempts,
    maxAttempts: row.maxAttempts,
    nextAttemptAt: goesOn ? iso(row.nextAttemptAt) : null,
    releasedAt: iso(row.releasedAt),
    resolvedBy: row.resolvedBy,
    note: row.note,
    version: row.version,
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

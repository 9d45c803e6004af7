import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { isoInstant, pageJsonSchema } from '../../platform/http/output/schemas.js';
import { FAILED_EVENT_STATUSES, type FailedEvent, type KeptMessage } from '../../ports/database/failed-event-store.js';

/** A failed event as operators see it, without the message itself. */
export const failedEventJsonSchema = z
  .object({
    id: z.int().min(1),
    status: z.enum(FAILED_EVENT_STATUSES),
    source: z.enum(['API', 'CONSUMER', 'SWEEPER']).meta({ description: 'Who could not go on with the claim.' }),
    claimId: z.string().nullable().meta({
      description:
        'null, as all of the claim, when the message is unreadable. Also for viewers with `IDENTITY=open`: there it opens the code.',
    }),
    campaignId: z.string().nullable(),
    userId: z.string().nullable(),
    sequence: z.int().min(1).nullable(),
    claimedAt: isoInstant.nullable(),
    epoch: z.int().min(0).nullable().meta({ description: 'The gate under which the claim was admitted.' }),
    topic: z.string().nullable().meta({ description: 'Where the message lies, when it came from the log.' }),
    partition: z.int().min(0).nullable(),
    offset: z.int().min(0).nullable(),
    errorClass: z.string(),
    errorCode: z.string(),
    errorMessage: z.string(),
    attempts: z.int().min(0).meta({ description: 'Failures at the consumer. A broker that is away uses up none.' }),
    maxAttempts: z.int().min(1),
    nextAttemptAt: isoInstant.nullable().meta({ description: 'null when nothing happens by itself any more.' }),
    releasedAt: isoInstant
      .nullable()
      .meta({ description: 'When the slot of a discarded claim went back to the stock.' }),
    resolvedBy: z.string().nullable(),
    note: z.string().nullable().meta({ description: 'The reason of a discard.' }),
    version: z.int().min(1).meta({ description: 'For If-Match, in quotes.' }),
    createdAt: isoInstant,
    updatedAt: isoInstant,
  })
  .meta({ id: 'FailedEvent' });

export const failedEventListJsonSchema = pageJsonSchema(failedEventJsonSchema).meta({ id: 'FailedEventList' });

const bytesJsonSchema = z
  .object({
    text: z.string().nullable().meta({ description: 'null when they are no text in UTF-8.' }),
    base64: z.string(),
    length: z.int().min(0).meta({ description: 'Of the bytes below.' }),
  })
  .meta({ id: 'MessageBytes', description: 'Bytes of a message. Anybody who may write to the topic chooses them.' });

const messageJsonSchema = z
  .object({
    key: bytesJsonSchema.nullable(),
    value: bytesJsonSchema.nullable(),
    headers: z
      .array(z.object({ name: z.string(), value: bytesJsonSchema }))
      .nullable()
      .meta({ description: 'null when they were longer than what is kept.' }),
    cut: z.boolean().meta({
      description: 'The message was longer than what is kept: 32 KB, or 1 KB without a good signature.',
    }),
  })
  .meta({ id: 'KeptMessage' });

export const failedEventWithMessageJsonSchema = failedEventJsonSchema
  .extend({
    message: messageJsonSchema.nullable().meta({
      description:
        'The message as it lies on the log. null when the claim came from no message, when it was deleted after the discard, ' +
        'and where `claimId` is hidden, since the message tells it.',
    }),
  })
  .meta({ id: 'FailedEventWithMessage' });

export type FailedEventJson = z.infer<typeof failedEventJsonSchema>;

/** @param withClaimId false for a caller who could open the code of the coupon by it. */
export function failedEventJson(row: FailedEvent, withClaimId = true): FailedEventJson {
  const { claim, failure } = row;
  const goesOn = row.status === 'PENDING' || row.status === 'PUBLISHING' || row.status === 'REPUBLISHED';
  return {
    id: row.id,
    status: row.status,
    source: row.source,
    claimId: withClaimId ? (claim?.claimId ?? null) : null,
    campaignId: claim?.campaignId ?? null,
    userId: claim?.userId ?? null,
    sequence: claim?.sequence ?? null,
    claimedAt: isoOf(claim?.claimedAt ?? null),
    epoch: claim?.epoch ?? null,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    ...failure,
    attempts: row.attempts,
    maxAttempts: row.maxAttempts,
    nextAttemptAt: goesOn ? isoOf(row.nextAttemptAt) : null,
    releasedAt: isoOf(row.releasedAt),
    resolvedBy: row.resolvedBy,
    note: row.note,
    version: row.version,
    createdAt: isoOf(row.createdAt),
    updatedAt: isoOf(row.updatedAt),
  };
}

/** @param withClaimId as of {@link failedEventJson}. A caller who may not know the id of the claim sees no message. */
export function failedEventWithMessageJson(
  row: FailedEvent,
  message: KeptMessage | null,
  withClaimId: boolean,
): z.infer<typeof failedEventWithMessageJsonSchema> {
  return {
    ...failedEventJson(row, withClaimId),
    message: message === null || !withClaimId ? null : messageJson(message),
  };
}

function messageJson({ key, value, headers, isCut }: KeptMessage): z.infer<typeof messageJsonSchema> {
  return {
    key: key === null ? null : bytesJson(key),
    value: value === null ? null : bytesJson(value),
    headers: headers === null ? null : Object.entries(headers).map(([name, of]) => ({ name, value: bytesJson(of) })),
    cut: isCut,
  };
}

function bytesJson(bytes: Uint8Array): z.infer<typeof bytesJsonSchema> {
  const buffer = Buffer.from(bytes);
  return { text: isUtf8(buffer) ? buffer.toString() : null, base64: buffer.toString('base64'), length: buffer.length };
}

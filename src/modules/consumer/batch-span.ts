import { type Link } from '@opentelemetry/api';
import { type SampledSpan, SpanKind } from '../../platform/tracing/sampled-span.js';
import { isSampled, readTraceParent, TRACE_PARENT } from '../../platform/tracing/trace-parent.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { type ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { type ReadableRecord, type Verdict } from './claim-persistence.js';

/** With the header of the record. */
type Traceable = ReadableRecord & { readonly record: Pick<LogRecord, 'headers' | 'offset'> };

/**
 * The span of a batch. It is no child of the claims in it, because a batch has many: it links to each that is traced.
 *
 * @returns undefined where none is.
 */
export function spanOfBatch(records: readonly LogRecord[], context: ClaimBatchContext): SampledSpan | undefined {
  if (!tracing.enabled) return undefined;
  // A retry publishes all its rows under one span.
  const links = [...new Map(records.flatMap(linkOf).map((link) => [link.context.spanId, link])).values()];
  if (links.length === 0) return undefined;
  return tracing.job('consume claims', {
    kind: SpanKind.CONSUMER,
    links,
    attributes: {
      'messaging.destination.name': context.topic,
      'messaging.destination.partition.id': `${context.partition}`,
      'messaging.batch.message_count': records.length,
    },
  });
}

/** Says of each traced claim what became of it. */
export function noteVerdicts(
  span: SampledSpan | undefined,
  claims: readonly Traceable[],
  verdicts: readonly Verdict[],
): void {
  if (span === undefined) return;
  for (const [index, { record, event }] of claims.entries()) {
    const [link] = linkOf(record);
    if (link === undefined) continue;
    const { campaignId, sequence } = event;
    span.event(`claim ${verdicts[index]}`, {
      'coupon.campaign_id': campaignId,
      'coupon.sequence': sequence,
      'coupon.trace_id': link.context.traceId,
    });
  }
}

/** Anybody may have written the header: what names no sampled span counts as missing. */
function linkOf({ headers, offset }: Pick<LogRecord, 'headers' | 'offset'>): Link[] {
  const header = headers[TRACE_PARENT];
  if (header === undefined) return [];
  const context = readTraceParent(Buffer.from(header.buffer, header.byteOffset, header.length).toString('latin1'));
  if (context === undefined || !isSampled(context)) return [];
  return [{ context, attributes: { 'messaging.kafka.offset': offset } }];
}

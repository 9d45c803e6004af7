import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { noteVerdicts, spanOfBatch } from './batch-span.js';

const TRACE = 'a'.repeat(32);
const header = (spanId: string, flags = '01', traceId = TRACE) => Buffer.from(`00-${traceId}-${spanId}-${flags}`);
const record = (offset: number, traceparent?: Uint8Array): LogRecord => ({
  topic: 'topic',
  partition: 3,
  offset,
  key: null,
  value: null,
  headers: traceparent === undefined ? {} : { traceparent },
});
const context = new ClaimBatchContext(
  'topic',
  3,
  3,
  () => Promise.resolve(),
  () => false,
);
const claim = (sequence: number) => ({
  claimId: `claim-${sequence}`,
  campaignId: 'c',
  userId: `user-${sequence}`,
  sequence,
  claimedAt: 1,
  epoch: 1,
  idempotencyDigest: null,
});

describe('the span of a batch', () => {
  let spans: SampledSpan[];

  beforeEach(() => {
    spans = [];
    tracing.use(
      { now: () => 5, take: (span) => void spans.push(span), shutdown: () => Promise.resolve() },
      { ratio: 0, byParent: true },
    );
  });
  afterAll(() => tracing.stop());

  it('links to each claim that is traced, wherever its bytes lie, and to a retry once', () => {
    const page = Buffer.concat([Buffer.from('xx'), header('1'.repeat(16)), Buffer.from('yy')]);
    const records = [
      record(1),
      record(2, new Uint8Array(page.buffer, page.byteOffset + 2, 55)),
      record(3, header('2'.repeat(16))),
      record(4, header('2'.repeat(16))),
    ];
    spanOfBatch(records, context)?.end();
    const [span] = spans;
    expect(span?.links.map((link) => link.context.spanId)).toEqual(['1'.repeat(16), '2'.repeat(16)]);
    expect(span).toMatchObject({ parent: undefined, attributes: { 'messaging.batch.message_count': 4 } });
  });

  it('is not there for what is not traced, nor for what anybody may write into the header', () => {
    const others = [
      header('1'.repeat(16), '00'),
      header('0'.repeat(16)),
      header('1'.repeat(16), '01', '0'.repeat(32)),
      Buffer.from('nonsense'),
      Buffer.alloc(0),
      Buffer.alloc(1_000_000, 'x'),
      Buffer.from([0xff, 0xfe, 0x00]),
    ];
    expect(spanOfBatch([record(1), ...others.map((value, at) => record(at + 2, value))], context)).toBeUndefined();
  });

  it('says what became of each traced claim, and not whose it was', () => {
    const span = spanOfBatch([record(7, header('1'.repeat(16)))], context);
    const claims = [
      { record: record(6), event: claim(1) },
      { record: record(7, header('1'.repeat(16))), event: claim(2) },
    ];
    noteVerdicts(span, claims, ['issued', 'stale']);
    span?.end();
    const events = spans[0]?.events ?? [];
    expect(events.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['claim stale', { 'coupon.campaign_id': 'c', 'coupon.sequence': 2, 'coupon.trace_id': TRACE }],
    ]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { type OutgoingClaim } from '../../ports/log/claim-log.js';
import { JournalTraces } from './journal-traces.js';

const claim = (userId: string, traceParent?: string): OutgoingClaim => ({
  claimId: userId,
  campaignId: 'c',
  userId,
  sequence: 1,
  claimedAt: 1,
  epoch: 1,
  idempotencyDigest: null,
  ...(traceParent === undefined ? {} : { span: { traceParent } as SampledSpan }),
});

describe('the headers of the journal', () => {
  it('are those of the claims that are traced', () => {
    const traces = new JournalTraces();
    expect(traces.headersOf('c:a')).toEqual({});
    traces.note([claim('a', '00-a'), claim('b')]);
    expect(traces.headersOf('c:a')).toEqual({ traceparent: Buffer.from('00-a') });
    for (const other of ['c:b', 'c:', null]) expect(traces.headersOf(other)).toEqual({});
  });

  it('take bounded memory while no consumer reads', () => {
    const traces = new JournalTraces();
    for (let n = 0; n < 25_000; n++) traces.note([claim(`u${n}`, `00-${n}`)]);
    expect(traces.headersOf('c:u0')).toEqual({});
    expect(traces.headersOf('c:u24999')).toEqual({ traceparent: Buffer.from('00-24999') });
    expect((traces as unknown as { parents: Map<string, string> }).parents.size).toBe(10_000);
  });
});

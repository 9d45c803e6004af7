import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import { inSpan, type SampledSpan } from './sampled-span.js';
import { Tracing } from './tracing.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = (flags: string) => `00-${TRACE}-00f067aa0ba902b7-${flags}`;

describe('tracing', () => {
  let timers: SetTimers;
  let tracing: Tracing;
  let spans: SampledSpan[];
  const use = (ratio: number, byParent = true) =>
    tracing.use(
      { now: () => 5, take: (span) => void spans.push(span), shutdown: () => Promise.resolve() },
      { ratio, byParent },
    );
  const ended = (name: string): SampledSpan | undefined => spans.find((span) => span.name === name);

  const request = (traceParent?: unknown) =>
    tracing.request(traceParent, () => ({ name: 'GET /', attributes: { 'http.route': '/' } }));

  beforeEach(() => {
    spans = [];
    timers = new SetTimers(new SetClock());
    tracing = new Tracing(timers.clock, timers);
  });

  it('is off until it has an SDK, and again at the end', async () => {
    expect(tracing.enabled).toBe(false);
    expect([request(parent('01')), tracing.job('job')]).toEqual([undefined, undefined]);
    use(1);
    expect(tracing.enabled).toBe(true);
    await tracing.stop();
    expect([tracing.enabled, request(), tracing.job('job')]).toEqual([false, undefined, undefined]);
  });

  it('follows the caller, and the ratio where the caller says nothing', () => {
    use(0);
    expect(request(parent('01'))?.context.traceId).toBe(TRACE);
    expect(request()).toBeUndefined();
    use(1);
    expect(request(parent('00'))).toBeUndefined();
    expect(request()).toBeDefined();
    for (const wrong of ['nonsense', ['a', 'b'], 7]) expect(request(wrong)?.context.traceId).not.toBe(TRACE);
  });

  it('asks only the ratio with a sampler that is not parentbased', () => {
    use(0, false);
    expect(request(parent('01'))).toBeUndefined();
    use(1, false);
    expect(request(parent('00'))?.context.traceId).toBe(TRACE);
  });

  it('samples as many requests as the ratio says', () => {
    use(0.25);
    const sampled = Array.from({ length: 2_000 }, () => request()).filter((span) => span !== undefined);
    // Ten standard deviations.
    expect(sampled.length).toBeGreaterThan(300);
    expect(sampled.length).toBeLessThan(700);
  });

  it('has no trace for what is not worth one', () => {
    use(1);
    expect(tracing.request(parent('01'), () => null)).toBeUndefined();
  });

  it('traces no more than 1,000 requests a second, however many callers ask for it', () => {
    use(0);
    const sampled = () =>
      Array.from({ length: 1_500 }, () => request(parent('01'))).filter((span) => span !== undefined);
    expect(sampled()).toHaveLength(1_000);
    timers.clock.pass(999);
    expect(sampled()).toHaveLength(0);
    timers.clock.pass(1);
    expect(sampled()).toHaveLength(1_000);
  });

  it('links the span of a batch to what is sampled in it', () => {
    use(1);
    const one = request() as SampledSpan;
    const spanOf = ({ span }: { span?: SampledSpan }) => span;
    tracing.batch('batch', [{}, { span: one }, {}], spanOf)?.end();
    expect(ended('batch')).toMatchObject({ parent: undefined, links: [{ context: one.context }] });
    expect(tracing.batch('batch', [{}, {}], spanOf)).toBeUndefined();
  });

  it('waits at its end for the last spans, and no longer than 2 s', async () => {
    tracing.use(
      { now: () => 5, take: () => undefined, shutdown: () => new Promise(() => undefined) },
      { ratio: 1, byParent: true },
    );
    let stopped = false;
    const stopping = tracing.stop().then(() => (stopped = true));
    await timers.pass(1_999);
    expect(stopped).toBe(false);
    await timers.pass(1);
    await stopping;
  });

  it('has a span for work inside another span, which says how it failed', async () => {
    use(1);
    const span = request() as SampledSpan;
    expect(await inSpan(span, 'good', () => Promise.resolve(7))).toBe(7);
    class StatementError extends Error {
      override readonly name = 'StatementError';
      readonly sql = "INSERT INTO coupons VALUES ('alice')";
    }
    const failing = inSpan(span, 'bad', () => Promise.reject(new StatementError('refused')));
    await expect(failing).rejects.toThrow('refused');
    expect(ended('good')).toMatchObject({ parent: span.context, status: { code: 0 } });
    expect(ended('bad')).toMatchObject({ status: { code: 2, message: 'refused' } });
    expect(ended('bad')?.attributes).toEqual({ 'error.type': 'StatementError' });
    expect(ended('bad')?.events).toEqual([]);
  });

  it('does work without a span, and nothing more', async () => {
    const work = Promise.resolve(7);
    expect(inSpan(undefined, 'any', () => work)).toBe(work);
    expect(spans).toEqual([]);
    await work;
  });
});

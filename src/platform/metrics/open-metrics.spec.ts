import { describe, expect, it } from '@jest/globals';
import { Counter, Gauge, Histogram } from 'prom-client';
import { RequestDurations } from '../http/observation/request-durations.js';
import { MetricsRegistry } from './metrics-registry.js';
import { openMetrics } from './open-metrics.js';

describe('metrics in the format of OpenMetrics', () => {
  it('have the family’s name for counters, an end, and the trace of the last traced answer in each bucket', async () => {
    const registry = new MetricsRegistry();
    const registers = [registry];
    new Counter({ name: 'a_total', help: 'Of "a"', labelNames: ['of'], registers }).inc({ of: 'b\\"\n' }, 2);
    new Gauge({ name: 'g', help: 'g', registers }).set(Infinity);
    new Histogram({ name: 'h_seconds', help: 'h', buckets: [1], registers }).observe(0.5);
    const durations = new RequestDurations();
    durations.exportTo(registry);
    const route = durations.of('/r');
    route.observe('GET', 200, 0.003, 'a'.repeat(32));
    route.observe('GET', 200, 0.004, 'b'.repeat(32));
    route.observe('GET', 200, 7);
    const lines = (await openMetrics(registry)).split('\n');
    expect(lines.slice(0, 3)).toEqual(['# TYPE a counter', '# HELP a Of \\"a\\"', 'a_total{of="b\\\\\\"\\n"} 2']);
    expect(lines).toEqual(expect.arrayContaining(['g +Inf', 'h_seconds_bucket{le="+Inf"} 1', 'h_seconds_sum 0.5']));
    expect(lines.slice(-2)).toEqual(['# EOF', '']);

    const exemplars = lines.filter((line) => line.includes(' # {'));
    expect(exemplars).toHaveLength(1);
    expect(exemplars[0]).toMatch(
      /^coupon_http_request_duration_seconds_bucket\{le="0\.005",method="GET",route="\/r",status="200"\} 2 # \{trace_id="b{32}"\} 0\.004 \d{10}(?:\.\d+)?$/,
    );
    // The older format stays as it was.
    const plain = await registry.metrics();
    expect(plain).toContain('# TYPE a_total counter');
    expect(plain).not.toContain('trace_id');
  });
});

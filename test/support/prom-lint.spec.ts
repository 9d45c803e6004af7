import { describe, expect, it } from '@jest/globals';
import { lint } from './prom-lint.js';

const metric = (name: string, type: string, samples: readonly string[] = [`${name} 1`], help = 'What it is') =>
  [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples, ''].join('\n');

describe('the rules of promtool', () => {
  it('are kept by good metrics', () => {
    const good = [
      metric('coupon_claims_total', 'counter', ['coupon_claims_total{campaign="a\\"b",outcome="x,y"} 1']),
      metric('coupon_wait_seconds', 'histogram', [
        'coupon_wait_seconds_bucket{le="+Inf"} 1',
        'coupon_wait_seconds_sum 0.5',
        'coupon_wait_seconds_count 1e+3',
      ]),
      metric('process_resident_memory_bytes', 'gauge'),
    ];
    expect(lint(good.join('\n'))).toEqual([]);
  });

  it.each([
    [metric('a', 'gauge', ['a 1'], ''), 'a: no help text'],
    ['a 1\n', 'a: no help text'],
    [metric('a_claims', 'counter'), 'a_claims: counter metrics should have "_total" suffix'],
    [metric('a_total', 'gauge'), 'a_total: non-counter metrics should not have "_total" suffix'],
    [metric('a_count', 'gauge'), 'a_count: an ending that only distributions have'],
    [metric('a', 'gauge', ['a{le="1"} 1']), 'a: a label that only histograms have'],
    [metric('a_gauge', 'gauge'), 'a_gauge: its type in its name'],
    [metric('a:b', 'gauge'), 'a:b: a colon'],
    [metric('aB', 'gauge'), 'aB: camelCase'],
    [metric('a', 'gauge', ['a{bC="1"} 1']), 'a: camelCase'],
    [metric('a_ms', 'gauge'), 'a_ms: an abbreviated unit'],
    [metric('a_milliseconds', 'gauge'), 'a_milliseconds: use base unit "seconds" instead of "milliseconds"'],
    [metric('a', 'gauge', ['a{b="1"} 1', 'a{b="1"} 2']), 'a: a series twice'],
  ])('are broken by %j', (text, fault) => {
    expect(lint(text)).toContain(fault);
  });

  it.each(['a{b=1} 1', 'a one', 'a{b="1" 1', 'a{b="\n"} 1'])('cannot be asked of %j', (line) => {
    expect(() => lint(line)).toThrow();
  });
});

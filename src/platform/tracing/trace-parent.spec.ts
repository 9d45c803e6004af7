import { describe, expect, it } from '@jest/globals';
import { isSampled, readTraceParent, writeTraceParent } from './trace-parent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('a traceparent', () => {
  it('names a span and whether it is sampled', () => {
    const read = readTraceParent(`00-${TRACE}-${SPAN}-01`);
    expect(read).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true });
    expect(read && isSampled(read)).toBe(true);
    expect(read && writeTraceParent(read)).toBe(`00-${TRACE}-${SPAN}-01`);
    for (const [flags, sampled] of Object.entries({ '00': false, '02': false, '03': true, ff: true })) {
      const other = readTraceParent(`00-${TRACE}-${SPAN}-${flags}`);
      expect(other && isSampled(other)).toBe(sampled);
    }
  });

  it('may be of a later version, with more behind the flags', () => {
    expect(readTraceParent(`01-${TRACE}-${SPAN}-01-what-comes`)).toMatchObject({ traceId: TRACE, spanId: SPAN });
  });

  it.each([
    ['nothing', ''],
    ['no flags', `00-${TRACE}-${SPAN}`],
    ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a version that cannot be', `ff-${TRACE}-${SPAN}-01`],
    ['more than its version has', `00-${TRACE}-${SPAN}-01-`],
    ['flags without a hyphen before what follows', `01-${TRACE}-${SPAN}-01x`],
    ['a blank', ` 00-${TRACE}-${SPAN}-01`],
    ['a line break', `00-${TRACE}-${SPAN}-01\n`],
    ['what is too long', `01-${TRACE}-${SPAN}-01-${'x'.repeat(1_000)}`],
  ])('is missing where there is %s', (_what, text) => {
    expect(readTraceParent(text)).toBeUndefined();
  });
});

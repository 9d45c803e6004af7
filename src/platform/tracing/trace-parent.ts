import { type SpanContext, TraceFlags } from '@opentelemetry/api';

/** The header of a request and of a record on the log that names the span which led to it (W3C Trace Context). */
export const TRACE_PARENT = 'traceparent';

/** Later versions may add fields behind the flags, so only version 00 ends there. */
const FORM = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
/** The longest value that is read: what callers send may have any length. */
const MAX_LENGTH = 256;

/** @returns undefined for a value that names no span. It counts as missing, as the specification demands. */
export function readTraceParent(text: string): SpanContext | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, version, traceId = NO_TRACE, spanId = NO_SPAN, flags = '00'] = FORM.exec(text) ?? [];
  if (traceId === NO_TRACE || spanId === NO_SPAN || (version === '00' && text.length !== 55)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

/** The flag of a span that is sampled. */
export const SAMPLED = TraceFlags.SAMPLED;

export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & SAMPLED) !== 0;
}

/** @param context of a span that is sampled. */
export function writeTraceParent({ traceId, spanId }: SpanContext): string {
  return `00-${traceId}-${spanId}-01`;
}

import {
  type Attributes,
  type Link,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
} from '@opentelemetry/api';
import { SAMPLED, writeTraceParent } from './trace-parent.js';

export { SpanKind };

/** What a span begins with. */
export interface SpanStart {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  readonly links?: readonly Link[];
}

/** Something that happened while the span was open. */
export interface SpanEvent {
  readonly name: string;
  readonly attributes: Attributes;
  /** ms since the Unix epoch. */
  readonly at: number;
}

/** What the spans of a process share. */
export interface SpanSink {
  /** ms since the Unix epoch, with fractions. */
  now(): number;
  /** Takes a span that has ended. */
  take(span: SampledSpan): void;
}

/**
 * An open span of a trace that is sampled. What is not sampled has no span at all, so the code asks for `undefined` and
 * pays for nothing else.
 *
 * Who has a span passes it on in a parameter or a field. A context that follows each promise by itself
 * (AsyncLocalStorage) would cost every promise of the process, also those of claims that are not sampled.
 *
 * It is no span of the SDK, which is made from it when it has ended. One claim of a hundred is traced, so this code is never
 * hot. A span of the SDK took 80 µs there, and this one takes a few.
 */
export class SampledSpan {
  readonly context: SpanContext;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links: readonly Link[];
  readonly events: SpanEvent[] = [];
  /** ms since the Unix epoch. */
  readonly startedAt: number;
  /** The same; undefined while it is open. */
  endedAt: number | undefined;
  status: SpanStatus = OPEN;

  /** @param parent undefined begins a trace. */
  constructor(
    private readonly sink: SpanSink,
    readonly name: string,
    { kind = SpanKind.INTERNAL, attributes, links = [] }: SpanStart,
    readonly parent?: SpanContext,
  ) {
    const traceId = parent === undefined ? randomHex() + randomHex() : parent.traceId;
    this.context = { traceId, spanId: randomHex(), traceFlags: SAMPLED };
    this.kind = kind;
    this.attributes = { ...attributes };
    this.links = links.slice(0, MOST);
    this.startedAt = sink.now();
  }

  get traceId(): string {
    return this.context.traceId;
  }

  /** For the header that leads on from this span. */
  get traceParent(): string {
    return writeTraceParent(this.context);
  }

  /** For log lines. */
  get fields(): { readonly trace_id: string; readonly span_id: string } {
    const { traceId, spanId } = this.context;
    return { trace_id: traceId, span_id: spanId };
  }

  child(name: string, start: SpanStart = {}): SampledSpan {
    return new SampledSpan(this.sink, name, start, this.context);
  }

  set(attributes: Attributes): void {
    Object.assign(this.attributes, attributes);
  }

  event(name: string, attributes: Attributes = {}): void {
    if (this.events.length < MOST) this.events.push({ name, attributes, at: this.sink.now() });
  }

  /** Ends it, once. */
  end(attributes?: Attributes): void {
    if (this.endedAt !== undefined) return;
    if (attributes !== undefined) this.set(attributes);
    this.endedAt = this.sink.now();
    this.sink.take(this);
  }

  /** Ends the span as failed. Only the error's name and its message: a driver's error has the statement with its values. */
  fail(error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    this.status = { code: SpanStatusCode.ERROR, message };
    this.end({ 'error.type': name });
  }
}

const OPEN: SpanStatus = { code: SpanStatusCode.UNSET };
/** Links and events of one span, as the specification has it. */
const MOST = 128;

/** 8 bytes. An id has to be unique, and no secret. */
function randomHex(): string {
  const half = () => ((Math.random() * 0xffffffff) >>> 0).toString(16).padStart(8, '0');
  const id = half() + half();
  // All zeros is no id.
  return id === NO_ID ? randomHex() : id;
}
const NO_ID = '0'.repeat(16);

/** Does the work inside a child of `parent`. Without a parent it only does the work, and waits for nothing more. */
export function inSpan<T>(
  parent: SampledSpan | undefined,
  name: string,
  work: (span: SampledSpan | undefined) => Promise<T>,
  start?: SpanStart,
): Promise<T> {
  return parent === undefined ? work(undefined) : inside(parent.child(name, start), work);
}

/** Does the work, and ends the span after it. */
export async function inside<T>(span: SampledSpan, work: (span: SampledSpan) => Promise<T>): Promise<T> {
  try {
    const result = await work(span);
    span.end();
    return result;
  } catch (error) {
    span.fail(error);
    throw error;
  }
}

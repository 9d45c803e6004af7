import {
  type Attributes,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { writeTraceParent } from './trace-parent.js';

/** What a span begins with. */
export interface SpanStart {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  readonly links?: Link[];
}

/**
 * An open span of a trace that is sampled. What is not sampled has no span at all, so the code asks for `undefined` and
 * pays for nothing else.
 *
 * Who has a span passes it on in a parameter or a field. A context that follows each promise by itself
 * (AsyncLocalStorage) would cost every promise of the process, also those of claims that are not sampled.
 */
export class SampledSpan {
  private constructor(
    private readonly tracer: Tracer,
    private readonly span: Span,
  ) {}

  /** @param parent undefined begins a trace. */
  static start(tracer: Tracer, name: string, start: SpanStart, parent?: SpanContext): SampledSpan {
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    return new SampledSpan(tracer, tracer.startSpan(name, start, context));
  }

  get context(): SpanContext {
    return this.span.spanContext();
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
    return SampledSpan.start(this.tracer, name, start, this.context);
  }

  set(attributes: Attributes): void {
    this.span.setAttributes(attributes);
  }

  event(name: string, attributes?: Attributes): void {
    this.span.addEvent(name, attributes);
  }

  end(attributes?: Attributes): void {
    if (attributes !== undefined) this.span.setAttributes(attributes);
    this.span.end();
  }

  /** Ends the span as failed. Only the error's name and its message: a driver's error has the statement with its values. */
  fail(error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    this.span.setAttributes({ 'error.type': name });
    this.span.setStatus({ code: SpanStatusCode.ERROR, message });
    this.span.end();
  }
}

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

export { SpanKind };

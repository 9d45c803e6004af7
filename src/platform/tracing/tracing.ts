import { Logger } from '@nestjs/common';
import { type Attributes, type Link } from '@opentelemetry/api';
import { type AppConfig } from '../config/env.js';
import { type Clock, systemClock } from '../flow/clock.js';
import { systemTimers, type Timers } from '../flow/timers.js';
import { withDeadline } from '../flow/with-deadline.js';
import { inside, SampledSpan, SpanKind, type SpanStart } from './sampled-span.js';
import { type TracingSdk } from './sdk.js';
import { isSampled, readTraceParent } from './trace-parent.js';
import { type TracingConfig } from './tracing-variables.js';

/**
 * Requests of one second that are traced at most. Any caller can ask for a trace by `traceparent`, and a trace costs as
 * much as the claim: without a limit callers could halve the rate of a drop.
 */
const MAX_A_SECOND = 1_000;

/** How long the end of the process waits for the last spans to be exported, ms. */
const FLUSH_MS = 2_000;

/** The name and the attributes with which the span of a request begins. */
export interface RequestSpan {
  readonly name: string;
  readonly attributes: Attributes;
}

/**
 * Decides what is traced. There is one for the process: it is asked on the hot path, and `enabled` is all that a process
 * without an exporter ever asks. Then no span exists, and no package of the SDK is loaded.
 */
export class Tracing {
  enabled = false;
  private sdk: TracingSdk | null = null;
  private ratio = 0;
  private byParent = true;
  /** Monotonic, ms. */
  private secondBegan = -Infinity;
  private inThisSecond = 0;

  constructor(
    private readonly clock: Clock = systemClock,
    private readonly timers: Timers = systemTimers,
  ) {}

  /** To be called before the service takes requests. */
  use(sdk: TracingSdk, { ratio, byParent }: Pick<TracingConfig, 'ratio' | 'byParent'>): void {
    this.sdk = sdk;
    this.ratio = ratio;
    this.byParent = byParent;
    this.enabled = true;
  }

  /**
   * @param traceParent the header of the request. The caller's decision counts, unless the sampler does not ask for it.
   * @param describe is asked for a request that is sampled; null: it is not worth a trace.
   * @returns undefined for a request that is not sampled, as almost all are.
   */
  request(traceParent: unknown, describe: () => RequestSpan | null): SampledSpan | undefined {
    const parent = typeof traceParent === 'string' ? readTraceParent(traceParent) : undefined;
    // mutant: unsampled-parent
    const sampled = parent !== undefined && this.byParent ? isSampled(parent) : Math.random() < this.ratio;
    const described = sampled ? describe() : null;
    if (described === null || this.sdk === null || !this.hasRoom()) return undefined;
    const { name, attributes } = described;
    return new SampledSpan(this.sdk, name, { kind: SpanKind.SERVER, attributes }, parent);
  }

  /** For work that nobody asked for. It is seldom and worth a trace each time. */
  job(name: string, start: SpanStart = {}): SampledSpan | undefined {
    return this.sdk === null ? undefined : new SampledSpan(this.sdk, name, start);
  }

  /** Does the work inside a span of {@link job}. */
  inJob<T>(name: string, start: SpanStart, work: (span: SampledSpan | undefined) => Promise<T>): Promise<T> {
    const span = this.job(name, start);
    return span === undefined ? work(undefined) : inside(span, work);
  }

  /**
   * One span for what many claims go through together. It is no child of them, but has a link to each sampled one.
   *
   * @returns undefined if none of them is sampled.
   */
  batch<Item>(
    name: string,
    items: readonly Item[],
    spanOf: (item: Item) => SampledSpan | undefined,
    start: SpanStart = {},
  ): SampledSpan | undefined {
    // A retry publishes all its rows under one span.
    const spans = new Set(items.map(spanOf));
    spans.delete(undefined);
    if (spans.size === 0) return undefined;
    return this.job(name, {
      ...start,
      links: [...spans].map((span): Link => ({ context: (span as SampledSpan).context })),
    });
  }

  /** Exports what is left, as far as that can be done in time. Never rejects. */
  async stop(): Promise<void> {
    const { sdk } = this;
    this.enabled = false;
    this.sdk = null;
    if (sdk !== null) await withDeadline(sdk.shutdown(), FLUSH_MS, this.timers).catch(() => undefined);
  }

  private hasRoom(): boolean {
    const now = this.clock.monotonic();
    if (now - this.secondBegan >= 1_000) {
      this.secondBegan = now;
      this.inThisSecond = 0;
    }
    this.inThisSecond += 1;
    return this.inThisSecond <= MAX_A_SECOND;
  }
}

export const tracing = new Tracing();

/** Loads the SDK if the configuration has an exporter. Never rejects: the service works without traces. */
export async function startTracing(config: AppConfig): Promise<void> {
  if (config.tracing === undefined) return;
  try {
    const { openSdk } = await import('./sdk.js');
    tracing.use(openSdk(config, config.tracing), config.tracing);
  } catch (error) {
    new Logger('Tracing').error(`nothing is traced: ${(error as Error).message}`);
  }
}

import { Logger } from '@nestjs/common';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { type AppConfig } from '../config/env.js';
import { VERSION } from '../config/version.js';
import { systemClock } from '../flow/clock.js';
import { OutageLog } from '../flow/outage-log.js';
import { type SampledSpan, type SpanSink } from './sampled-span.js';
import { type TracingConfig } from './tracing-variables.js';

/** What the rest of the service knows of the SDK. */
export interface TracingSdk extends SpanSink {
  /** Exports what is left. May take as long as the exporter's own time limit. */
  shutdown(): Promise<void>;
}

/** The exporter's result of a success. */
const SUCCESS = 0;

/** Says once that spans do not arrive. Only traces suffer by it: the SDK drops what waits too long. */
class ReportingExporter implements SpanExporter {
  private readonly outage = new OutageLog(new Logger('Tracing'), systemClock);

  constructor(private readonly exporter: SpanExporter) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.exporter.export(spans, (result) => {
      if (result.code === SUCCESS) this.outage.recovered('traces are exported again');
      else this.outage.failed(`traces are not exported: ${result.error?.message ?? 'no reason was given'}`);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }
}

/** How far the two clocks may drift apart before spans follow the wall clock, ms. */
const DRIFT_MS = 50;

/**
 * The SDK of OpenTelemetry. Import it dynamically: a process that traces nothing must not load these packages.
 *
 * It only exports. `Tracing` decides what is sampled, and `SampledSpan` is what the SDK would call a recording span.
 */
export function openSdk({ profile, roles }: AppConfig, { variables }: TracingConfig): TracingSdk {
  // The SDK reads the environment by itself, and knows neither the file `.env` nor the files of secrets.
  Object.assign(process.env, variables);
  const own = resourceFromAttributes({
    'service.name': 'coupon-system',
    'service.version': VERSION,
    'coupon.profile': profile,
    'coupon.roles': [...roles],
    'process.pid': process.pid,
  });
  const shared: Shared = {
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    instrumentationScope: { name: 'coupon-system', version: VERSION },
  };
  const processor = new BatchSpanProcessor(new ReportingExporter(new OTLPTraceExporter()));
  let offset = systemClock.wall() - systemClock.monotonic();
  return {
    now: () => {
      const [monotonic, wall] = [systemClock.monotonic(), systemClock.wall()];
      if (Math.abs(wall - monotonic - offset) > DRIFT_MS) offset = wall - monotonic;
      return monotonic + offset;
    },
    take: (span) => processor.onEnd(toReadable(span, shared)),
    shutdown: () => processor.shutdown(),
  };
}

type Shared = Pick<ReadableSpan, 'resource' | 'instrumentationScope'>;

function toReadable(span: SampledSpan, shared: Shared): ReadableSpan {
  const { name, kind, context, parent, attributes, links, events, status, startedAt, endedAt = startedAt } = span;
  return {
    ...shared,
    name,
    kind,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: parent }),
    attributes,
    links: [...links],
    events: events.map((event) => ({ name: event.name, attributes: event.attributes, time: toHrTime(event.at) })),
    status,
    startTime: toHrTime(startedAt),
    endTime: toHrTime(endedAt),
    duration: toHrTime(endedAt - startedAt),
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** s and ns. */
function toHrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1_000) * 1e6))];
}

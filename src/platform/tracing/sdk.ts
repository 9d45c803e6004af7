import { Logger } from '@nestjs/common';
import { type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import { type AppConfig } from '../config/env.js';
import { VERSION } from '../config/version.js';
import { systemClock } from '../flow/clock.js';
import { OutageLog } from '../flow/outage-log.js';
import { type TracingConfig } from './tracing-variables.js';

/** What the rest of the service knows of the SDK. */
export interface TracingSdk {
  readonly tracer: Tracer;
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

/**
 * The SDK of OpenTelemetry. Import it dynamically: a process that traces nothing must not load these packages.
 *
 * Every span that is begun is exported, because `Tracing` decides before one is begun.
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
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor(new ReportingExporter(new OTLPTraceExporter()))],
  });
  return { tracer: provider.getTracer('coupon-system', VERSION), shutdown: () => provider.shutdown() };
}

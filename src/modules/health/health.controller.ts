import { Controller, Get, HttpStatus, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { ApiAnswer } from '../../platform/http/openapi/openapi.js';
import { AnswersFromMemory, IsProbe } from '../../platform/http/reads/read-admission.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { OPEN_METRICS, openMetrics } from '../../platform/metrics/open-metrics.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { Readiness, type ReadinessReport, readinessSchema } from './readiness.js';

/** How old the metrics may be, ms: collecting takes milliseconds of the thread that also answers claims. */
const METRICS_MAX_AGE_MS = 1_000;

const PLAIN = 'text/plain; version=0.0.4; charset=utf-8';

const liveSchema = z.object({ status: z.literal('ok') }).meta({ id: 'Liveness' });

@ApiTags('health')
@Controller()
export class HealthController {
  private readonly text: SharedRead<string>;
  private readonly withExemplars: SharedRead<string>;

  constructor(
    private readonly readiness: Readiness,
    registry: MetricsRegistry,
    clock: Clock,
  ) {
    this.text = new SharedRead(() => registry.metrics(), METRICS_MAX_AGE_MS, clock);
    this.withExemplars = new SharedRead(() => openMetrics(registry), METRICS_MAX_AGE_MS, clock);
  }

  /** Only says that the event loop turns. It must not look at brokers: a restart would not bring one back. */
  @Get('health/live')
  @IsProbe()
  @ApiOperation({ summary: 'The process runs' })
  @ApiAnswer(200, 'It runs.', liveSchema)
  live(): z.infer<typeof liveSchema> {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @IsProbe()
  @ApiOperation({ summary: 'The process can work' })
  @ApiAnswer(200, 'Its api admits claims; without the role api, at least one of its roles can work.', readinessSchema)
  @ApiAnswer(503, 'Its api cannot admit claims; or none of its roles can work.', readinessSchema)
  ready(@Res({ passthrough: true }) reply: FastifyReply): ReadinessReport {
    const report = this.readiness.report();
    reply.status(report.status === 'unavailable' ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.OK);
    return report;
  }

  @Get('metrics')
  @AnswersFromMemory()
  @ApiOperation({ summary: 'For Prometheus' })
  @ApiProduces('text/plain', 'application/openmetrics-text')
  @ApiResponse({
    status: 200,
    description:
      'All metrics of this process, at most a second old. While traces are exported, OpenMetrics if it is asked for.',
    schema: { type: 'string' },
  })
  metrics(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    // Prometheus asks for it first. It says nothing more than the older format, except the trace of an answer.
    const isOpen = tracing.enabled && request.headers.accept?.includes('application/openmetrics-text') === true;
    void reply.header('content-type', isOpen ? OPEN_METRICS : PLAIN).header('vary', 'accept');
    return (isOpen ? this.withExemplars : this.text).get();
  }
}

import { Logger } from '@nestjs/common';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import { type AccessLog } from '../../config/config-parts.js';
import { type SampledSpan } from '../../tracing/sampled-span.js';
import { TRACE_PARENT } from '../../tracing/trace-parent.js';
import { tracing } from '../../tracing/tracing.js';
import { callerAddress } from '../connections/caller-address.js';
import { pathOf } from '../problem/problem.js';
import { AdminRefusals } from './admin-refusals.js';
import { RequestDurations } from './request-durations.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Monotonic, ms; 0 before the first hook. */
    startedAt: number;
    /** Its span, if it is traced. */
    span: SampledSpan | undefined;
  }
}

/** The label of requests that match no route. A path that a caller chose never becomes a label. */
const UNMATCHED = 'unmatched';

/** A request that Node's parser refused, as far as it was read. */
export interface UnparsedRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly status: number;
  readonly requestId: string;
  readonly address: string | undefined;
  readonly bytes: number;
}

/**
 * Measures and logs every request: the histogram of durations, the access log and the refusals of admin calls. It never
 * writes a query, a body, or a header other than the request id.
 */
export class RequestObserver {
  readonly adminRefusals = new AdminRefusals();
  private readonly logger = new Logger('Http');
  private readonly durations = new RequestDurations();
  private readonly unmatched = this.durations.of(UNMATCHED);
  private readonly unparsedRequests = new Counter({
    name: 'coupon_http_unparsed_total',
    help: 'Requests that could not be read as HTTP, by the status of the answer',
    labelNames: ['status'],
    registers: [],
  });

  constructor(private readonly accessLog: AccessLog = 'off') {}

  exportTo(registry: Registry): void {
    this.durations.exportTo(registry);
    this.adminRefusals.exportTo(registry);
    registry.registerMetric(this.unparsedRequests);
  }

  /** Call it before routes are added. {@link begin} has to be the first hook of every request. */
  observe(fastify: FastifyInstance): void {
    fastify.decorateRequest('startedAt', 0);
    fastify.decorateRequest('span', undefined);
    fastify.addHook('onRoute', (route) => {
      const durations = this.durations.of(route.url);
      // A hook of the route knows its series; a hook of the server would have to look them up for each request. Not
      // `onResponse`: for it, Fastify adds two listeners to each answer.
      route.onSend = [
        ...[route.onSend ?? []].flat(),
        (request, reply, _payload, done): void => {
          const { method, startedAt, span } = request;
          durations.observe(method, reply.statusCode, secondsSince(startedAt), span?.traceId);
          if (span !== undefined) endSpan(span, reply);
          done();
        },
      ];
    });
    if (this.accessLog === 'off') return;
    fastify.addHook('onResponse', (request, reply, done) => {
      this.logAnswer(request, reply);
      done();
    });
    fastify.addHook('onRequestAbort', (request, done) => {
      this.writeAccess(accessOf(request, null, null));
      done();
    });
  }

  begin(request: FastifyRequest): void {
    request.startedAt = performance.now();
    if (tracing.enabled) request.span = spanOf(request);
  }

  /** Measures the answer to a request that matches no route. */
  recordUnmatched({ method, startedAt, span }: FastifyRequest, reply: FastifyReply): void {
    this.unmatched.observe(method, reply.statusCode, secondsSince(startedAt));
    if (span !== undefined) endSpan(span, reply);
  }

  /** Measures and logs a request whose path could not be decoded. Fastify runs no hook for it. */
  recordUndecodable(request: FastifyRequest, reply: FastifyReply): void {
    this.recordUnmatched(request, reply);
    if (this.accessLog !== 'off') this.logAnswer(request, reply);
  }

  /** Counts and logs a request that Node's parser refused. There is no duration to measure. */
  recordUnparsed({ method, path, status, requestId, address, bytes }: UnparsedRequest): void {
    this.unparsedRequests.inc({ status });
    if (this.accessLog === 'off') return;
    this.writeAccess({ method, route: null, path, status, durationMs: null, requestId, address, bytes });
  }

  private logAnswer(request: FastifyRequest, reply: FastifyReply): void {
    if (this.accessLog === 'errors' && reply.statusCode < 400) return;
    const length = Number(reply.getHeader('content-length'));
    this.writeAccess(accessOf(request, reply.statusCode, Number.isInteger(length) ? length : null));
  }

  private writeAccess(access: AccessFields): void {
    const { method, path, status } = access;
    this.logger.log({
      message: `${method ?? '?'} ${path ?? '?'} ${status ?? 'aborted'}`,
      event: 'http.request',
      ...access,
    });
  }
}

interface AccessFields {
  readonly method: string | undefined;
  /** The route's pattern; null if the request matches no route. */
  readonly route: string | null;
  /** Without the query. */
  readonly path: string | undefined;
  /** null if the caller went away before it was answered. */
  readonly status: number | null;
  readonly durationMs: number | null;
  readonly requestId: string;
  readonly address: string | undefined;
  /** Length of the answer's body; null if it was not known before the body was sent. */
  readonly bytes: number | null;
  readonly trace_id?: string;
}

/** Probes and scrapes come all day, and say nothing about a claim. */
const UNTRACED: ReadonlySet<string | undefined> = new Set(['/health/live', '/health/ready', '/metrics']);

function spanOf(request: FastifyRequest): SampledSpan | undefined {
  return tracing.request(request.headers[TRACE_PARENT], () => {
    const { method, id, routeOptions } = request;
    const { url = UNMATCHED } = routeOptions;
    if (UNTRACED.has(url)) return null;
    // Only the route: a path may hold the id of a user.
    return {
      name: `${method} ${url}`,
      attributes: { 'http.request.method': method, 'http.route': url, 'coupon.request_id': id },
    };
  });
}

function endSpan(span: SampledSpan, { statusCode }: FastifyReply): void {
  span.set({ 'http.response.status_code': statusCode });
  if (statusCode >= 500) span.fail(`${statusCode}`);
  else span.end();
}

function accessOf(request: FastifyRequest, status: number | null, bytes: number | null): AccessFields {
  const { method, url, id, startedAt, span } = request;
  return {
    method,
    route: request.routeOptions.url ?? null,
    path: pathOf(url),
    status,
    durationMs: Math.round(secondsSince(startedAt) * 1e6) / 1e3,
    requestId: id,
    address: callerAddress(request),
    bytes,
    ...span?.fields,
  };
}

function secondsSince(startedAt: number): number {
  return startedAt === 0 ? 0 : (performance.now() - startedAt) / 1_000;
}

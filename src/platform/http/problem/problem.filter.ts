import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Observable, throwError } from 'rxjs';
import { SlowedGuess } from '../../identity/guess-limit.js';
import { type RequestObserver } from '../observation/request-observer.js';
import { setCommonHeaders } from '../server/common-headers.js';
import { isBehindLastAnswer, makeLastAnswer } from '../server/last-answer.js';
import { type ProblemCode } from './problem-catalogue.js';
import { carriesProblemCode, pathOf, Problem, sendProblem } from './problem.js';

/** Fastify's own refusals. The status decides about those that are missing here. */
const FASTIFY_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad-request',
  FST_ERR_BAD_URL: 'bad-request',
};

const STATUS_CODES: Readonly<Record<number, ProblemCode>> = {
  401: 'unauthorized',
  403: 'role-not-allowed',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'request-timeout',
  412: 'precondition-failed',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
  428: 'precondition-required',
  431: 'headers-too-large',
};

/**
 * Turns everything that a request's code throws into a problem. An unexpected error becomes a 500: the log gets the
 * whole error, the caller gets only the request's id.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(private readonly observer: RequestObserver) {}

  catch(thrown: unknown, host: ArgumentsHost): void | Observable<never> {
    if (host.getType() !== 'http') {
      // A global filter also gets the errors of message handlers, which Nest expects back as a stream.
      return throwError(() => thrown);
    }
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    if (reply.sent || reply.raw.headersSent) {
      this.logFailure('a request failed after its answer had begun', request, thrown);
      reply.raw.destroy();
      return;
    }
    const problem = this.problemOf(thrown, request);
    if (problem.code === 'unauthorized') this.observer.adminRefusals.record(request);
    else if (problem instanceof SlowedGuess) this.observer.adminRefusals.record(request, 'slowed');
    // Some faults come before the hook that sets these headers.
    setCommonHeaders(request, reply);
    if (reply.hasHeader('connection') && !isBehindLastAnswer(reply)) {
      // Fastify closes the connection after every refused body, in case more of the body comes. If the whole request
      // was read, the connection can stay open.
      if (request.raw.complete) reply.removeHeader('connection');
      else makeLastAnswer(reply);
    }
    sendProblem(reply, problem.code, problem.extensions, problem.headers);
  }

  private problemOf(thrown: unknown, request: FastifyRequest): Problem {
    if (thrown instanceof Problem) return thrown;

    if (carriesProblemCode(thrown)) return new Problem(thrown.problemCode);

    // Nest wraps a Fastify error in an HttpException and keeps the error as its cause.
    const fault = thrown instanceof HttpException && thrown.cause instanceof Error ? thrown.cause : thrown;
    if (fault instanceof Problem) return fault;

    const { code, statusCode } = fault as { readonly code?: unknown; readonly statusCode?: unknown };
    const known = FASTIFY_CODES[String(code)];
    if (known !== undefined) return new Problem(known);

    const status = thrown instanceof HttpException ? thrown.getStatus() : statusCode;
    if (typeof status === 'number' && status >= 400 && status < 500) {
      return new Problem(STATUS_CODES[status] ?? 'bad-request');
    }

    this.logFailure('a request failed', request, thrown);
    return new Problem('internal-error');
  }

  private logFailure(message: string, { id, method, url, span }: FastifyRequest, error: unknown): void {
    const path = pathOf(url);
    this.logger.error({ message, event: 'http.failed', requestId: id, method, path, ...span?.fields, error });
  }
}

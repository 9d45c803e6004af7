import { applyDecorators } from '@nestjs/common';
import { type NestFastifyApplication, RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type RouteHandlerMethod } from 'fastify';
import { AppConfig } from '../../config/env.js';
import { AdminAccess } from '../../identity/admin-access.js';
import { NEVER_BUSY_EXTENSION } from '../openapi/openapi-answers.js';
import { sendProblem } from '../problem/problem.js';
import { turnsWithAnswers } from '../server/end-of-turn.js';
import { type ReadLane, ReadLimiter, type ReadSurroundings } from './read-limiter.js';

/** How many reads may wait in one lane: a few MB of requests, and more than callers are ready to wait behind. */
const MAX_WAITING = 1_000;
/** How long a read waits at most, ms: half of the 10 s after which Prometheus gives up a scrape. */
const MAX_WAIT_MS = 5_000;
/**
 * Seconds after which a refused caller should ask again. Chosen at random, so that callers do not all return together.
 */
const RETRY_AFTER_S = [1, 2, 3] as const;

/**
 * How a route is admitted beside claims. `at-once` is for claims; `probe` is for health; `from-memory` is for answers
 * that need no server. A route without it reads the database and the gate.
 */
type RouteAdmission = 'at-once' | 'probe' | 'from-memory';

declare module 'fastify' {
  interface FastifyContextConfig {
    admission?: RouteAdmission;
  }
}

/** For claims: they never wait. */
export const AdmitAtOnce = (): MethodDecorator => neverBusy('at-once');

/** For health: it waits for its turn among the reads, but is never refused. */
export const IsProbe = (): MethodDecorator => neverBusy('probe');

function neverBusy(admission: RouteAdmission): MethodDecorator {
  return applyDecorators(RouteConfig({ admission }), ApiExtension(NEVER_BUSY_EXTENSION, true));
}

/** For a handler that asks no server, or that asks one rarely and for all callers together. */
export const AnswersFromMemory = () => RouteConfig({ admission: 'from-memory' satisfies RouteAdmission });

/** The same for routes that Nest does not know. */
export const ANSWERS_FROM_MEMORY = { config: { admission: 'from-memory' } } as const;

const THIS_PROCESS: ReadSurroundings = {
  now: () => performance.now(),
  claimTurns: turnsWithAnswers,
  nextTurn: (work, after) => {
    // Both run in one turn. Between them, Node runs the callbacks of all promises that the first one settled.
    setImmediate(work);
    setImmediate(after);
  },
  after: (ms, work) => void setTimeout(work, ms).unref(),
};

/**
 * Lets reads begin when {@link ReadLimiter} says so. It wraps the handlers of the routes that may have to wait, so
 * claims do not pay for it. Actions of operators do not wait: an operator who stops a sale must not stand behind a
 * crowd of readers. A caller is an operator only with a credential that this process knows, or in an admin call with a
 * right token; without one, even the refusal waits like any other read.
 *
 * Call it after configureHttp, and before there are routes.
 */
export function installReadAdmission(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const { readConcurrency: concurrency } = app.get(AppConfig).http;
  const limiter = new ReadLimiter({ concurrency, maxWaiting: MAX_WAITING, maxWaitMs: MAX_WAIT_MS }, THIS_PROCESS);
  const access = app.get(AdminAccess);
  fastify.addHook('onRoute', (route) => {
    const admission = route.config?.admission;
    if (admission === 'at-once') return;
    const { handler } = route;
    const isAdminCall = route.url.startsWith('/api/admin/');
    const isOperator = (request: FastifyRequest): boolean | Promise<boolean> =>
      // mutant: an-operators-new-token-waits-behind-readers
      isAdminCall ? access.isAdmin(request) : access.isKnownAdmin(request);
    route.handler = async function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
      const lane = laneOf(request, admission, admission === undefined && (await isOperator(request)));
      if (lane === null) return handler.call(this, request, reply);
      const admitted = await limiter.enter(lane, () => isGone(request));
      if (admitted.kind === 'gone') {
        reply.hijack();
      } else if (admitted.kind === 'busy') {
        if (lane === 'probe') return handler.call(this, request, reply);
        const retryAfter = RETRY_AFTER_S[Math.floor(Math.random() * RETRY_AFTER_S.length)];
        sendProblem(reply, 'busy', undefined, { 'retry-after': String(retryAfter) });
      } else {
        try {
          return await handler.call(this, request, reply);
        } finally {
          // Leave when the answer is made, not when it is read: a caller who reads slowly must not keep the place.
          admitted.leave(Number(reply.getHeader('content-length') ?? 0));
        }
      }
      return undefined;
    } as RouteHandlerMethod;
  });
}

/** @returns null if the request does not wait. */
function laneOf(request: FastifyRequest, admission: RouteAdmission | undefined, isOperator: boolean): ReadLane | null {
  if (admission === 'probe') return 'probe';
  if (admission === 'from-memory') return 'memory';
  if (!isOperator) return 'public';
  return request.method === 'GET' || request.method === 'HEAD' ? 'operator' : null;
}

function isGone({ raw }: FastifyRequest): boolean {
  return raw.socket?.destroyed === true;
}

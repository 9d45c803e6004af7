import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { parseEnv } from '../../config/env.js';
import { type TrustedProxies } from '../../config/variables.js';
import { allowPages, type CorsOrigins } from '../browsers/cors.js';
import { trustOf } from '../connections/caller-address.js';
import { Connections } from '../connections/connections.js';
import { PortClosing } from '../connections/port-closing.js';
import { ValidationPipe } from '../input/validation.pipe.js';
import { answerClientError } from '../message/client-error.js';
import { answerExpect } from '../message/expectation.js';
import { messageFault } from '../message/message-fault.js';
import { routedMethods, sendUnrouted } from '../message/method-not-allowed.js';
import { originForm } from '../message/request-target.js';
import { RequestObserver } from '../observation/request-observer.js';
import { ProblemFilter } from '../problem/problem.filter.js';
import { sendProblem } from '../problem/problem.js';
import { BODY_LIMIT, installBodyParser } from './body-parser.js';
import { type AdminListener } from './admin-listener.js';
import { setCommonHeaders } from './common-headers.js';
import { prepareServer } from './http-server.js';
import { isBehindLastAnswer, makeLastAnswer } from './last-answer.js';
import { requestIdOf } from './request-id.js';

/** How long the server waits, in ms. Tests shorten it. */
export interface HttpTimeouts {
  /** From the connection, or the end of the last request, to the end of the headers. */
  readonly headers: number;
  /** From the first byte of a request to its last. */
  readonly request: number;
  /** How often all these limits are checked, and so how late the server may notice. */
  readonly checkInterval: number;
  /** From the last byte of an answer that the caller took, while more bytes wait, to the end of the connection. */
  readonly write: number;
}

const TIMEOUTS: HttpTimeouts = { headers: 5000, request: 10_000, checkInterval: 1000, write: 30_000 };

const MAX_HEADER_BYTES = 8192;

/**
 * Makes the server under Nest. Create the application with `bodyParser: false` and call {@link configureHttp} on it.
 * Otherwise Fastify's lenient parsers stay.
 *
 * @param connections the limits of connections; by default those of an empty environment.
 * @param trustedProxies proxies whose `X-Forwarded-For` names the caller's address.
 * @param adminListener gets a second server with the same routes; undefined: one port serves everything.
 */
export function createFastifyAdapter(
  timeouts: Partial<HttpTimeouts> = {},
  observer = new RequestObserver(),
  connections = new Connections(parseEnv({}).http),
  trustedProxies: TrustedProxies = null,
  adminListener?: AdminListener,
): FastifyAdapter {
  const { headers, request, checkInterval, write } = { ...TIMEOUTS, ...timeouts };
  const refuseMessage = (error: Error, socket: Socket): void => answerClientError(error, socket, observer);
  return new FastifyAdapter({
    // With a factory, Fastify applies none of its own options to the server.
    serverFactory: (serve: (request: IncomingMessage, response: ServerResponse) => void) => {
      const create = (limits: Connections): Server =>
        limits.createServer({ checkInterval, write }, serve, {
          headersTimeout: headers,
          requestTimeout: request,
          maxHeaderSize: MAX_HEADER_BYTES,
          // Node would answer a missing Host with an empty 400. The hook below answers with a problem.
          requireHostHeader: false,
        });
      adminListener?.use(create(adminListener.connections).on('clientError', refuseMessage));
      return create(connections);
    },
    // Express-style middleware costs every request a hook, and the service uses none. So `app.use()` does not work.
    skipMiddie: true,
    bodyLimit: BODY_LIMIT,
    logger: false,
    // Any caller can send X-Forwarded-For. Only what a trusted proxy has added to it is believed.
    trustProxy: trustOf(trustedProxies),
    requestIdHeader: false,
    genReqId: requestIdOf,
    // While the server shuts down, requests on open connections still reach their routes.
    return503OnClosing: false,
    // The schemas check a parameter's length. The router's own limit would answer 414.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES, ignoreTrailingSlash: true },
    rewriteUrl: ({ url }: { readonly url?: string | undefined }): string => originForm(url ?? ''),
    clientErrorHandler: refuseMessage,
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply): void => {
      // The router could not decode the path, so it ran no hook.
      setCommonHeaders(request, reply);
      sendProblem(reply, 'bad-request');
      observer.recordUndecodable(request, reply);
    },
  });
}

/**
 * Installs the hooks, the parser, the pipe and the filter. The process and the tests call this same function.
 *
 * @param observer the same one as for {@link createFastifyAdapter}, and so is `adminListener`.
 * @param origins whose pages may call the service.
 */
export function configureHttp(
  app: NestFastifyApplication,
  observer = new RequestObserver(),
  adminListener?: AdminListener,
  origins: CorsOrigins = null,
): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  installBodyParser(fastify);
  observer.observe(fastify);
  const methods = routedMethods(fastify);
  const servers = adminListener?.serversWith(fastify.server) ?? [fastify.server];
  for (const server of servers) prepareServer(server, methods, observer);
  const port = new PortClosing(fastify, servers);
  adminListener?.closeWith(fastify);
  const judge = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const { headers, raw } = request;
    const fault = messageFault(raw);
    if (fault !== undefined) {
      if (fault.closes) makeLastAnswer(reply);
      sendProblem(reply, fault.code, fault.extensions);
      if (request.is404) observer.recordUnmatched(request, reply);
      return;
    }
    const isCoded = headers['content-encoding'] !== undefined;
    const isTooLarge = Number(headers['content-length'] ?? 0) > BODY_LIMIT;
    // Where pages may call, every path has a route for OPTIONS, and only for the question whether they may.
    const isUnrouted = request.is404 || request.method === 'OPTIONS';
    const isRefused = isUnrouted || isCoded || isTooLarge;
    // Node drops bytes that came in one packet with a request that asks for an upgrade. And a caller that waits for 100
    // Continue may or may not send its body after the refusal.
    if (headers.upgrade !== undefined || (isRefused && headers.expect !== undefined)) makeLastAnswer(reply);

    if (adminListener?.hides(request) === true) {
      sendProblem(reply, 'not-found');
    } else if (isUnrouted) {
      // Answer before the body is read: a path that does not exist matters more than a faulty body.
      sendUnrouted(fastify, methods, reply);
      if (request.is404) observer.recordUnmatched(request, reply);
    } else if (isCoded) {
      sendProblem(reply, 'unsupported-media-type');
    } else if (isTooLarge) {
      // Fastify would refuse it as well, but only after it has begun the requests behind it.
      makeLastAnswer(reply);
      sendProblem(reply, 'payload-too-large');
    } else {
      const refusal = headers.expect === undefined ? undefined : answerExpect(request, reply);
      if (refusal === undefined) done();
      else sendProblem(reply, refusal);
    }
  };
  const begin = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (isBehindLastAnswer(reply)) return;

    setCommonHeaders(request, reply);
    // From now on Fastify ends each connection after its next answer. Requests behind it would get no answer.
    if (port.hasBegun) makeLastAnswer(reply);
    if (origins === null) judge(request, reply, done);
    else done();
  };
  fastify.addHook('onRequest', (request, reply, done) => {
    observer.begin(request);
    if (port.holds) port.hold(() => begin(request, reply, done));
    else begin(request, reply, done);
  });
  if (origins !== null) {
    // Between the two hooks, so that refusals can be read by pages, too.
    allowPages(fastify, origins);
    fastify.after(() => {
      fastify.addHook('onRequest', judge);
    });
  }
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter(observer));
}

import { type NestFastifyApplication, RouteConfig } from '@nestjs/platform-fastify';
import { type FastifyInstance } from 'fastify';
import { makeLastAnswer } from '../server/last-answer.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    isStream?: boolean;
  }
}

/** For a handler that answers by `EventStreams.begin`. */
export const IsStream = (): MethodDecorator => RouteConfig({ isStream: true });

/**
 * Makes a stream the last answer of its connection, as soon as its headers are read. A claim behind it in the same packet
 * would be carried out, and its answer would come when the stream ends.
 *
 * Call it after configureHttp, and before there are routes.
 */
export function installStreamRoutes(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.addHook('onRoute', (route) => {
    if (route.config?.isStream !== true) return;
    route.onRequest = [
      (_request, reply, done): void => {
        // mutant: a-claim-behind-a-stream
        makeLastAnswer(reply);
        done();
      },
      ...[route.onRequest ?? []].flat(),
    ];
  });
}

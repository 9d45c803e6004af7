import { type FastifyInstance, type FastifyReply } from 'fastify';
import { pathOf, sendProblem } from '../problem/problem.js';
import { isForServer } from './message-fault.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** The methods that some path answers. Call it before the routes are added; the set is complete once all are. */
export function routedMethods(fastify: FastifyInstance): ReadonlySet<string> {
  const methods = new Set<string>();
  fastify.addHook('onRoute', ({ method }) => {
    for (const one of [method].flat()) methods.add(one);
  });
  return methods;
}

/**
 * Answers a request that matches no route: 405 with Allow if the path has other methods, 404 otherwise. Fastify itself
 * answers 404 in both cases.
 */
export function sendUnrouted(fastify: FastifyInstance, methods: ReadonlySet<string>, reply: FastifyReply): void {
  if (isForServer(reply.request.raw)) {
    sendProblem(reply, 'method-not-allowed', undefined, { allow: [...methods].join(', ') });
    return;
  }
  const url = pathOf(reply.request.url);
  const allowed = METHODS.filter((method) => {
    const route = fastify.findRoute({ method, url });
    // The router matches an empty parameter (`/campaigns/`), which Nest then answers with 404.
    return route !== null && !Object.entries(route.params).some(([name, value]) => value === '' && name !== '*');
  });
  if (allowed.length === 0) sendProblem(reply, 'not-found');
  else sendProblem(reply, 'method-not-allowed', undefined, { allow: allowed.join(', ') });
}

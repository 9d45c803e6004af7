import { type FastifyReply, type FastifyRequest } from 'fastify';
import { REQUEST_ID_HEADER } from './request-id.js';

/**
 * The headers of every answer. Static and few, because they are paid for at every claim: answers are JSON, so most of
 * what helmet sets would protect nothing (the pages of the documentation get their own).
 */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(REQUEST_ID_HEADER, request.id);
  reply.header('x-content-type-options', 'nosniff');
  // Stock and claims change from one moment to the next, and a claim's status belongs to one user.
  reply.header('cache-control', 'no-store');
}

import { type FastifyReply, type FastifyRequest } from 'fastify';
import { REQUEST_ID_HEADER } from './request-id.js';

/**
 * The headers of every answer. They are few, because every claim pays for them. Answers are JSON, so most headers that
 * helmet sets would protect nothing. The pages of the documentation have their own headers.
 */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(REQUEST_ID_HEADER, request.id);
  reply.header('x-content-type-options', 'nosniff');
  // Stock and claims change all the time, and a claim's status belongs to one user.
  reply.header('cache-control', 'no-store');
}

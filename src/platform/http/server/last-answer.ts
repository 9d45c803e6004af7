import { type Socket } from 'node:net';
import { type FastifyReply } from 'fastify';

const ending = new WeakSet<Socket>();

/** Closes the connection after this answer. What was sent behind its request is not carried out. */
export function makeLastAnswer(reply: FastifyReply): void {
  reply.header('connection', 'close');
  ending.add(reply.request.raw.socket);
}

/**
 * True from then on: for the request itself, and where a request came behind one with the last answer, in one packet: Node hands it on all the same. Nobody would
 * get its answer, and where the framing is in doubt it may be the body of the one before.
 */
export function isBehindLastAnswer(reply: FastifyReply): boolean {
  return ending.has(reply.request.raw.socket);
}

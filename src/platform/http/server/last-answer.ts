import { type Socket } from 'node:net';
import { type FastifyReply } from 'fastify';

const ending = new WeakSet<Socket>();

/** Closes the connection after this answer. Requests behind it on the same connection are not carried out. */
export function makeLastAnswer(reply: FastifyReply): void {
  reply.header('connection', 'close');
  ending.add(reply.request.raw.socket);
}

/**
 * True once {@link makeLastAnswer} was called on this connection: for that request, and for requests behind it. Node
 * still passes those on if they came in the same packet. Their answers would reach no one, and if the framing is in
 * doubt, they may be the body of the request before.
 */
export function isBehindLastAnswer(reply: FastifyReply): boolean {
  return ending.has(reply.request.raw.socket);
}

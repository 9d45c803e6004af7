import { createHash } from 'node:crypto';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ANSWERS_FROM_MEMORY } from '../reads/read-admission.js';

/** A file that is the same for every caller while the process runs. */
export interface ConstantFile {
  readonly contentType: string;
  readonly body: Buffer;
}

/**
 * Serves a file from one buffer. A request reads, builds or serialises nothing, so a caller who keeps asking for the
 * largest file costs only the copy into the socket.
 *
 * @param load is called once, before the port opens.
 */
export function serveConstantFile(
  fastify: FastifyInstance,
  url: string,
  load: () => ConstantFile | Promise<ConstantFile>,
): void {
  fastify.get(url, ANSWERS_FROM_MEMORY, constantAnswer(fastify, load));
}

/** The handler behind {@link serveConstantFile}, for a path with more than one file. */
export function constantAnswer(
  fastify: FastifyInstance,
  load: () => ConstantFile | Promise<ConstantFile>,
): (request: FastifyRequest, reply: FastifyReply) => void {
  let served: (ConstantFile & { readonly etag: string }) | undefined;
  fastify.addHook('onReady', async () => {
    const file = await load();
    served = { ...file, etag: `"${createHash('sha256').update(file.body).digest('base64url').slice(0, 22)}"` };
  });
  return (request, reply) => {
    if (served === undefined) throw new Error(`${request.url} was asked for before the server was ready`);
    // A new version of the service may have a new file. Asking for it costs the caller only a round trip.
    reply.header('cache-control', 'no-cache').header('etag', served.etag);
    if (matches(request.headers['if-none-match'], served.etag)) reply.code(304).send();
    else reply.header('content-type', served.contentType).send(served.body);
  };
}

/** RFC 9110 §13.1.2: weak comparison with each tag of a list. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

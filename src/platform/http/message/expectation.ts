import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type ProblemCode } from '../problem/problem-catalogue.js';
import { isJsonInUtf8 } from '../server/body-parser.js';
import { makeLastAnswer } from '../server/last-answer.js';

/** Methods whose body is read if a route takes them. */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Answers `Expect` (RFC 9110 §10.1.1). A caller that waits for `100 Continue` gets it only if the service will read the
 * body. If the service will refuse the body, it sends the refusal instead.
 *
 * @returns the refusal, or undefined if the request goes on.
 */
export function answerExpect({ headers, method, raw }: FastifyRequest, reply: FastifyReply): ProblemCode | undefined {
  if (headers.expect?.toLowerCase() !== '100-continue') {
    makeLastAnswer(reply);
    return 'expectation-failed';
  }
  // HTTP/1.0 has no interim answers.
  if (raw.httpVersion !== '1.1') return undefined;

  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  const isRead = hasBody && WITH_BODY.has(method);
  if (isRead && isJsonInUtf8(headers['content-type'])) {
    reply.raw.writeContinue();
    return undefined;
  }
  // The caller may still send the body or not, so no further request can be read on this connection.
  makeLastAnswer(reply);
  return isRead ? 'unsupported-media-type' : undefined;
}

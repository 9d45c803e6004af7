import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type ProblemCode } from '../problem/problems.js';
import { isJsonInUtf8 } from '../server/body-parser.js';
import { makeLastAnswer } from '../server/last-answer.js';

/** Methods whose body is read, where a route takes them. */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Answers `Expect` (RFC 9110 §10.1.1). A caller that waits for `100 Continue` is told to send its body only where the
 * body can be read; where it is known to be refused, the refusal comes instead.
 *
 * @returns the refusal, or undefined where the request goes on.
 */
export function meetExpectation(
  { headers, method, raw }: FastifyRequest,
  reply: FastifyReply,
): ProblemCode | undefined {
  if (headers.expect?.toLowerCase() !== '100-continue') {
    makeLastAnswer(reply);
    return 'expectation-failed';
  }
  // HTTP/1.0 knows no interim answer.
  if (raw.httpVersion !== '1.1') return undefined;

  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  const isRead = hasBody && WITH_BODY.has(method);
  if (isRead && isJsonInUtf8(headers['content-type'])) {
    reply.raw.writeContinue();
    return undefined;
  }
  // Whether the body comes nevertheless is not known, so nothing can follow.
  makeLastAnswer(reply);
  return isRead ? 'unsupported-media-type' : undefined;
}

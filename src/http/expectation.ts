import { type FastifyReply, type FastifyRequest } from 'fastify';
import { BODY_LIMIT, isJsonInUtf8 } from './body-parser.js';
import { type ProblemCode } from './problem.js';

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
    return 'expectation-failed';
  }
  const length = Number(headers['content-length'] ?? 0);
  const hasBody = length > 0 || headers['transfer-encoding'] !== undefined;
  // HTTP/1.0 knows no interim answer.
  if (!hasBody || !WITH_BODY.has(method) || raw.httpVersion !== '1.1') {
    return undefined;
  }
  if (length > BODY_LIMIT) {
    return 'payload-too-large';
  }
  if (!isJsonInUtf8(headers['content-type'])) {
    return 'unsupported-media-type';
  }
  reply.raw.writeContinue();
  return undefined;
}

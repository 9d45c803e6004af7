import { timingSafeEqual } from 'node:crypto';
import { type FastifyRequest } from 'fastify';

/** Does the request prove by `X-Claim-Id` that the claim is its caller's? Compares in constant time. */
export function namesClaim({ headers }: Pick<FastifyRequest, 'headers'>, claimId: string): boolean {
  const named = headers['x-claim-id'];
  if (typeof named !== 'string' || named.length !== claimId.length) return false;
  const [shown, known] = [Buffer.from(named), Buffer.from(claimId)];
  return shown.length === known.length && timingSafeEqual(shown, known);
}

import { isIP } from 'node:net';
import { type FastifyRequest } from 'fastify';

/**
 * The address of the caller: what a trusted proxy says (TRUST_PROXY), otherwise that of the connection. A proxy that
 * passes on what its caller wrote may say anything; only an address counts.
 */
export function callerAddress({ ip, raw }: Pick<FastifyRequest, 'ip' | 'raw'>): string {
  return isIP(ip) === 0 ? (raw.socket.remoteAddress ?? 'unknown') : ip;
}

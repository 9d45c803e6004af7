import rateLimit from '@fastify/rate-limit';
import { type NestFastifyApplication, RouteConfig } from '@nestjs/platform-fastify';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Rate } from '../../rates/rate.js';
import { callerAddress } from '../connections/caller-address.js';
import { networkOf } from '../connections/network-of.js';
import { Problem } from '../problem/problem.js';

/** Networks that are counted; the one that called longest ago is forgotten first. A few MB. */
const MAX_NETWORKS = 20_000;

/**
 * For a call that is dear and not a claim: each address may make it ENTRY_RATE_LIMIT times. It does not wait among the
 * reads, because it may take seconds and would hold a place there: its handler limits by itself what it does at a time.
 */
export const LimitedPerAddress = () => RouteConfig({ rateLimit: {}, admission: 'at-once' });

/**
 * Counts the calls of {@link LimitedPerAddress} in the memory of this process. Call it before there are routes.
 *
 * @param limit null: none.
 */
export async function installAddressLimit(app: NestFastifyApplication, limit: Rate | null): Promise<void> {
  if (limit === null) return;
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  await fastify.register(rateLimit, {
    global: false,
    max: limit.count,
    timeWindow: limit.windowMs,
    cache: MAX_NETWORKS,
    keyGenerator: (request: FastifyRequest) => networkOf(callerAddress(request)),
    addHeadersOnExceeding: NO_HEADERS,
    addHeaders: { ...NO_HEADERS, 'retry-after': false },
    // The plugin throws what this returns, and the filter writes it.
    errorResponseBuilder: (_request: FastifyRequest, { ttl }: { readonly ttl: number }) =>
      new Problem('too-many-requests', { headers: { 'retry-after': String(Math.max(1, Math.ceil(ttl / 1_000))) } }),
  });
}

const NO_HEADERS = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false };

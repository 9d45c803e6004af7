import { Controller, Get, Param, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { campaignId, keysetCursor, listQuery, userId } from '../../platform/http/input/schemas.js';
import { ApiCaller, ApiClaimId } from '../../platform/http/openapi/openapi-callers.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { CallerAccess } from '../../platform/identity/caller.js';
import { namesClaim } from './claim-proof.js';
import { ClaimStatusLookup } from './claim-status.js';
import { claimStatusJsonSchema, couponListJsonSchema } from './coupon-json.js';
import { UserCoupons } from './user-coupons.js';

const cursor = keysetCursor(z.int().min(1));
const couponsQuery = listQuery(cursor, {});

/** The users' calls about claims and coupons. */
@ApiTags('coupons')
@Controller('api')
export class CouponsController {
  constructor(
    private readonly claims: ClaimStatusLookup,
    private readonly coupons: UserCoupons,
    private readonly access: CallerAccess,
  ) {}

  @Get('campaigns/:campaignId/claims/:userId')
  @ApiOperation({ summary: 'What became of a user’s claim' })
  @ApiCaller('reads')
  @ApiClaimId()
  @ApiAnswer(200, 'ISSUED once the coupon is stored.', claimStatusJsonSchema)
  @ApiProblems('claim-not-found', 'campaign-not-found', 'issuer-unavailable', 'database-unavailable')
  async findClaim(
    @Param('campaignId', { schema: campaignId }) campaign: string,
    @Param('userId', { schema: userId }) user: string,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof claimStatusJsonSchema>> {
    const reading = this.access.readingOf(await this.access.identify(request), user);
    const found = await this.claims.find(campaign, reading.userId);
    if (found.kind !== 'found') throw new Problem(found.kind);
    // Without IDENTITY, only the caller who got the 202 knows the claim's id.
    const isOwn = !reading.withClaimIds && namesClaim(request, found.claimId);
    const withId = reading.withClaimIds || isOwn;
    const { claimId, status, sequence } = found;
    const shown = { ...(withId ? { claimId } : {}), status, sequence, claimedAt: isoOf(found.claimedAt) };
    if (found.status !== 'ISSUED') return shown;
    // mutant: code-to-anyone
    const withCode = reading.withCodes || isOwn;
    return { ...shown, issuedAt: isoOf(found.issuedAt), ...(withCode ? { code: found.code } : {}) };
  }

  @Get('users/:userId/coupons')
  @ApiOperation({ summary: 'A user’s coupons, newest first' })
  @ApiCaller('reads')
  @ApiAnswer(200, 'One page.', couponListJsonSchema, {
    links: { listCouponsOfUser: { userId: '$request.path.userId', cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor', 'database-unavailable')
  async listCouponsOfUser(
    @Param('userId', { schema: userId }) user: string,
    @Query({ schema: couponsQuery }) { limit, cursor: after }: z.infer<typeof couponsQuery>,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof couponListJsonSchema>> {
    const reading = this.access.readingOf(await this.access.identify(request), user);
    return pageJson(
      await this.coupons.list(reading.userId, limit, after),
      ({ campaignId, claimId, sequence, createdAt, code }) => ({
        campaignId,
        ...(reading.withClaimIds ? { claimId } : {}),
        sequence,
        issuedAt: isoOf(createdAt),
        ...(reading.withCodes ? { code } : {}),
      }),
      cursor,
    );
  }
}

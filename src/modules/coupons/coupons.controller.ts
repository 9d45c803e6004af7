import { Controller, Get, Param, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { campaignId, keysetCursor, listQuery, userId } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiOptionalAdmin, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { AdminAccess } from '../../platform/identity/admin-access.js';
import { maySeeCodes } from '../../platform/identity/key-role.js';
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
    private readonly access: AdminAccess,
  ) {}

  @Get('campaigns/:campaignId/claims/:userId')
  @ApiOperation({ summary: 'What became of a user’s claim' })
  @ApiAnswer(200, 'ISSUED once the coupon is stored.', claimStatusJsonSchema)
  @ApiProblems('claim-not-found', 'campaign-not-found', 'issuer-unavailable', 'database-unavailable')
  async findClaim(
    @Param('campaignId', { schema: campaignId }) campaign: string,
    @Param('userId', { schema: userId }) user: string,
  ): Promise<z.infer<typeof claimStatusJsonSchema>> {
    const found = await this.claims.find(campaign, user);
    if (found.kind !== 'found') throw new Problem(found.kind);
    const { claimId, status, sequence } = found;
    const claimedAt = isoOf(found.claimedAt);
    if (found.status !== 'ISSUED') return { claimId, status, sequence, claimedAt };
    return { claimId, status, sequence, claimedAt, issuedAt: isoOf(found.issuedAt), code: found.code };
  }

  /**
   * Shows codes only to operators and issuers while callers are not identified, because anyone with a code can redeem it. The
   * status of a claim shows the code to any caller who names campaign and user: the gateway in front has to check both.
   */
  @Get('users/:userId/coupons')
  @ApiOperation({ summary: 'A user’s coupons, newest first' })
  @ApiOptionalAdmin()
  @ApiAnswer(200, 'One page.', couponListJsonSchema, {
    links: { listCouponsOfUser: { userId: '$request.path.userId', cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor', 'database-unavailable')
  async listCouponsOfUser(
    @Param('userId', { schema: userId }) user: string,
    @Query({ schema: couponsQuery }) { limit, cursor: after }: z.infer<typeof couponsQuery>,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof couponListJsonSchema>> {
    const actor = await this.access.identify(request);
    const withCodes = actor !== null && maySeeCodes(actor.role);
    return pageJson(
      await this.coupons.list(user, limit, after),
      ({ campaignId, claimId, sequence, createdAt, code }) => ({
        campaignId,
        claimId,
        sequence,
        issuedAt: isoOf(createdAt),
        ...(withCodes ? { code } : {}),
      }),
      cursor,
    );
  }
}

import { Readable } from 'node:stream';
import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { campaignId, instant, keysetCursor, listQuery, userId } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiFile, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { attachment } from '../../platform/http/output/attachment.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { AdminSight } from '../../platform/identity/admin-sight.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { RecordedCalls } from '../../platform/identity/recorded-calls.js';
import { type CampaignCouponFilter } from '../../ports/database/coupon-store.js';
import { CampaignCoupons } from './campaign-coupons.js';
import { campaignCouponListJsonSchema } from './coupon-json.js';
import { type CouponFormat } from './coupon-lines.js';

const cursor = keysetCursor(
  z.strictObject({ claimedAt: z.int().min(0), sequence: z.int().min(1), id: z.int().min(1) }),
);
const filters = {
  userId: userId.optional(),
  from: instant.optional().meta({ description: 'Claimed at this instant or later.' }),
  to: instant.optional().meta({ description: 'Claimed before this instant.' }),
};
const listFilters = listQuery(cursor, filters);
const exportFilters = z.strictObject(filters);
const csvFilters = z.strictObject({
  ...filters,
  lang: z
    .enum(['ko', 'en'], { error: 'language' })
    .default('en')
    .meta({ description: 'ko: Korean names of the columns, and a byte order mark for spreadsheets.' }),
});

const MEDIA_TYPES: Readonly<Record<CouponFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson',
};

/** The filter as the store takes it: a field is left out, and never undefined. */
function filterOf(campaignId: string, { userId, from, to }: z.infer<typeof exportFilters>): CampaignCouponFilter {
  return {
    campaignId,
    ...(userId === undefined ? {} : { userId }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

const EXPORTED = 'It has the coupons that were issued before the call, in the order of the claims.';

/** The operators' calls on the coupons of a campaign: who got one, and in which order. */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/campaigns/:campaignId')
export class CampaignCouponsController {
  constructor(
    private readonly coupons: CampaignCoupons,
    private readonly sight: AdminSight,
    private readonly recorded: RecordedCalls,
  ) {}

  @Get('coupons')
  @ApiOperation({ summary: 'The coupons of a campaign, newest claim first' })
  @ApiAnswer(200, 'One page.', campaignCouponListJsonSchema, {
    links: { listCouponsOfCampaign: { campaignId: '$request.path.campaignId', cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('campaign-not-found', 'invalid-cursor', 'database-unavailable')
  async listCouponsOfCampaign(
    @Param('campaignId', { schema: campaignId }) campaign: string,
    @Query({ schema: listFilters }) { limit, cursor: after, ...filter }: z.infer<typeof listFilters>,
    @Caller() by: CallOrigin,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof campaignCouponListJsonSchema>> {
    const { withCodes, withClaimIds } = await this.sight.of(request);
    const page = await this.coupons.list(filterOf(campaign, filter), limit, after, withCodes ? by : null);
    if (page === null) throw new Problem('campaign-not-found');
    return pageJson(
      page,
      ({ userId, claimId, sequence, claimedAt, createdAt, code }) => ({
        userId,
        ...(withClaimIds ? { claimId } : {}),
        sequence,
        claimedAt: isoOf(claimedAt),
        issuedAt: isoOf(createdAt),
        ...(withCodes ? { code } : {}),
      }),
      cursor,
    );
  }

  @Get('coupons.csv')
  @ApiOperation({ summary: 'The coupons of a campaign as CSV, oldest claim first; with codes for operators' })
  @ApiFile('text/csv', EXPORTED)
  @ApiProblems('campaign-not-found', 'database-unavailable')
  async exportCouponsAsCsv(
    @Param('campaignId', { schema: campaignId }) campaign: string,
    @Query({ schema: csvFilters }) { lang, ...filter }: z.infer<typeof csvFilters>,
    @Caller() by: CallOrigin,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.send(reply, filterOf(campaign, filter), 'csv', lang, by, request);
  }

  @Get('coupons.ndjson')
  @ApiOperation({ summary: 'The coupons of a campaign, a JSON object in each line, oldest claim first' })
  @ApiFile('application/x-ndjson', EXPORTED)
  @ApiProblems('campaign-not-found', 'database-unavailable')
  async exportCouponsAsNdjson(
    @Param('campaignId', { schema: campaignId }) campaign: string,
    @Query({ schema: exportFilters }) filter: z.infer<typeof exportFilters>,
    @Caller() by: CallOrigin,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.send(reply, filterOf(campaign, filter), 'ndjson', 'en', by, request);
  }

  private async send(
    reply: FastifyReply,
    filter: CampaignCouponFilter,
    format: CouponFormat,
    language: 'ko' | 'en',
    by: CallOrigin,
    request: FastifyRequest,
  ): Promise<void> {
    const name = await this.coupons.nameOf(filter.campaignId);
    const pieces = name === null ? null : await this.piecesFor(request, filter, format, language, by);
    if (name === null || pieces === null) throw new Problem('campaign-not-found');
    const file = Readable.from(pieces);
    // HTTP/1.0 has no last chunk: only a reset tells its caller, or a proxy that speaks it, that the file is not whole.
    if (request.raw.httpVersion === '1.0') file.once('error', () => request.raw.socket.resetAndDestroy());
    reply
      .header('content-type', MEDIA_TYPES[format])
      .header('content-disposition', attachment(`coupons-${filter.campaignId}`, name, format))
      // A database that fails in between destroys the stream, and so does a credential that is refused by then. The last
      // chunk is missing then, so the caller sees that the file is not whole.
      .send(file);
  }

  /** For HEAD nothing: no file is read, and none is recorded. */
  private async piecesFor(
    request: FastifyRequest,
    filter: CampaignCouponFilter,
    format: CouponFormat,
    language: 'ko' | 'en',
    by: CallOrigin,
  ): Promise<AsyncIterable<string> | Iterable<string> | null> {
    if (request.method === 'HEAD') return (await this.coupons.list(filter, 1, undefined, null)) === null ? null : [];
    this.recorded.note(by.actor);
    const options = { ...(await this.sight.of(request)), language };
    return this.coupons.export(filter, format, options, by, () => this.sight.of(request));
  }
}

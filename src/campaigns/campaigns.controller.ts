import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { etagOf } from '../http/if-match.js';
import { ApiAnswer, ApiProblems } from '../http/openapi.js';
import { Problem } from '../http/problem.js';
import { campaignId, keysetCursor, listQuery } from '../http/schemas.js';
import { CampaignCatalogue } from './campaign-catalogue.js';
import { type CampaignJson, campaignJson, campaignJsonSchema, campaignListJsonSchema } from './campaign-json.js';

const cursor = keysetCursor(z.strictObject({ createdAt: z.int().min(0), id: campaignId }));
const query = listQuery(cursor, {});

/** Campaigns as everybody may read them. */
@ApiTags('campaigns')
@Controller('api/campaigns')
export class CampaignsController {
  constructor(@Inject(CampaignCatalogue) private readonly catalogue: CampaignCatalogue) {}

  @Get()
  @ApiOperation({ summary: 'All campaigns, newest first' })
  @ApiAnswer(200, 'One page.', campaignListJsonSchema, {
    links: { listCampaigns: { cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor', 'database-unavailable')
  async listCampaigns(
    @Query({ schema: query }) { limit, cursor: after }: z.infer<typeof query>,
  ): Promise<z.infer<typeof campaignListJsonSchema>> {
    const { views, next } = await this.catalogue.list(limit, after);
    return { items: views.map(campaignJson), nextCursor: next === null ? null : cursor.encode(next) };
  }

  @Get(':campaignId')
  @ApiOperation({ summary: 'One campaign, with what is left of it' })
  @ApiAnswer(200, 'The campaign.', campaignJsonSchema, { headers: { ETag: 'Its version, for If-Match.' } })
  @ApiProblems('campaign-not-found', 'database-unavailable')
  async findCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CampaignJson> {
    const view = await this.catalogue.find(id);
    if (view === null) throw new Problem('campaign-not-found');
    reply.header('etag', etagOf(view.campaign.version));
    return campaignJson(view);
  }
}

import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { etagOf } from '../../platform/http/input/if-match.js';
import { campaignId, listQuery } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { Admin } from '../../platform/identity/admin.guard.js';
import { CampaignDesk } from './campaign-desk.js';
import {
  campaignCursor,
  type CampaignDetailsJson,
  campaignDetailsJson,
  campaignDetailsJsonSchema,
  campaignDetailsListJsonSchema,
} from './campaign-json.js';

const query = listQuery(campaignCursor, {});

/** Shows campaigns and drafts to operators, as they are now. */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/campaigns')
export class CampaignDeskController {
  constructor(private readonly desk: CampaignDesk) {}

  @Get()
  @ApiOperation({ summary: 'All campaigns and drafts, newest first, as they are now' })
  @ApiAnswer(200, 'One page.', campaignDetailsListJsonSchema, {
    links: { listAdminCampaigns: { cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor')
  async listAdminCampaigns(
    @Query({ schema: query }) { limit, cursor: after }: z.infer<typeof query>,
  ): Promise<z.infer<typeof campaignDetailsListJsonSchema>> {
    return pageJson(await this.desk.list(limit, after), campaignDetailsJson, campaignCursor);
  }

  @Get(':campaignId')
  @ApiOperation({ summary: 'One campaign or draft, as it is now' })
  @ApiAnswer(200, 'The campaign.', campaignDetailsJsonSchema, { headers: { ETag: 'Its version, for If-Match.' } })
  @ApiProblems('campaign-not-found')
  async findAdminCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CampaignDetailsJson> {
    const view = await this.desk.find(id);
    if (view === null) throw new Problem('campaign-not-found');
    reply.header('etag', etagOf(view.campaign.version));
    return campaignDetailsJson(view);
  }
}

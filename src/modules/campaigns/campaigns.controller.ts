import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { etagOf } from '../../platform/http/input/if-match.js';
import { campaignId, listQuery } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { CampaignCatalogue, type CampaignPage } from './campaign-catalogue.js';
import {
  campaignCursor,
  type CampaignJson,
  campaignJson,
  campaignJsonSchema,
  campaignListJsonSchema,
} from './campaign-json.js';

const query = listQuery(campaignCursor, {});

/** Shows campaigns to every caller. */
@ApiTags('campaigns')
@Controller('api/campaigns')
export class CampaignsController {
  private readonly bodies = new WeakMap<CampaignPage, Buffer>();

  constructor(private readonly catalogue: CampaignCatalogue) {}

  @Get()
  @ApiOperation({ summary: 'All campaigns, newest first, as they were at most a second ago' })
  @ApiAnswer(200, 'One page.', campaignListJsonSchema, {
    links: { listCampaigns: { cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor', 'database-unavailable')
  async listCampaigns(
    @Query({ schema: query }) { limit, cursor: after }: z.infer<typeof query>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const page = await this.catalogue.list(limit, after);
    reply.header('content-type', 'application/json; charset=utf-8').send(this.bodyOf(page));
  }

  @Get(':campaignId')
  @ApiOperation({ summary: 'One campaign, with what is left of it, as it was at most a second ago' })
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

  /** Encodes a page once for all its callers: a thousand campaigns take milliseconds. */
  private bodyOf(page: CampaignPage): Buffer {
    let body = this.bodies.get(page);
    if (body === undefined) {
      const json: z.infer<typeof campaignListJsonSchema> = pageJson(page, campaignJson, campaignCursor);
      body = Buffer.from(JSON.stringify(json));
      this.bodies.set(page, body);
    }
    return body;
  }
}

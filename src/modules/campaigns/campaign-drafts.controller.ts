import { Controller, Delete, Headers, HttpCode, HttpStatus, Param, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { etagOf, ifMatch } from '../../platform/http/input/if-match.js';
import { refuseBody } from '../../platform/http/input/input-rules.js';
import { campaignId } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiIfMatch, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { CampaignCatalogue } from './campaign-catalogue.js';
import { CampaignCreator } from './campaign-creator.js';
import { CampaignDrafts } from './campaign-drafts.js';
import {
  type AdminCampaignJson,
  adminCampaignJson,
  adminCampaignJsonSchema,
  type CampaignJson,
  campaignJson,
  campaignJsonSchema,
  draftView,
} from './campaign-json.js';

/** What becomes of a draft: it is published, or deleted. */
@ApiTags('administration')
@Admin('operator')
@Controller('api/admin/campaigns')
export class CampaignDraftsController {
  constructor(
    private readonly creator: CampaignCreator,
    private readonly drafts: CampaignDrafts,
    private readonly catalogue: CampaignCatalogue,
  ) {}

  @Post(':campaignId/publish')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Publish a draft',
    description:
      'After a 200 every caller knows of it, and it is open at the gate unless `remaining` is null. It begins now where its ' +
      '`startsAt` has passed. A campaign that was published before is answered as it is, whatever If-Match says.',
  })
  @ApiIfMatch()
  @ApiAnswer(200, 'The campaign.', campaignJsonSchema, { headers: { ETag: 'Its version, for If-Match.' } })
  @ApiProblems('campaign-not-found', 'campaign-ended', 'database-unavailable')
  async publishCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Headers('if-match') condition: string | undefined,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CampaignJson> {
    refuseBody(request.body);
    const outcome = await this.creator.publish(id, ifMatch(condition), by);
    if (outcome.kind !== 'created') throw new Problem(outcome.kind);
    reply.header('etag', etagOf(outcome.campaign.version));
    return campaignJson(await this.catalogue.view(outcome.campaign));
  }

  @Delete(':campaignId')
  @ApiOperation({
    summary: 'Delete a draft',
    description: 'A campaign that was published is never deleted. The lines of the draft in the audit log stay.',
  })
  @ApiIfMatch()
  @ApiAnswer(200, 'The draft as it was.', adminCampaignJsonSchema)
  @ApiProblems('campaign-not-found', 'campaign-published', 'database-unavailable')
  async deleteDraft(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Headers('if-match') condition: string | undefined,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
  ): Promise<AdminCampaignJson> {
    refuseBody(request.body);
    const outcome = await this.drafts.delete(id, ifMatch(condition), by);
    if (outcome.kind !== 'done') throw new Problem(outcome.kind);
    return adminCampaignJson(draftView(outcome.draft));
  }
}

import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { etagOf } from '../../platform/http/input/if-match.js';
import { inputProblem } from '../../platform/http/input/input-rules.js';
import { campaignId, listQuery, totalInQuery } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { Admin } from '../../platform/identity/admin.guard.js';
import { CampaignConsequencesReader } from './campaign-consequences.js';
import { CampaignDesk } from './campaign-desk.js';
import {
  campaignCursor,
  type CampaignDetailsJson,
  campaignDetailsJson,
  campaignDetailsJsonSchema,
  campaignDetailsListJsonSchema,
  campaignConsequencesJsonSchema,
  campaignConsequencesJson,
} from './campaign-json.js';

const query = listQuery(campaignCursor, {});
const consequencesQuery = z.strictObject({
  of: z.enum(['close', 'lower'], { error: 'consequences-of' }).meta({ examples: ['close'] }),
  total: totalInQuery.optional().meta({ description: 'With `of=lower`: the new total.' }),
});

/** Shows campaigns and drafts to operators, as they are now. */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/campaigns')
export class CampaignDeskController {
  constructor(
    private readonly desk: CampaignDesk,
    private readonly consequences: CampaignConsequencesReader,
  ) {}

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

  @Get(':campaignId/consequences')
  @ApiOperation({
    summary: 'What closing it, or lowering its total, would do',
    description: 'The numbers of now. Claims go on: the act itself decides by the numbers of its moment.',
  })
  @ApiAnswer(200, 'The numbers.', campaignConsequencesJsonSchema, {
    headers: { ETag: 'The version of the campaign, for If-Match.' },
  })
  @ApiProblems('campaign-not-found')
  async previewCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Query({ schema: consequencesQuery }) { of, total }: z.infer<typeof consequencesQuery>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof campaignConsequencesJsonSchema>> {
    if ((of === 'lower') !== (total !== undefined)) throw inputProblem('query', '/total', 'consequences-total');
    const act = total === undefined ? ({ of: 'close' } as const) : ({ of: 'lower', total } as const);
    const found = await this.consequences.read(id, act);
    if (found === null) throw new Problem('campaign-not-found');
    reply.header('etag', etagOf(found.campaign.version));
    return campaignConsequencesJson(found, act);
  }
}

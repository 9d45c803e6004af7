import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { campaignId } from '../../platform/http/input/schemas.js';
import { ApiEventStream, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { IsStream } from '../../platform/http/streams/stream-routes.js';
import { LiveFeeds } from './live-feeds.js';
import { publicLiveSampleJsonSchema } from './live-json.js';

/** What everybody may watch of a campaign. */
@ApiTags('campaigns')
@Controller('api/campaigns')
export class LiveController {
  constructor(private readonly feeds: LiveFeeds) {}

  @Get(':campaignId/live')
  @IsStream()
  @ApiOperation({
    summary: 'Watch a campaign: its state and what is left of it, as server-sent events',
    description:
      'A sample at once, one in each second in which something has changed, and one every 15 s. The stream ends when the ' +
      'process stops; connect again after `retry`.',
  })
  @ApiEventStream('The samples.', publicLiveSampleJsonSchema)
  @ApiProblems('campaign-not-found', 'too-many-watchers', 'database-unavailable')
  async watchCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.feeds.watch(id, request, reply);
  }
}

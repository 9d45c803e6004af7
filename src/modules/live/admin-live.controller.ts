import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { campaignId } from '../../platform/http/input/schemas.js';
import { ApiEventStream, ApiLastEventId, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { PROBLEMS } from '../../platform/http/problem/problem-catalogue.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { AdminAccess } from '../../platform/identity/admin-access.js';
import { Admin } from '../../platform/identity/admin.guard.js';
import { IsStream } from '../../platform/http/streams/stream-routes.js';
import { LiveFeeds } from './live-feeds.js';
import { liveSampleJsonSchema } from './live-json.js';

const query = z.strictObject({ campaignId });

/** What operators watch during a drop. */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/live')
export class AdminLiveController {
  constructor(
    private readonly feeds: LiveFeeds,
    private readonly access: AdminAccess,
  ) {}

  @Get()
  @IsStream()
  @ApiOperation({
    summary: 'Watch a campaign with all that its processes do for it, as server-sent events',
    description:
      'First the samples of the last 15 minutes, as far as this process has them, then one a second. The stream ends when ' +
      'the process stops, or the credential is no longer good; connect again after `retry`, with `Last-Event-ID`.',
  })
  @ApiLastEventId()
  @ApiEventStream('The samples.', liveSampleJsonSchema)
  @ApiProblems('campaign-not-found', 'too-many-watchers', 'database-unavailable')
  async watchCampaignAsOperator(
    @Query({ schema: query }) { campaignId: id }: z.infer<typeof query>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.feeds.watchAsOperator(id, request, reply, () => this.maySee(request));
  }

  /**
   * False once the credential was taken back: with any refusal, since who guesses beside the stream hears 429. While nobody can be
   * asked, what was right before counts.
   */
  private async maySee(request: FastifyRequest): Promise<boolean> {
    try {
      await this.access.enter(request, 'viewer');
      return true;
    } catch (error) {
      return !(error instanceof Problem && PROBLEMS[error.code].status < 500);
    }
  }
}

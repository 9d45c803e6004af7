import { Controller, Get, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { AdminSight } from '../../platform/identity/admin-sight.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { type SearchJson, searchJson, searchJsonSchema } from './search-json.js';
import { UserStories } from './user-stories.js';

const query = z.strictObject({
  // Wider than the ids: customers write a code in groups, with spaces between them.
  q: z
    .string({ error: 'search-text' })
    .regex(/^[ -~]{0,127}[!-~]$/, { error: 'search-text' })
    .meta({
      description:
        'A user’s id, a claim’s id or a coupon’s code, as a whole. A code may be in lower case, with hyphens or spaces, with O for 0 and I or L for 1.',
      examples: ['user-1'],
    }),
});

/** What support asks: "I clicked first and got nothing". */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/search')
export class SearchController {
  constructor(
    private readonly stories: UserStories,
    private readonly sight: AdminSight,
  ) {}

  @Get()
  @ApiOperation({ summary: 'All that is known of a user: claims, coupons, what failed, and the first refusals' })
  @ApiAnswer(200, 'Nobody, or the users whom the text names.', searchJsonSchema)
  @ApiProblems('database-unavailable')
  async searchUsers(
    @Query({ schema: query }) { q }: z.infer<typeof query>,
    @Caller() by: CallOrigin,
    @Req() request: FastifyRequest,
  ): Promise<SearchJson> {
    const sight = await this.sight.of(request);
    return searchJson(await this.stories.search(q, sight.withCodes ? by : null), sight);
  }
}

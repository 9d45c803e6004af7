import { Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { inputProblem } from '../../platform/http/input/input-rules.js';
import { campaignId, challengeAnswer, userId, userIdOrNumber } from '../../platform/http/input/schemas.js';
import { validBody } from '../../platform/http/input/validation.pipe.js';
import { LimitedPerAddress } from '../../platform/http/limits/address-limit.js';
import { ApiCaller } from '../../platform/http/openapi/openapi-callers.js';
import { ApiAnswer, ApiJsonBody, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { CallerAccess } from '../../platform/identity/caller.js';
import { EntryDesk } from './entry-desk.js';
import { type EntryJson, entryJsonSchema, type PosedJson, posedJsonSchema } from './entry-json.js';

const entryRequest = z
  .strictObject({ userId: userIdOrNumber, answer: challengeAnswer.optional() })
  .meta({ id: 'EntryRequest', example: { userId: 'user-1' } });
/** The same of a caller whose token names the user. */
const entryRequestOfUser = entryRequest.extend({ userId: userIdOrNumber.optional() });
const challengeQuery = z.strictObject({ userId: userId.optional() });

/** The users' calls before a claim of a campaign that requires an entry. */
@ApiTags('coupons')
@Controller('api/campaigns')
export class EntryController {
  private readonly body: z.ZodType<z.infer<typeof entryRequestOfUser>>;

  constructor(
    private readonly desk: EntryDesk,
    private readonly paths: ResourcePaths,
    private readonly access: CallerAccess,
  ) {
    this.body = access.knowsUsers ? entryRequestOfUser : entryRequest;
  }

  @Get(':campaignId/challenge')
  @LimitedPerAddress()
  @ApiCaller('claims')
  @ApiOperation({ summary: 'What this user has to pass before an entry token is given' })
  @ApiAnswer(200, 'The challenge. Its answer goes into `answer` of the call for an entry token.', posedJsonSchema)
  @ApiProblems('campaign-not-found', 'challenge-unavailable', 'too-many-requests', 'database-unavailable')
  async poseChallenge(
    @Param('campaignId', { schema: campaignId }) campaign: string,
    @Query({ schema: challengeQuery }) { userId: named }: z.infer<typeof challengeQuery>,
    @Req() request: FastifyRequest,
  ): Promise<PosedJson> {
    const caller = await this.access.identifyClaimant(request);
    if (named === undefined && caller.kind !== 'user') throw inputProblem('query', '/userId', 'user-id');
    const outcome = await this.desk.pose(campaign, this.access.userOf(caller, named));
    if (outcome.kind !== 'posed') throw new Problem(outcome.kind);
    return { challenge: outcome.challenge, ...outcome.members };
  }

  @Post(':campaignId/entry')
  @LimitedPerAddress()
  @ApiCaller('claims')
  @ApiJsonBody(entryRequest)
  @ApiOperation({ summary: 'Get an entry token, which a claim sends as X-Entry-Token' })
  @ApiAnswer(201, 'The token, for this user in this campaign.', entryJsonSchema)
  @ApiProblems(
    'campaign-not-found',
    'challenge-failed',
    'challenge-unavailable',
    'too-many-requests',
    'busy',
    'database-unavailable',
  )
  async enterCampaign(
    @Param('campaignId', { schema: campaignId }) campaign: string,
    @Req() request: FastifyRequest,
  ): Promise<EntryJson> {
    const caller = await this.access.identifyClaimant(request);
    const { userId: named, answer } = validBody(this.body, request.body);
    const outcome = await this.desk.enter(campaign, this.access.userOf(caller, named), answer);
    if (outcome.kind === 'admitted') {
      const { token, notBefore, expiresAt } = outcome;
      return { token, notBefore: isoOf(notBefore), expiresAt: isoOf(expiresAt) };
    }
    if (outcome.kind !== 'challenge-failed') throw new Problem(outcome.kind);
    throw new Problem(outcome.kind, { extensions: { challenge: this.paths.challenge(campaign) } });
  }
}

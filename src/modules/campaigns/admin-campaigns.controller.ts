import {
  applyDecorators,
  Body,
  Controller,
  Headers,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type z } from 'zod';
import { type Campaign, type ChallengeKind } from '../../domain/campaign.js';
import { idempotencyKeyOf } from '../../platform/http/input/idempotency-key.js';
import { etagOf, ifMatch } from '../../platform/http/input/if-match.js';
import { inputProblem, refuseBody } from '../../platform/http/input/input-rules.js';
import { campaignId } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiIdempotencyKey, ApiIfMatch, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { ApiNeedsApproval, type ApprovalJson, waitsForApproval } from '../../ports/approvals/approval-json.js';
import { ChallengeVerifiers } from '../../ports/entry/challenge-verifier.js';
import { type CampaignAction, CampaignAdministration, type CampaignChangeOutcome } from './campaign-administration.js';
import { CampaignApprovals } from './campaign-approvals.js';
import { CampaignCatalogue } from './campaign-catalogue.js';
import { type CampaignCreationOutcome, CampaignCreator } from './campaign-creator.js';
import { CampaignDrafts } from './campaign-drafts.js';
import { campaignChange, newCampaign } from './campaign-input.js';
import { type AdminCampaignJson, adminCampaignJson, adminCampaignJsonSchema, draftView } from './campaign-json.js';
import { changeProblem, notTold } from './campaign-problems.js';

/** The operations that the answer to a creation links to. */
const CALLS_ON_A_NEW_ONE = [
  'findCampaign',
  'findAdminCampaign',
  'changeCampaign',
  'publishCampaign',
  'deleteDraft',
  'pauseCampaign',
  'resumeCampaign',
  'closeCampaign',
  'auditCampaign',
];

/** What a 200 to a pause or a close says (ADR 26). */
const NONE_AFTER =
  'After a 200 the gate admits no claim. A claim that was admitted before may still be answered 202, and becomes a coupon.';

/** The three actions have the same answers. */
function ApiCampaignAction(summary: string, description: string) {
  return applyDecorators(
    HttpCode(HttpStatus.OK),
    ApiOperation({ summary, description }),
    ApiAnswer(200, 'Done, or already so: stored, and confirmed by the gate.', adminCampaignJsonSchema, {
      headers: { ETag: 'Its version, for If-Match.' },
    }),
    ApiProblems('campaign-not-found', 'campaign-closed', 'campaign-draft', 'gate-not-told', 'database-unavailable'),
  );
}

/** The operators' calls on campaigns. */
@ApiTags('administration')
@Admin('operator')
@Controller('api/admin/campaigns')
export class AdminCampaignsController {
  constructor(
    private readonly creator: CampaignCreator,
    private readonly administration: CampaignAdministration,
    private readonly drafts: CampaignDrafts,
    private readonly approvals: CampaignApprovals,
    private readonly catalogue: CampaignCatalogue,
    private readonly paths: ResourcePaths,
    private readonly verifiers: ChallengeVerifiers,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Make a campaign',
    description:
      'After a 201 it is stored. It is open at the gate too, unless it is a draft or `remaining` is null. No call but those of ' +
      'operators knows of a draft.',
  })
  @ApiIdempotencyKey('The same key again makes no second campaign: it gets the first 201 as it was.')
  @ApiAnswer(
    201,
    'The campaign. While `remaining` is null the gate has not heard of it; it opens without another call.',
    adminCampaignJsonSchema,
    {
      headers: {
        Location: 'The campaign; of a draft: as operators see it.',
        ETag: 'Its version, for If-Match.',
        'Idempotent-Replayed': '`true` where this is the answer to an earlier call with the same key.',
      },
      sometimes: ['Idempotent-Replayed'],
      links: Object.fromEntries(
        CALLS_ON_A_NEW_ONE.map((operation) => [operation, { campaignId: '$response.body#/id' }]),
      ),
    },
  )
  @ApiProblems('idempotency-key-reused', 'database-unavailable')
  async createCampaign(
    @Body({ schema: newCampaign }) { name, total, startsAt, endsAt, state, ...entry }: z.infer<typeof newCampaign>,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AdminCampaignJson> {
    this.refuseUnconfigured(entry.challenge);
    const isDraft = state === 'DRAFT';
    const outcome = await this.creator.create(
      { name, total, startsAt: startsAt ?? null, endsAt: endsAt ?? null, entry, isDraft },
      by,
      idempotencyKeyOf(request.headers) ?? null,
    );
    const { campaign, at, replayed } = createdOrProblem(outcome);
    reply.header('location', isDraft ? this.paths.adminCampaign(campaign.id) : this.paths.campaign(campaign.id));
    reply.header('etag', etagOf(campaign.version));
    if (replayed) reply.header('idempotent-replayed', 'true');
    if (isDraft) return adminCampaignJson(draftView(campaign));
    return adminCampaignJson(
      replayed ? this.catalogue.viewAsReplayed(campaign, at) : await this.catalogue.viewAsCreated(campaign, at),
    );
  }

  @Patch(':campaignId')
  @ApiOperation({
    summary: 'Change name, total, window or entry',
    description:
      'After a 200 the gate decides by these terms: it admits no claim beyond a lower total. An `endsAt` in the past ends ' +
      'the campaign at once; null takes its end away.',
  })
  @ApiIfMatch()
  @ApiAnswer(200, 'The campaign as it is now.', adminCampaignJsonSchema, {
    headers: { ETag: 'Its new version, for If-Match.' },
  })
  @ApiNeedsApproval()
  @ApiProblems('campaign-not-found', 'campaign-closed', 'total-below-claimed', 'gate-not-told', 'database-unavailable')
  async changeCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Body({ schema: campaignChange }) change: z.infer<typeof campaignChange>,
    @Headers('if-match') condition: string | undefined,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AdminCampaignJson | ApprovalJson> {
    const hasSeen = ifMatch(condition);
    this.refuseUnconfigured(change.challenge);
    const draft = await this.drafts.change(id, change, hasSeen, by);
    if (draft.kind === 'done') {
      reply.header('etag', etagOf(draft.draft.version));
      return adminCampaignJson(draftView(draft.draft));
    }
    if (draft.kind !== 'no-draft') throw changeProblem(draft.kind);
    const { assent } = this.approvals;
    const outcome = await this.changing(id, () => this.administration.change(id, change, hasSeen, by, assent));
    if (outcome.kind === 'approval-needed') {
      return waitsForApproval(reply, await this.approvals.ask(outcome.campaign, change, by));
    }
    return this.show(changedOrProblem(outcome), reply);
  }

  @Post(':campaignId/pause')
  @ApiCampaignAction('Stop admitting claims until it is resumed', NONE_AFTER)
  pauseCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AdminCampaignJson | ApprovalJson> {
    return this.act(id, 'pause', request, by, reply);
  }

  @Post(':campaignId/resume')
  @ApiCampaignAction('Admit claims again', 'After a 200 the gate admits claims, within the window.')
  resumeCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AdminCampaignJson | ApprovalJson> {
    return this.act(id, 'resume', request, by, reply);
  }

  @Post(':campaignId/close')
  @ApiCampaignAction('Admit no claim ever again', NONE_AFTER)
  @ApiNeedsApproval()
  closeCampaign(
    @Param('campaignId', { schema: campaignId }) id: string,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AdminCampaignJson | ApprovalJson> {
    return this.act(id, 'close', request, by, reply);
  }

  /** A campaign with a challenge that this installation cannot judge would let no caller in. */
  private refuseUnconfigured(challenge: ChallengeKind | undefined): void {
    if (challenge === undefined || challenge === 'none' || this.verifiers.of(challenge) !== undefined) return;
    throw inputProblem('body', '/challenge', 'challenge-unconfigured');
  }

  private async act(
    id: string,
    action: CampaignAction,
    request: FastifyRequest,
    by: CallOrigin,
    reply: FastifyReply,
  ): Promise<AdminCampaignJson | ApprovalJson> {
    refuseBody(request.body);
    const { assent } = this.approvals;
    const outcome = await this.changing(id, () => this.administration.act(id, action, by, assent));
    if (outcome.kind === 'approval-needed') {
      return waitsForApproval(reply, await this.approvals.ask(outcome.campaign, null, by));
    }
    if (outcome.kind === 'campaign-not-found' && (await this.drafts.find(id)) !== null) {
      throw new Problem('campaign-draft');
    }
    return this.show(changedOrProblem(outcome), reply);
  }

  /** After a 503 or 412 the caller reads the campaign again, and must see what is stored: forget the kept one. */
  private async changing(id: string, change: () => Promise<CampaignChangeOutcome>): Promise<CampaignChangeOutcome> {
    try {
      return await change();
    } finally {
      this.catalogue.forget(id);
    }
  }

  private async show(campaign: Campaign, reply: FastifyReply): Promise<AdminCampaignJson> {
    reply.header('etag', etagOf(campaign.version));
    return adminCampaignJson(await this.catalogue.view(campaign));
  }
}

/** @throws Problem for every outcome but `created`. */
function createdOrProblem(outcome: CampaignCreationOutcome): Extract<CampaignCreationOutcome, { kind: 'created' }> {
  if (outcome.kind === 'created') return outcome;
  if (outcome.kind === 'idempotency-key-reused') throw new Problem(outcome.kind);
  throw inputProblem('body', '/endsAt', outcome.kind === 'window-past' ? 'past' : 'window');
}

/** @throws Problem for every outcome but `done`. */
function changedOrProblem(outcome: Exclude<CampaignChangeOutcome, { kind: 'approval-needed' }>): Campaign {
  if (outcome.kind === 'done') return outcome.campaign;
  if (outcome.kind === 'gate-not-told') throw notTold(outcome);
  throw changeProblem(outcome.kind);
}

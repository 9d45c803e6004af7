import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DEFAULT_CAMPAIGN_ID } from '../../domain/campaign.js';
import { isoOf } from '../../domain/iso-of.js';
import { CLAIM_REFUSALS, type ClaimRefusal } from '../../domain/refusals.js';
import { Clock } from '../../platform/flow/clock.js';
import { idempotencyKeyOf } from '../../platform/http/input/idempotency-key.js';
import { campaignId, userIdOrNumber } from '../../platform/http/input/schemas.js';
import { validBody } from '../../platform/http/input/validation.pipe.js';
import { ApiCaller } from '../../platform/http/openapi/openapi-callers.js';
import {
  ApiAnswer,
  ApiEntryToken,
  ApiIdempotencyKey,
  ApiJsonBody,
  ApiProblems,
} from '../../platform/http/openapi/openapi.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { CLAIM_ACCEPTED, languageOf } from '../../platform/http/problem/accept-language.js';
import { sendProblem } from '../../platform/http/problem/problem.js';
import { AdmitAtOnce } from '../../platform/http/reads/read-admission.js';
import { endOfTurn } from '../../platform/http/server/end-of-turn.js';
import { CallerAccess } from '../../platform/identity/caller.js';
import { LiveCounters } from '../../ports/live/live-counters.js';
import { CallRates, type RateRefusal } from '../../platform/rates/call-rates.js';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { type ApplicationOutcome, ClaimIssuance, type OwnClaim } from './claim-issuance.js';
import { acceptedJsonSchema, claimJson, claimWithoutId } from './claim-json.js';

const application = z
  .strictObject({ userId: userIdOrNumber, campaignId: campaignId.default(DEFAULT_CAMPAIGN_ID) })
  .meta({ id: 'Application', example: { userId: 'user-1', campaignId: DEFAULT_CAMPAIGN_ID } });
/** The same of a caller whose token names the user. */
const applicationOfUser = application.extend({ userId: userIdOrNumber.optional() });

/** Members and headers of `sold-out`, made once: it is the most frequent answer of a drop. */
const FINAL = { final: true } as const;
const NOT_FINAL = { final: false } as const;
/** s. The consumer has settled most claims by then, and the next answer is final. */
const COME_BACK = { 'retry-after': '5' } as const;

/** The relation of the link to the call for an entry token (RFC 8288 §2.1.2). */
const ENTRY_RELATION = 'urn:coupon:relation:entry';

/**
 * The hot call of a drop. It writes every outcome to the reply directly and reads the body without a pipe. Refusals are
 * the common case, and an exception with its stack or an interceptor would cost more than the decision.
 */
@ApiTags('coupons')
@Controller('api/coupons')
export class ClaimController {
  private readonly body: z.ZodType<z.infer<typeof applicationOfUser>>;

  constructor(
    private readonly issuance: ClaimIssuance,
    private readonly paths: ResourcePaths,
    private readonly rates: CallRates,
    private readonly access: CallerAccess,
    private readonly refusals: RefusalRecorder,
    private readonly live: LiveCounters,
    private readonly clock: Clock,
  ) {
    this.body = access.knowsUsers ? applicationOfUser : application;
  }

  @Post('apply')
  @AdmitAtOnce()
  @ApiOperation({ summary: 'Claim a coupon of a campaign; without campaignId, of the campaign default' })
  @ApiCaller('claims')
  @ApiJsonBody(application)
  @ApiIdempotencyKey('Repeats the 202 of an earlier call of this user with the same key.')
  @ApiEntryToken()
  @ApiAnswer(202, 'Durable: the claim becomes a coupon by itself.', acceptedJsonSchema, {
    headers: {
      Location: 'The claim.',
      'Idempotent-Replayed': '`true` where this is the answer to an earlier call with the same key.',
      'Content-Language': 'The language of `message`.',
      Vary: 'What that depends on.',
    },
    sometimes: ['Idempotent-Replayed'],
    links: { findClaim: { campaignId: '$response.body#/campaignId', userId: '$request.body#/userId' } },
  })
  @ApiProblems(...(Object.keys(CLAIM_REFUSALS) as ClaimRefusal[]), 'too-many-requests', 'busy')
  async applyForCoupon(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const floods = this.rates.checkAddress(request);
    if (floods !== null) return refuseEarly(reply, floods);
    const identified = this.access.identifyClaimant(request);
    // An await of what is there already would cost each claim a turn of the promise queue.
    const caller = identified instanceof Promise ? await identified : identified;
    const { userId: named, campaignId } = validBody(this.body, request.body);
    const userId = this.access.userOf(caller, named);
    const idempotencyKey = idempotencyKeyOf(request.headers) ?? null;
    const tooMany = this.rates.checkUser(userId);
    if (tooMany !== null) return refuseEarly(reply, tooMany);
    const entryToken = request.headers['x-entry-token'] as string | undefined;
    const { span } = request;
    const outcome = await this.issuance.apply({ campaignId, userId, idempotencyKey, entryToken, span });
    if (span !== undefined) describe(span, campaignId, outcome);
    if (outcome.kind !== 'accepted') this.refusals.note(campaignId, userId, outcome.kind, request.id);
    await endOfTurn();
    this.live.answered(campaignId, this.clock.monotonic() - request.startedAt);
    answer(reply, this.paths, userId, outcome, caller.kind !== 'anyone');
  }
}

/** Neither the user nor the claim's id, which proves the claim: traces are read by more people than coupons are. */
function describe(span: SampledSpan, campaignId: string, outcome: ApplicationOutcome): void {
  span.set({ 'coupon.campaign_id': campaignId, 'coupon.outcome': outcome.kind });
  if (outcome.kind === 'accepted') span.set({ 'coupon.sequence': outcome.claim.sequence });
}

/** Refuses a claim that the gate does not hear of. */
async function refuseEarly(reply: FastifyReply, { code, headers }: RateRefusal): Promise<void> {
  await endOfTurn();
  sendProblem(reply, code, undefined, headers);
}

/** @param isIdentified the caller is the user, or a server that acts for the user. */
function answer(
  reply: FastifyReply,
  paths: ResourcePaths,
  userId: string,
  outcome: ApplicationOutcome,
  isIdentified: boolean,
): void {
  if (outcome.kind === 'accepted') {
    accepted(reply, paths, userId, outcome.claim, outcome.replayed);
  } else if (outcome.kind === 'already-claimed') {
    // mutant: claim-id-to-anyone
    const claim = isIdentified ? claimJson(outcome.claim) : claimWithoutId(outcome.claim);
    sendProblem(reply, outcome.kind, { claim }, { location: paths.claim(claim.campaignId, userId) });
  } else if (outcome.kind === 'campaign-not-started') {
    sendProblem(reply, outcome.kind, { startsAt: isoOf(outcome.startsAt) });
  } else if (outcome.kind === 'claim-unconfirmed') {
    sendProblem(reply, outcome.kind, { claimId: outcome.claimId });
  } else if (outcome.kind === 'sold-out') {
    if (outcome.final) sendProblem(reply, outcome.kind, FINAL);
    else sendProblem(reply, outcome.kind, NOT_FINAL, COME_BACK);
  } else if (outcome.kind === 'entry-required') {
    const entry = paths.entry(outcome.campaignId);
    const headers = { link: `<${entry}>; rel="${ENTRY_RELATION}"` };
    sendProblem(reply, outcome.kind, { entry, reason: outcome.reason }, headers);
  } else {
    sendProblem(reply, outcome.kind);
  }
}

function accepted(reply: FastifyReply, paths: ResourcePaths, userId: string, claim: OwnClaim, replayed: boolean): void {
  const language = languageOf(reply.request.headers['accept-language']);
  reply
    .code(202)
    .header('location', paths.claim(claim.campaignId, userId))
    .header('content-language', language)
    .header('vary', 'accept-language');
  if (replayed) reply.header('idempotent-replayed', 'true');
  reply.send({ status: 'success', message: CLAIM_ACCEPTED[language], ...claimJson(claim) });
}

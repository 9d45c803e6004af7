import { type Redis } from 'ioredis';
import {
  type CampaignGauge,
  type CampaignTerms,
  type ClaimOutcome,
  type ClaimReference,
  type ClaimRequest,
  type Fenced,
  type FenceReason,
  type GatePass,
  GateTimeoutError,
  IssuanceGate,
  type LookUpOutcome,
  type PendingClaim,
} from '../../gate/issuance-gate.js';
import { decodeRecord } from './claim-record.js';
import { type GateOperation } from './gate-script.js';
import { type RedisConnection } from './redis-connection.js';
import { fenceIn, toGateError } from './redis-errors.js';
import { campaignKeys } from './redis.keys.js';
import { TurnBatches } from './turn-batches.js';

/** Claims of one call: a script holds up everybody else, and this many take it a fraction of a ms. */
const CLAIMED_AT_ONCE = 100;
/** Claims that one call clears: a script holds up everybody else. */
const CLEARED_AT_ONCE = 500;

/** The first word of an answer, and what comes with it. */
type Answer = readonly [string, ...(string | number)[]];

/** A word that the script of this version does not say. */
class UnknownAnswerError extends Error {
  override readonly name = 'UnknownAnswerError';
}

/**
 * The gate of the distributed profile: one script of Redis for each call, atomic and in one order for every process.
 *
 * Every call is an EVALSHA with the SHA that the caller's pass carries. EVAL, or a command that ioredis defines, would
 * load the script into a server that has lost its memory, and so open a gate that nobody has rebuilt.
 */
export class RedisIssuanceGate extends IssuanceGate {
  private readonly claims = new TurnBatches(
    (batch: readonly { pass: GatePass; request: ClaimRequest }[]) => this.claimTogether(batch),
    CLAIMED_AT_ONCE,
  );

  constructor(private readonly connection: RedisConnection) {
    super();
  }

  override onReconnected(listener: () => void): void {
    this.connection.onConnected(listener);
  }

  /** Claims of one campaign that come in the same turn of the event loop are asked in one call, in their order. */
  claim(pass: GatePass, request: ClaimRequest): Promise<ClaimOutcome> {
    return this.claims.add(`${pass.fence} ${request.campaignId}`, { pass, request });
  }

  private async claimTogether(batch: readonly { pass: GatePass; request: ClaimRequest }[]): Promise<ClaimOutcome[]> {
    const [{ pass, request }] = batch as [(typeof batch)[number]];
    const args: string[] = [];
    for (const { request } of batch) args.push(request.userId, request.claimId, request.idempotencyDigest ?? '');
    const answer: Answer | readonly Answer[] = await this.run(pass, 'claim-together', request.campaignId, args);
    if (isFence(answer)) return batch.map(() => fenced(answer));
    const answers = answer as unknown as readonly Answer[];
    if (batch.some(({ request }, index) => answers[index]?.[1] !== request.claimId)) {
      this.connection.distrustCalls();
      throw new GateTimeoutError('Redis has answered another question');
    }
    return answers.map(toClaimOutcome);
  }

  async lookUp(pass: GatePass, campaignId: string, userId: string): Promise<LookUpOutcome> {
    const answer = await this.run(pass, 'look-up', campaignId, [userId]);
    if (answer[0] === 'FOUND') {
      return { kind: 'FOUND', record: decodeRecord(String(answer[1])), pending: answer[2] === 1 };
    }
    return answer[0] === 'ABSENT' ? { kind: 'ABSENT' } : fenced(answer);
  }

  async clearPending(pass: GatePass, claims: readonly ClaimReference[]): Promise<void> {
    const byCampaign = new Map<string, string[]>();
    for (const { campaignId, userId, claimId } of claims) {
      let pairs = byCampaign.get(campaignId);
      if (pairs === undefined) byCampaign.set(campaignId, (pairs = []));
      pairs.push(userId, claimId);
    }
    const calls: Promise<Answer>[] = [];
    for (const [campaignId, pairs] of byCampaign) {
      for (let from = 0; from < pairs.length; from += 2 * CLEARED_AT_ONCE) {
        calls.push(this.run(pass, 'clear-pending', campaignId, pairs.slice(from, from + 2 * CLEARED_AT_ONCE)));
      }
    }
    await Promise.all(calls);
  }

  async release(
    pass: GatePass,
    { campaignId, userId, claimId }: ClaimReference,
  ): Promise<'released' | 'gone' | Fenced> {
    const answer = await this.run(pass, 'release', campaignId, [userId, claimId]);
    if (answer[0] === 'RELEASED') return 'released';
    return answer[0] === 'GONE' ? 'gone' : fenced(answer);
  }

  async openCampaign(pass: GatePass, terms: CampaignTerms): Promise<'opened' | 'exists' | Fenced> {
    const answer = await this.run(pass, 'open-campaign', terms.campaignId, termsArguments(terms));
    if (answer[0] === 'OPENED') return 'opened';
    return answer[0] === 'EXISTS' ? 'exists' : fenced(answer);
  }

  async changeTerms(pass: GatePass, terms: CampaignTerms): Promise<'changed' | 'older' | 'below-claimed' | Fenced> {
    const answer = await this.run(pass, 'change-terms', terms.campaignId, termsArguments(terms));
    if (answer[0] === 'CHANGED') return 'changed';
    if (answer[0] === 'OLDER') return 'older';
    return answer[0] === 'BELOW_CLAIMED' ? 'below-claimed' : fenced(answer);
  }

  gauge(pass: GatePass, campaignIds: readonly string[]): Promise<(CampaignGauge | Fenced)[]> {
    return Promise.all(campaignIds.map((campaignId) => this.gaugeOne(pass, campaignId)));
  }

  async pendingBefore(
    pass: GatePass,
    campaignId: string,
    before: number,
    limit: number,
    offset: number,
  ): Promise<PendingClaim[] | Fenced> {
    const answer = await this.run(pass, 'pending-before', campaignId, [before, limit, offset]);
    if (answer[0] !== 'PAGE') return fenced(answer);
    const page: PendingClaim[] = [];
    for (let at = 1; at < answer.length; at += 2) {
      page.push({ campaignId, userId: String(answer[at]), ...decodeRecord(String(answer[at + 1])) });
    }
    return page;
  }

  async ping({ fence }: GatePass): Promise<'ok' | Fenced> {
    const answer = await this.send((redis) => redis.evalsha(fence, 0, 'ping' satisfies GateOperation));
    return typeof answer === 'string' ? 'ok' : fenced(answer as Answer);
  }

  async now(): Promise<number> {
    const time = (await this.send((redis) => redis.time())) as readonly [number | string, number | string];
    return Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000);
  }

  private async gaugeOne(pass: GatePass, campaignId: string): Promise<CampaignGauge | Fenced> {
    const answer = await this.run(pass, 'gauge', campaignId, []);
    if (answer[0] !== 'GAUGE') return fenced(answer);
    const [, total, startsAt, endsAt, state, version, sequence, claimed, pending, oldest] = answer;
    return {
      campaignId,
      terms: {
        campaignId,
        total: Number(total),
        startsAt: Number(startsAt),
        endsAt: endsAt === '' ? null : Number(endsAt),
        state: state as CampaignTerms['state'],
        version: Number(version),
      },
      claimed: Number(claimed),
      sequence: Number(sequence),
      pending: Number(pending),
      oldestPendingAt: oldest === '' ? null : Number(oldest),
    };
  }

  private run(
    { epoch, fence }: GatePass,
    operation: GateOperation,
    campaignId: string,
    args: readonly (string | number)[],
  ): Promise<Answer> {
    const { meta, appliedUser, pending } = campaignKeys(campaignId, epoch);
    return this.send((redis) =>
      redis.evalsha(fence, 3, meta, appliedUser, pending, operation, ...args),
    ) as Promise<Answer>;
  }

  private async send(command: (redis: Redis) => Promise<unknown>): Promise<unknown> {
    const redis = this.connection.calls;
    try {
      return await command(redis);
    } catch (error) {
      const reason = fenceIn(error);
      if (reason !== null) return ['FENCED', reason] satisfies Answer;
      const gateError = toGateError(error);
      // The answer may still come, or never: either way the next ones on this connection are not to be waited for.
      if (gateError instanceof GateTimeoutError) this.connection.distrustCalls();
      throw gateError;
    }
  }
}

function isFence(answer: Answer): boolean {
  return answer[0] === 'FENCED';
}

function toClaimOutcome(answer: Answer): ClaimOutcome {
  const [word, , first, second, third] = answer;
  switch (word) {
    case 'OK':
      return { kind: 'ADMITTED', sequence: Number(first), claimedAt: Number(second), remaining: Number(third) };
    case 'DUPLICATE':
      return { kind: 'DUPLICATE', record: decodeRecord(String(first)), pending: second === 1 };
    case 'NOT_STARTED':
      return { kind: 'NOT_STARTED', startsAt: Number(first) };
    case 'PAUSED':
    case 'CLOSED':
    case 'ENDED':
    case 'SOLD_OUT':
      return { kind: word };
    default:
      return fenced(answer);
  }
}

function fenced(answer: Answer): Fenced {
  const [word, reason] = answer;
  if (word !== 'FENCED') throw new UnknownAnswerError(`the gate's script answered ${word}`);
  return { kind: 'FENCED', reason: reason as FenceReason };
}

/** In the order of open-campaign, open-staged and change-terms. */
export function termsArguments({ total, startsAt, endsAt, state, version }: CampaignTerms): (string | number)[] {
  return [total, startsAt, endsAt ?? '', state, version];
}

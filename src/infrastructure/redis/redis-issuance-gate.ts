import { Command, type Redis } from 'ioredis';
import { type Claim, type ClaimReference, decodeRecord } from '../../domain/claim.js';
import { GATE_TURN_MS } from '../../domain/deadlines.js';
import { systemClock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { inside, SpanKind } from '../../platform/tracing/sampled-span.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { groupBy } from '../../platform/values/group-by.js';
import {
  type CampaignGauge,
  type CampaignTerms,
  type ChangeTermsOutcome,
  type ClaimOutcome,
  type Fenced,
  GateBusyError,
  type GatePass,
  type GateRequest,
  type GateServer,
  GateTimeoutError,
  IssuanceGate,
  type LookUpOutcome,
  type OpenCampaignOutcome,
  type OpenMissingOutcome,
  type PendingPage,
  type PingOk,
  type RedateOutcome,
  type ReleaseOutcome,
  type RemoveCampaignOutcome,
} from '../../ports/gate/issuance-gate.js';
import { type Answer, fenced, isFence, kindOf, scriptIn, toClaimOutcome, toOutcome } from './gate-answers.js';
import { claimArguments, keysOf, termsArguments } from './gate-arguments.js';
import { type GateOperation } from './gate-script.js';
import { type RedisConnection } from './redis-connection.js';
import { fenceIn, isUnknownOperation, toGateError } from './redis-errors.js';
import { campaignKeys } from './redis.keys.js';
import { describedServer } from './server-info.js';

/**
 * How claims travel to Redis, which runs one script at a time: `maxBatch` claims take about a ms. With a few batches
 * under way, Redis works while the api reads the next claims. While all of them are under way, the next batch fills up.
 */
const BATCHING = { maxBatch: 250, maxWaiting: 20_000, maxInFlight: 3, enough: 32 };
/** As ioredis does for every command that it sends itself. */
const REPLY_AS_TEXT = { replyEncoding: 'utf8' } as const;
/** Claims that one call clears. Redis runs one script at a time. */
const CLEARED_AT_ONCE = 500;

/** Nothing is ever stored under this key: no epoch is 0. */
const PROBE_KEY = campaignKeys('probe', 0).pending;

interface ClaimCall {
  readonly pass: GatePass;
  readonly request: GateRequest;
}

/**
 * The gate of the distributed profile: one script of Redis for each call, atomic and in one order for every process.
 *
 * Every call is an EVALSHA with the SHA that the caller's pass carries. EVAL, or a command that ioredis defines, would
 * load the script into a server that has lost its memory, and so open a gate that no builder has rebuilt.
 */
export class RedisIssuanceGate extends IssuanceGate {
  private readonly claims = new NaturalBatcher<ClaimCall, ClaimOutcome>(
    (calls) => this.claimAll(calls),
    BATCHING,
    systemClock,
    systemTimers,
    {
      ms: GATE_TURN_MS,
      // If it were sent now, it would take a slot too late for a 202.
      waited: () => new GateBusyError(`the claim has waited ${GATE_TURN_MS} ms for its turn`),
    },
  );

  constructor(private readonly connection: RedisConnection) {
    super();
  }

  override onReconnected(listener: () => void): void {
    this.connection.onConnected(listener);
  }

  /** Claims that wait at the same time go to the gate in one call. Those of one campaign keep their order. */
  claim(pass: GatePass, request: GateRequest): Promise<ClaimOutcome> {
    if (this.claims.full) return Promise.reject(new GateBusyError('too many claims are waiting for Redis'));
    return this.claims.add({ pass, request });
  }

  async lookUp(pass: GatePass, campaignId: string, userId: string): Promise<LookUpOutcome> {
    const answer = await this.run(pass, 'look-up', campaignId, [userId]);
    if (kindOf(answer) !== 'found') return toOutcome(answer, 'absent');
    return { kind: 'found', record: decodeRecord(String(answer[1])), pending: answer[2] === 1 };
  }

  async clearPending(pass: GatePass, claims: readonly ClaimReference[]): Promise<void> {
    const calls: Promise<Answer>[] = [];
    for (const [campaignId, some] of groupBy(claims, (claim) => claim.campaignId)) {
      for (let from = 0; from < some.length; from += CLEARED_AT_ONCE) {
        const pairs = some.slice(from, from + CLEARED_AT_ONCE).flatMap(({ userId, claimId }) => [userId, claimId]);
        calls.push(this.run(pass, 'clear-pending', campaignId, pairs));
      }
    }
    await Promise.all(calls);
  }

  async release(pass: GatePass, { campaignId, userId, claimId }: ClaimReference): Promise<ReleaseOutcome> {
    return toOutcome(await this.run(pass, 'release', campaignId, [userId, claimId]), 'released', 'gone');
  }

  async openCampaign(pass: GatePass, terms: CampaignTerms): Promise<OpenCampaignOutcome> {
    const answer = await this.run(pass, 'open-campaign', terms.campaignId, termsArguments(terms));
    return toOutcome(answer, 'opened', 'exists');
  }

  async openMissing(pass: GatePass, terms: CampaignTerms): Promise<OpenMissingOutcome> {
    const answer = await this.run(pass, 'open-missing', terms.campaignId, termsArguments(terms));
    return toOutcome(answer, 'opened', 'exists', 'unsupported');
  }

  async changeTerms(pass: GatePass, terms: CampaignTerms): Promise<ChangeTermsOutcome> {
    const answer = await this.run(pass, 'change-terms', terms.campaignId, termsArguments(terms));
    return toOutcome(answer, 'changed', 'older', 'total-below-claimed');
  }

  async removeCampaign(pass: GatePass, campaignId: string, version: number): Promise<RemoveCampaignOutcome> {
    const answer = await this.run(pass, 'remove-campaign', campaignId, [version]);
    return toOutcome(answer, 'removed', 'kept', 'unsupported');
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
  ): Promise<PendingPage | Fenced> {
    const answer = await this.run(pass, 'pending-before', campaignId, [before, limit, offset]);
    if (kindOf(answer) !== 'page') return fenced(answer);
    const claims: Claim[] = [];
    for (let at = 1; at < answer.length; at += 2) {
      claims.push({ campaignId, userId: String(answer[at]), ...decodeRecord(String(answer[at + 1])) });
    }
    return { kind: 'page', claims };
  }

  async redatePending(pass: GatePass, campaignId: string, limit: number): Promise<RedateOutcome> {
    const answer = await this.run(pass, 'redate-pending', campaignId, [limit]);
    return kindOf(answer) === 'redated' ? { kind: 'redated', count: Number(answer[1]) } : fenced(answer);
  }

  async ping({ fence }: GatePass): Promise<PingOk | Fenced> {
    const answer = await this.send((redis) => redis.evalsha(fence, 0, 'ping' satisfies GateOperation));
    return typeof answer === 'string' ? { kind: 'ok', script: scriptIn(answer) } : fenced(answer as Answer);
  }

  async checkWritable(): Promise<void> {
    // For a missing key, XX changes nothing: Redis only checks whether it would write. A claim uses the same command,
    // so the user who may claim may also ask this.
    await this.send((redis) => redis.zadd(PROBE_KEY, 'XX', 0, 'nobody'));
  }

  override async describeServer(): Promise<GateServer> {
    return describedServer(await this.connection.calls.info());
  }

  async now(): Promise<number> {
    const time = (await this.send((redis) => redis.time())) as readonly [number | string, number | string];
    return Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000);
  }

  private async gaugeOne(pass: GatePass, campaignId: string): Promise<CampaignGauge | Fenced> {
    const answer = await this.run(pass, 'gauge', campaignId, []);
    if (kindOf(answer) !== 'gauge') return fenced(answer);
    const [, total, startsAt, endsAt, state, version, sequence, claimed, pending, oldest, last] = answer;
    return {
      kind: 'gauge',
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
      // A script of an older version does not tell it.
      lastAt: Number(last ?? 0),
    };
  }

  /** The outcome of each claim. An error under one fence says nothing about claims under another one. */
  private claimAll(calls: readonly ClaimCall[]): Promise<(ClaimOutcome | Error)[]> {
    if (tracing.enabled) {
      const span = tracing.batch('redis claim-batch', calls, ({ request }) => request.span, {
        kind: SpanKind.CLIENT,
        attributes: { 'db.system.name': 'redis', 'db.operation.batch.size': calls.length },
      });
      if (span !== undefined) return inside(span, () => this.claimEach(calls));
    }
    return this.claimEach(calls);
  }

  private async claimEach(calls: readonly ClaimCall[]): Promise<(ClaimOutcome | Error)[]> {
    const [first] = calls as readonly [ClaimCall];
    if (calls.every(({ pass }) => pass.fence === first.pass.fence)) return this.claimTogether(calls);
    const outcomes = new Map<ClaimCall, ClaimOutcome | Error>();
    const claimThese = async (some: readonly ClaimCall[]) => {
      const found = await this.claimTogether(some).catch((error: Error) => some.map(() => error));
      for (const [at, call] of some.entries()) outcomes.set(call, found[at] as ClaimOutcome | Error);
    };
    await Promise.all([...groupBy(calls, ({ pass }) => pass.fence).values()].map(claimThese));
    return calls.map((call) => outcomes.get(call) as ClaimOutcome | Error);
  }

  /** Sends claims under one pass, in one call. Those of one campaign keep their order. */
  private async claimTogether(calls: readonly ClaimCall[]): Promise<ClaimOutcome[]> {
    const [{ pass }] = calls as readonly [ClaimCall];
    const byCampaign = groupBy([...calls.keys()], (at) => (calls[at] as ClaimCall).request.campaignId);
    const keys: string[] = [];
    const args: (string | number)[] = [];
    for (const [campaignId, places] of byCampaign) {
      keys.push(...keysOf(campaignId, pass));
      args.push(places.length);
      for (const at of places) {
        args.push(...claimArguments((calls[at] as ClaimCall).request));
      }
    }
    const answer = (await this.sendClaims(pass, keys, args)) as Answer | readonly (Answer | readonly Answer[])[];
    if (isFence(answer)) return calls.map(() => fenced(answer));

    const outcomes = new Array<ClaimOutcome>(calls.length);
    for (const [campaign, places] of [...byCampaign.values()].entries()) {
      const answers = answer[campaign] as Answer | readonly Answer[];
      const isFenced = isFence(answers);
      for (const [nth, at] of places.entries()) {
        if (isFenced) {
          outcomes[at] = fenced(answers);
          continue;
        }
        const one = answers[nth];
        if (one?.[1] !== (calls[at] as ClaimCall).request.claimId) {
          this.connection.dropCalls();
          throw new GateTimeoutError('Redis has answered another question');
        }
        outcomes[at] = toClaimOutcome(one);
      }
    }
    return outcomes;
  }

  /** Sends one call. ioredis' automatic pipeline sends the calls of one turn of the event loop together. */
  private run(
    pass: GatePass,
    operation: GateOperation,
    campaignId: string,
    args: readonly (string | number)[],
  ): Promise<Answer> {
    const keys = keysOf(campaignId, pass);
    return this.send((redis) => redis.evalsha(pass.fence, keys.length, ...keys, operation, ...args)) as Promise<Answer>;
  }

  /**
   * Sends a batch at once, past the automatic pipeline. Each pipeline defines a property with a getter of its own
   * (ioredis 5.11, Pipeline.js), so V8 makes a hidden class for it. That class keeps the pipeline, and all requests
   * that waited for it, in memory until the next mark-compact.
   */
  private sendClaims({ fence }: GatePass, keys: readonly string[], args: readonly (string | number)[]) {
    const operation: GateOperation = 'claim-batch';
    const evalsha = new Command('evalsha', [fence, keys.length, ...keys, operation, ...args], REPLY_AS_TEXT);
    return this.send((redis) => redis.sendCommand(evalsha) as Promise<unknown>);
  }

  private async send(command: (redis: Redis) => Promise<unknown>): Promise<unknown> {
    const redis = this.connection.calls;
    try {
      const answer = await command(redis);
      if (Array.isArray(answer) && isFence(answer) && answer[1] === 'promoted') this.connection.reconnectSoon();
      return answer;
    } catch (error) {
      const reason = fenceIn(error);
      if (reason === 'fence-missing') this.connection.reconnectSoon();
      if (reason !== null) return ['FENCED', reason] satisfies Answer;
      if (isUnknownOperation(error)) return ['UNSUPPORTED'] satisfies Answer;
      const gateError = toGateError(error);
      // The answer may still come, or never. In both cases the next calls must not wait behind it.
      if (gateError instanceof GateTimeoutError) this.connection.dropCalls();
      throw gateError;
    }
  }
}

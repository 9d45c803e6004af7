import { Injectable } from '@nestjs/common';
import { type ClaimReference } from '../../domain/claim.js';
import { inside, type SampledSpan } from '../../platform/tracing/sampled-span.js';
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
  GateUnavailableError,
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
import { UnwatchedGate } from '../../ports/gate/unwatched-gate.js';
import { EpochWatch } from './epoch-watch.js';

/**
 * The gate that every module injects. It reports each failed call to the watch before the caller gets the error, so no
 * caller can forget that. After an unreported failure, a 202 could leave on a read of the gate row from before the
 * failure.
 *
 * Callers report fences themselves, because only the database tells whether a missing meta is a fence.
 */
@Injectable()
export class WatchedGate extends IssuanceGate {
  constructor(
    private readonly gate: UnwatchedGate,
    private readonly watch: EpochWatch,
  ) {
    super();
  }

  claim(pass: GatePass, request: GateRequest): Promise<ClaimOutcome> {
    return request.span === undefined
      ? this.watchedClaim(pass, request)
      : this.tracedClaim(pass, request, request.span);
  }

  lookUp(pass: GatePass, campaignId: string, userId: string): Promise<LookUpOutcome> {
    return this.watched(this.gate.lookUp(pass, campaignId, userId));
  }

  clearPending(pass: GatePass, claims: readonly ClaimReference[]): Promise<void> {
    return this.watched(this.gate.clearPending(pass, claims));
  }

  release(pass: GatePass, claim: ClaimReference): Promise<ReleaseOutcome> {
    return this.watched(this.gate.release(pass, claim));
  }

  openCampaign(pass: GatePass, terms: CampaignTerms): Promise<OpenCampaignOutcome> {
    return this.watched(this.gate.openCampaign(pass, terms));
  }

  openMissing(pass: GatePass, terms: CampaignTerms): Promise<OpenMissingOutcome> {
    return this.watched(this.gate.openMissing(pass, terms));
  }

  changeTerms(pass: GatePass, terms: CampaignTerms): Promise<ChangeTermsOutcome> {
    return this.watched(this.gate.changeTerms(pass, terms));
  }

  removeCampaign(pass: GatePass, campaignId: string, version: number): Promise<RemoveCampaignOutcome> {
    return this.watched(this.gate.removeCampaign(pass, campaignId, version));
  }

  gauge(pass: GatePass, campaignIds: readonly string[]): Promise<(CampaignGauge | Fenced)[]> {
    return this.watched(this.gate.gauge(pass, campaignIds));
  }

  pendingBefore(...page: Parameters<IssuanceGate['pendingBefore']>): Promise<PendingPage | Fenced> {
    return this.watched(this.gate.pendingBefore(...page));
  }

  redatePending(pass: GatePass, campaignId: string, limit: number): Promise<RedateOutcome> {
    return this.watched(this.gate.redatePending(pass, campaignId, limit));
  }

  ping(pass: GatePass): Promise<PingOk | Fenced> {
    return this.watched(this.gate.ping(pass));
  }

  checkWritable(): Promise<void> {
    return this.watched(this.gate.checkWritable());
  }

  /** Nothing rests on the answer, so its failure is no reason to doubt the epoch. */
  override describeServer(): Promise<GateServer | null> {
    return this.gate.describeServer();
  }

  now(): Promise<number> {
    return this.watched(this.gate.now());
  }

  override onReconnected(listener: () => void): void {
    this.gate.onReconnected(listener);
  }

  /** The claim's own wait for its answer, also where many claims go to the gate in one call. */
  private tracedClaim(pass: GatePass, request: GateRequest, parent: SampledSpan): Promise<ClaimOutcome> {
    return inside(parent.child('gate claim', { attributes: { 'coupon.epoch': pass.epoch } }), async (span) => {
      const outcome = await this.watchedClaim(pass, { ...request, span });
      span.set({ 'coupon.gate_outcome': outcome.kind });
      return outcome;
    });
  }

  private watchedClaim(pass: GatePass, request: GateRequest): Promise<ClaimOutcome> {
    return this.gate.claim(pass, request).catch((error: unknown) => {
      if (!(error instanceof GateUnavailableError) || error instanceof GateBusyError) return this.fail(error);
      // This says more than other failed calls: the gate takes no claims, so this process is not ready.
      this.watch.reportGateRefusal(error);
      throw error;
    });
  }

  private watched<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => this.fail(error));
  }

  /** A call that was never sent says nothing about the gate. */
  private fail(error: unknown): never {
    if (!(error instanceof GateBusyError)) this.watch.reportGateTrouble();
    throw error;
  }
}

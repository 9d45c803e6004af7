import { Injectable } from '@nestjs/common';
import { type ClaimReference, type ClaimRequest, type Claim } from '../../domain/claim.js';
import {
  type CampaignGauge,
  type CampaignTerms,
  type ChangeTermsOutcome,
  type ClaimOutcome,
  type Fenced,
  type GatePass,
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
import { InProcessGateMemory } from './in-process-gate-memory.js';

/**
 * The gate of the embedded profile. A method is atomic because it runs to its end without yielding to the event loop.
 * So no method here may await.
 *
 * It cannot serve a second process, and it does not survive this one.
 */
@Injectable()
export class InProcessIssuanceGate extends IssuanceGate {
  constructor(private readonly memory: InProcessGateMemory) {
    super();
  }

  claim(pass: GatePass, { campaignId, userId, claimId, idempotencyDigest }: ClaimRequest): Promise<ClaimOutcome> {
    const found = this.memory.trusted(pass, campaignId);
    if (found.kind === 'fenced') return Promise.resolve(found);
    const { campaign } = found;
    const { terms, applied, pending } = campaign;
    // This comes before window and stock, so that a winner who asks again always sees the claim.
    const record = applied.get(userId);
    if (record !== undefined) {
      return Promise.resolve({ kind: 'duplicate', record: { ...record }, pending: pending.has(userId) });
    }
    if (terms.state === 'PAUSED') return Promise.resolve({ kind: 'campaign-paused' });
    if (terms.state === 'CLOSED') return Promise.resolve({ kind: 'campaign-closed' });
    // Also for the window; see claim-batch of the Redis gate.
    const claimedAt = Math.max(Date.now(), campaign.lastAt);
    if (claimedAt < terms.startsAt) return Promise.resolve({ kind: 'campaign-not-started', startsAt: terms.startsAt });
    if (terms.endsAt !== null && claimedAt >= terms.endsAt) return Promise.resolve({ kind: 'campaign-ended' });
    if (applied.size >= terms.total) return Promise.resolve({ kind: 'sold-out', final: pending.size === 0 });
    campaign.lastAt = claimedAt;
    campaign.sequence += 1;
    campaign.count += 1;
    campaign.pendingCount += 1;
    applied.set(userId, { claimId, sequence: campaign.sequence, claimedAt, idempotencyDigest });
    pending.set(userId, claimedAt);
    return Promise.resolve({ kind: 'admitted', sequence: campaign.sequence, claimedAt });
  }

  lookUp(pass: GatePass, campaignId: string, userId: string): Promise<LookUpOutcome> {
    const found = this.memory.trusted(pass, campaignId);
    if (found.kind === 'fenced') return Promise.resolve(found);
    const { campaign } = found;
    const record = campaign.applied.get(userId);
    if (record === undefined) return Promise.resolve({ kind: 'absent' });
    return Promise.resolve({ kind: 'found', record: { ...record }, pending: campaign.pending.has(userId) });
  }

  clearPending(pass: GatePass, claims: readonly ClaimReference[]): Promise<void> {
    for (const { campaignId, userId, claimId } of claims) {
      const found = this.memory.trusted(pass, campaignId);
      // mutant: any-claim-cleared
      if (found.kind === 'fenced' || found.campaign.applied.get(userId)?.claimId !== claimId) continue;
      const { campaign } = found;
      if (campaign.pending.delete(userId)) campaign.pendingCount -= 1;
    }
    return Promise.resolve();
  }

  release(pass: GatePass, { campaignId, userId, claimId }: ClaimReference): Promise<ReleaseOutcome> {
    const found = this.memory.trusted(pass, campaignId);
    if (found.kind === 'fenced') return Promise.resolve(found);
    const { campaign } = found;
    // mutant: any-claim-released
    if (campaign.applied.get(userId)?.claimId !== claimId) return Promise.resolve({ kind: 'gone' });
    campaign.applied.delete(userId);
    campaign.count -= 1;
    if (campaign.pending.delete(userId)) campaign.pendingCount -= 1;
    return Promise.resolve({ kind: 'released' });
  }

  openCampaign(pass: GatePass, terms: CampaignTerms): Promise<OpenCampaignOutcome> {
    const known = this.memory.trusted(pass, terms.campaignId);
    if (known.kind === 'trusted') return Promise.resolve({ kind: 'exists' });
    if (known.reason !== 'meta-missing') return Promise.resolve(known);
    const campaign = this.memory.campaign(pass.epoch, terms.campaignId);
    // Claims without terms are the rest of a damaged campaign. To open it again would sell their coupons twice.
    if (campaign.applied.size > 0 || campaign.pending.size > 0) return Promise.resolve(known);
    // It was here, and all that was known of it is lost.
    if (!this.memory.enrol(pass.epoch, terms.campaignId)) return Promise.resolve(known);
    campaign.terms = { ...terms };
    return Promise.resolve({ kind: 'opened' });
  }

  openMissing(pass: GatePass, terms: CampaignTerms): Promise<OpenMissingOutcome> {
    return this.openCampaign(pass, terms);
  }

  changeTerms(pass: GatePass, terms: CampaignTerms): Promise<ChangeTermsOutcome> {
    const found = this.memory.trusted(pass, terms.campaignId);
    if (found.kind === 'fenced') return Promise.resolve(found);
    const { campaign } = found;
    if (terms.version <= campaign.terms.version) return Promise.resolve({ kind: 'older' });
    // Only a lower total is refused. A rebuilt gate may hold more claims than the total, and an operator must still be
    // able to pause it.
    const lowered = terms.total < campaign.terms.total;
    if (lowered && terms.total < campaign.applied.size) return Promise.resolve({ kind: 'total-below-claimed' });
    campaign.terms = { ...terms };
    return Promise.resolve({ kind: 'changed' });
  }

  removeCampaign(pass: GatePass, campaignId: string, version: number): Promise<RemoveCampaignOutcome> {
    const found = this.memory.trusted(pass, campaignId);
    if (found.kind === 'fenced') return Promise.resolve(found);
    const { terms, pending } = found.campaign;
    // mutant: removed-while-pending
    if (terms.state !== 'CLOSED' || terms.version !== version || pending.size > 0) {
      return Promise.resolve({ kind: 'kept' });
    }
    this.memory.remove(pass.epoch, campaignId);
    return Promise.resolve({ kind: 'removed' });
  }

  gauge(pass: GatePass, campaignIds: readonly string[]): Promise<(CampaignGauge | Fenced)[]> {
    return Promise.resolve(
      campaignIds.map((campaignId) => {
        const found = this.memory.trusted(pass, campaignId);
        if (found.kind === 'fenced') return found;
        const { campaign } = found;
        return {
          kind: 'gauge',
          campaignId,
          terms: { ...campaign.terms },
          claimed: campaign.applied.size,
          sequence: campaign.sequence,
          pending: campaign.pending.size,
          oldestPendingAt: campaign.pending.values().next().value ?? null,
          lastAt: campaign.lastAt,
        };
      }),
    );
  }

  pendingBefore(
    pass: GatePass,
    campaignId: string,
    before: number,
    limit: number,
    offset: number,
  ): Promise<PendingPage | Fenced> {
    const found = this.memory.trusted(pass, campaignId);
    if (found.kind === 'fenced') return Promise.resolve(found);
    const { campaign } = found;
    const claims: Claim[] = [];
    let skip = offset;
    for (const [userId, at] of campaign.pending) {
      if (at >= before || claims.length >= limit) break;
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      const record = campaign.applied.get(userId);
      if (record !== undefined) claims.push({ campaignId, userId, ...record });
    }
    return Promise.resolve({ kind: 'page', claims });
  }

  redatePending(pass: GatePass, campaignId: string, limit: number): Promise<RedateOutcome> {
    const found = this.memory.trusted(pass, campaignId);
    if (found.kind === 'fenced') return Promise.resolve(found);
    const { pending } = found.campaign;
    const now = Date.now();
    let count = 0;
    // The map keeps its order, oldest first: entries of the future are its end, and now is not before the rest.
    for (const [userId, at] of pending) {
      if (count === limit) break;
      if (at <= now) continue;
      pending.set(userId, now);
      count += 1;
    }
    return Promise.resolve({ kind: 'redated', count });
  }

  ping(pass: GatePass): Promise<PingOk | Fenced> {
    return Promise.resolve(this.memory.letsIn(pass) ? { kind: 'ok' } : { kind: 'fenced', reason: 'fence-missing' });
  }

  checkWritable(): Promise<void> {
    return Promise.resolve();
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now());
  }
}

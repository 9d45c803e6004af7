import { Injectable } from '@nestjs/common';
import { type Claim } from '../../domain/claim.js';
import { GateBuilder, type LeftBehind, type StagedCampaign, type StagedClaim } from '../../ports/gate/gate-builder.js';
import { InProcessGateMemory } from './in-process-gate-memory.js';

/** Builds the in-process gate before the process listens, so no older epoch can answer. */
@Injectable()
export class InProcessGateBuilder extends GateBuilder {
  /** This process holds the file's lock, so no other process lives. */
  readonly quiesceMs: number = 0;

  constructor(private readonly memory: InProcessGateMemory) {
    super();
  }

  useInstallation(): void {
    // No other installation has this memory.
  }

  dropEpochsBelow(epoch: number, _ownEpochs: readonly number[] = [], lastOpen = 0): Promise<readonly string[]> {
    const sealed = lastOpen < epoch ? this.memory.seal(lastOpen) : [];
    this.memory.dropBelow(epoch, sealed.length > 0 ? lastOpen : 0);
    return Promise.resolve(sealed);
  }

  leftBehind(lastOpen: number, epoch: number, campaignId: string): Promise<LeftBehind | null> {
    const { applied, pending, count, pendingCount } = this.memory.campaign(lastOpen, campaignId);
    const staged = this.memory.campaign(epoch, campaignId).applied;
    if (count !== applied.size || pendingCount !== pending.size) return Promise.resolve(null);
    const claims: Claim[] = [];
    for (const userId of pending.keys()) {
      const record = applied.get(userId);
      if (record === undefined) return Promise.resolve(null);
      if (!staged.has(userId)) claims.push({ campaignId, userId, ...record });
    }
    return Promise.resolve({ claims, staged: staged.size });
  }

  dropSealed(lastOpen: number): Promise<void> {
    this.memory.drop(lastOpen);
    return Promise.resolve();
  }

  stage(epoch: number, campaignId: string, claims: readonly StagedClaim[]): Promise<void> {
    const campaign = this.memory.campaign(epoch, campaignId);
    for (const { userId, pending, claimId, sequence, claimedAt, idempotencyDigest } of claims) {
      if (campaign.applied.has(userId)) continue;
      campaign.applied.set(userId, { claimId, sequence, claimedAt, idempotencyDigest });
      campaign.count += 1;
      if (!pending) continue;
      // A claim may carry a future instant, from a machine whose clock ran ahead. The sweeper would ignore it until then.
      campaign.pending.set(userId, Math.min(claimedAt, Date.now()));
      campaign.pendingCount += 1;
    }
    return Promise.resolve();
  }

  installFence(epoch: number): Promise<string> {
    return Promise.resolve(this.memory.installFence(epoch));
  }

  openStaged(epoch: number, campaigns: readonly StagedCampaign[]): Promise<void> {
    for (const { sequence, lastAt = 0, ...terms } of campaigns) {
      const campaign = this.memory.campaign(epoch, terms.campaignId);
      if (campaign.terms !== null && campaign.terms.version >= terms.version) continue;
      const oldestFirst = [...campaign.pending].sort(([, a], [, b]) => a - b);
      campaign.pending = new Map(oldestFirst);
      campaign.lastAt = Math.max(campaign.lastAt, oldestFirst.at(-1)?.[1] ?? 0, lastAt);
      campaign.sequence = Math.max(campaign.sequence, sequence);
      this.memory.enrol(epoch, terms.campaignId);
      campaign.terms = terms;
    }
    return Promise.resolve();
  }

  abandon(epoch: number): Promise<void> {
    this.memory.drop(epoch);
    return Promise.resolve();
  }
}

import { Logger } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { type Claim, type ClaimEvent, isForeignClaim, type LoggedClaim } from '../../domain/claim.js';
import { isLaterClaim } from '../../domain/rival-claims.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { type StagedCampaign, type StagedClaim } from '../../ports/gate/gate-builder.js';
import { type CampaignTerms } from '../../ports/gate/issuance-gate.js';

/**
 * A sequence above this comes from a forged message. To count on from it would soon reach the last exact integer of
 * JavaScript, and from there on the consumer rejects every claim as broken.
 */
const MAX_SEQUENCE = 2 ** 52;

/**
 * An instant that is further in the future of the gate's clock comes from a forged message, or from a clock that was badly
 * wrong. To go on from it would date all later claims of the campaign to it, until the rebuild after that.
 */
const MAX_AHEAD_MS = 86_400_000;

interface FoundCampaign {
  terms: CampaignTerms;
  sequence: number;
  lastAt: number;
  readonly waiting: Map<string, ClaimEvent>;
}

/**
 * What a rebuild has found so far: each campaign's terms, its highest sequence, and the claims that are no coupons yet.
 * Coupons are not kept, so that memory grows with the claims in flight and not with the coupons issued.
 */
export class StagedClaims {
  private readonly campaigns = new Map<string, FoundCampaign>();
  /** ms. The new gate goes on from no later instant. */
  private readonly latestAt: number;
  private readonly logger = new Logger(StagedClaims.name);
  private foreignLogged = false;

  /** @param now ms, by any clock that is roughly right. */
  constructor(
    now: number,
    private readonly installation: string,
  ) {
    this.latestAt = now + MAX_AHEAD_MS;
  }

  /** False for a claim of another installation's gate, which is on our log by mistake. Logs the first one. */
  isOwn(claim: LoggedClaim): boolean {
    if (!isForeignClaim(claim, this.installation)) return true;
    if (!this.foreignLogged) {
      this.logger.error(`claims of installation ${claim.installation} are on the log of ${this.installation}: ignored`);
    }
    this.foreignLogged = true;
    return false;
  }

  /**
   * A campaign that is read again keeps its claims: the part of the log that they came from may be deleted by now. If
   * one of them became a coupon in between, it loses against that coupon when it is staged.
   */
  addCampaign(campaign: Campaign): void {
    const terms = termsOf(campaign);
    const known = this.campaigns.get(campaign.id);
    if (known === undefined) this.campaigns.set(campaign.id, { terms, sequence: 0, lastAt: 0, waiting: new Map() });
    else known.terms = terms;
    this.note({ campaignId: campaign.id, sequence: 0, claimedAt: campaign.lastClaimedAt ?? 0 });
  }

  get campaignIds(): string[] {
    return [...this.campaigns.keys()];
  }

  knows(campaignId: string): boolean {
    return this.campaigns.has(campaignId);
  }

  /**
   * Every sequence counts, also that of a claim that is stale, discarded or loses: a user may have been told it, and
   * the gate must not give one out twice. So does every instant: the next claim gets a higher sequence, and so no earlier
   * instant.
   */
  note(claim: Pick<Claim, 'campaignId' | 'sequence' | 'claimedAt'>): void {
    this.noteAll(claim.campaignId, [claim]);
  }

  /** The same for claims of one campaign. */
  noteAll(campaignId: string, claims: Iterable<Pick<Claim, 'sequence' | 'claimedAt'>>): void {
    const campaign = this.campaigns.get(campaignId);
    if (campaign === undefined) return;
    for (const { sequence, claimedAt } of claims) {
      // mutant: forgotten-sequence
      if (sequence <= MAX_SEQUENCE) campaign.sequence = Math.max(campaign.sequence, sequence);
      if (claimedAt <= this.latestAt) campaign.lastAt = Math.max(campaign.lastAt, claimedAt);
    }
  }

  /** Keeps one claim for each user, the later one. Ignores unknown campaigns. */
  add(claim: ClaimEvent): void {
    const campaign = this.campaigns.get(claim.campaignId);
    if (campaign === undefined) return;
    this.note(claim);
    const rival = campaign.waiting.get(claim.userId);
    if (rival === undefined || isLaterClaim(claim, rival)) campaign.waiting.set(claim.userId, claim);
  }

  /** The claims that wait for their coupon, in pages; open campaigns first. */
  *pages(size: number): Generator<{ campaignId: string; claims: StagedClaim[] }> {
    for (const { terms, waiting } of this.openOnesFirst()) {
      let claims: StagedClaim[] = [];
      for (const claim of waiting.values()) {
        claims.push({ ...claim, pending: true });
        if (claims.length < size) continue;
        yield { campaignId: terms.campaignId, claims };
        claims = [];
      }
      if (claims.length > 0) yield { campaignId: terms.campaignId, claims };
    }
  }

  /** Open campaigns first. */
  stagedCampaigns(): StagedCampaign[] {
    return this.openOnesFirst().map(({ terms, sequence, lastAt }) => ({ ...terms, sequence, lastAt }));
  }

  /** This campaign if the gate does not have it in this version yet. */
  difference(campaign: Campaign): StagedCampaign | null {
    const known = this.campaigns.get(campaign.id);
    if (known !== undefined && known.terms.version === campaign.version) return null;
    return { ...termsOf(campaign), sequence: known?.sequence ?? 0, lastAt: known?.lastAt ?? 0 };
  }

  private openOnesFirst(): FoundCampaign[] {
    const campaigns = [...this.campaigns.values()];
    return [
      ...campaigns.filter(({ terms }) => terms.state === 'OPEN'),
      ...campaigns.filter(({ terms }) => terms.state !== 'OPEN'),
    ];
  }
}

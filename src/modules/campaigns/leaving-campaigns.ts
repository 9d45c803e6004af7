import { Injectable, Logger } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { AppConfig } from '../../platform/config/env.js';
import { Clock } from '../../platform/flow/clock.js';
import { Database } from '../../ports/database/database.js';
import { GateBuilder } from '../../ports/gate/gate-builder.js';
import { type CampaignGauge, type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { differs } from '../gate-watch/terms-at-gate.js';

/** Campaigns that one round looks at: it must not keep claims waiting when years of them are due at once. */
const AT_ONCE = 50;

/**
 * Lets closed campaigns leave the gate (ADR 37). The order of the two steps is the protocol:
 *
 * 1. Mark the row: the campaign has left. From this commit on no process takes its missing meta for a fence.
 * 2. Remove its memory from the gate.
 *
 * A process that dies between them leaves memory that no process needs. The next round of any process removes it.
 */
@Injectable()
export class LeavingCampaigns {
  private readonly logger = new Logger(LeavingCampaigns.name);
  private readonly startedAt: number;
  /** The last campaign that a round has looked at. One that cannot leave must not keep those behind it. */
  private lastSeen = '';
  /** The epoch whose gate cannot remove a campaign: it was built by an older version. */
  private unsupportedIn: number | null = null;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly builder: GateBuilder,
    private readonly watch: EpochWatch,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.monotonic();
  }

  /**
   * One round. Does nothing while no epoch is open. Any number of processes may run it at once.
   *
   * Rejects with the error of database or gate; the next round does the rest.
   */
  async leave(signal?: AbortSignal): Promise<void> {
    const { pass } = this.watch;
    if (pass === null) return;
    await this.removeThoseThatLeft(pass, signal);
    const { gateRetentionMs } = this.config;
    if (gateRetentionMs === null || !this.hasRunFor(gateRetentionMs)) return;
    const { campaigns, before } = await this.database.read(async (unit) => {
      const before = (await unit.now()) - gateRetentionMs;
      return { before, campaigns: await unit.campaigns.listClosed(before, this.lastSeen, AT_ONCE) };
    });
    this.lastSeen = campaigns.length < AT_ONCE ? '' : (campaigns.at(-1)?.id ?? '');
    for (const { id } of campaigns) {
      if (signal?.aborted === true) return;
      const left = await this.mark(pass, id, before);
      if (left !== null) await this.remove(pass, left);
    }
  }

  /**
   * A process of a version that does not know of leaving would take the missing meta for a fence, and close the gate. Such
   * processes live beside this one only for the time of an upgrade. A process that is alone need not wait for that.
   */
  private hasRunFor(ms: number): boolean {
    return this.builder.isAlone || this.clock.monotonic() - this.startedAt >= ms;
  }

  /**
   * Marks the campaign if nothing at the gate is needed any more. The share of the gate row keeps the epoch: a rebuild
   * either begins after the mark and sees it, or has begun and the mark is not set. The campaign's lock keeps terms and
   * coupons as they are.
   *
   * @returns null when it stays.
   */
  private mark(pass: GatePass, id: string, before: number): Promise<Campaign | null> {
    return this.database.transaction(async (unit) => {
      const { epoch, fence } = await unit.gate.lockShared();
      if (epoch !== pass.epoch || fence !== pass.fence) return null;
      const [campaign] = await unit.campaigns.lock([id]);
      if (campaign?.state !== 'CLOSED' || campaign.leftGateAt !== null || campaign.updatedAt > before) return null;
      const [gauge] = await this.gate.gauge(pass, [id]);
      if (gauge?.kind !== 'gauge' || !isSettled(gauge, campaign)) return null;
      // After the gauge: what is not pending any more has its row by then.
      // mutant: leaving-unfinished
      if (await unit.failedEvents.hasUnfinished(id)) return null;
      // mutant: removed-before-mark
      await unit.campaigns.markLeft(id);
      return campaign;
    });
  }

  /** Of processes that died after the mark, or whose gate did not answer. */
  private async removeThoseThatLeft(pass: GatePass, signal?: AbortSignal): Promise<void> {
    if (this.unsupportedIn === pass.epoch) return;
    for (const campaign of await this.database.read((unit) => unit.campaigns.listUncleared(AT_ONCE))) {
      if (signal?.aborted === true) return;
      await this.remove(pass, campaign);
    }
  }

  private async remove(pass: GatePass, { id, version }: Campaign): Promise<void> {
    if (this.unsupportedIn === pass.epoch) return;
    const outcome = await this.gate.removeCampaign(pass, id, version);
    if (outcome.kind === 'unsupported') {
      this.unsupportedIn = pass.epoch;
      this.logger.warn('campaigns that have left stay in the memory of this gate, which an older version has built');
    } else if (outcome.kind === 'kept') {
      this.logger.error(`campaign ${id} has left, and the gate does not hold it as it was then`);
    } else if (outcome.kind === 'fenced' && outcome.reason !== 'meta-missing') {
      this.watch.reportCampaignFence(pass, outcome);
    } else {
      // A missing meta: an earlier call has removed it, or a rebuild has left it out.
      await this.database.transaction((unit) => unit.campaigns.markCleared(id));
      this.logger.log({ message: `campaign ${id} has left the gate`, event: 'campaign.left-gate', campaignId: id });
    }
  }
}

/**
 * Nothing is on its way, and every claim at the gate is a coupon. A difference of the two counts is for an operator to see:
 * when it has left, nothing would show it.
 */
function isSettled(gauge: CampaignGauge, campaign: Campaign): boolean {
  // mutant: leaving-while-pending
  if (gauge.pending > 0) return false;
  return gauge.claimed === campaign.issued && !differs(gauge, campaign);
}

import { Injectable } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { SlowTurns } from '../../platform/values/slow-turns.js';
import { type CampaignGauge, type GatePass } from '../../ports/gate/issuance-gate.js';
import { differs } from './terms-at-gate.js';

/** A window counts as over after this time, ms: the clock of the gate's server may be set back by a little. */
const OVER_FOR_MS = 60_000;
/** Quiet campaigns that one round asks about all the same. */
const TURNS = 8;

/** What the gate was compared with. */
type Compared = Pick<Campaign, 'version' | 'issued'>;

/**
 * Knows the campaigns at the gate that nothing happens to: they are closed or their window is over, none of their claims is
 * pending, each is a coupon, and the gate had the terms of the row. No claim can become pending there without a new version of the row.
 * So what looks at all campaigns again and again asks the gate about them only when their row has changed: years of
 * campaigns that are over would cost it more than a drop.
 *
 * A few of them have their turn in each round, so that damage to their memory is found without a caller too.
 */
@Injectable()
export class QuietCampaigns {
  private epoch = 0;
  private readonly known = new Map<string, Compared>();
  private readonly turns = new SlowTurns(TURNS);

  /** True if the gate was compared with this row in this epoch, and there is nothing to ask about. */
  isQuiet({ epoch }: GatePass, { id, version, issued }: Campaign): boolean {
    const compared = epoch === this.epoch ? this.known.get(id) : undefined;
    // The number of coupons of a campaign that is over only changes with a claim that was late, or a database that was
    // restored.
    return compared?.version === version && compared.issued === issued;
  }

  /** The round of the reconciler begins. It passes the campaigns in the order of their ids. */
  beginRound(): void {
    this.turns.begin();
  }

  /** Whether the reconciler has to ask the gate about this campaign in this round. */
  isDue(pass: GatePass, campaign: Campaign): boolean {
    return !this.isQuiet(pass, campaign) || this.turns.take(campaign.id);
  }

  /**
   * Notes what a comparison of gate and row has shown.
   * @param now ms, the gate's clock.
   */
  note({ epoch }: GatePass, campaign: Campaign, gauge: CampaignGauge, now: number): void {
    if (epoch < this.epoch) return;
    if (epoch > this.epoch) this.known.clear();
    this.epoch = epoch;
    const { id, version, issued, state, endsAt } = campaign;
    const over = state === 'CLOSED' || (endsAt !== null && now - endsAt >= OVER_FOR_MS);
    // mutant: quiet-while-pending
    if (over && gauge.pending === 0 && gauge.claimed === issued && !differs(gauge, campaign)) {
      this.known.set(id, { version, issued });
      return;
    }
    this.known.delete(id);
  }

  /** The round has passed all campaigns. @param atGate their ids; others are forgotten. */
  endRound(atGate: ReadonlySet<string>): void {
    this.turns.end();
    for (const id of this.known.keys()) if (!atGate.has(id)) this.known.delete(id);
  }
}

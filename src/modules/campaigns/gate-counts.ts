import { type GatePass, type IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';

/** Campaigns in one call to the gate: more would keep claims waiting while they are encoded. */
const ASKED_AT_ONCE = 100;
/** Campaigns whose count is kept. */
const MAX_KEPT = 20_000;

/** Claims by campaign id; without the campaigns that are fenced. */
type Answer = ReadonlyMap<string, number>;

/**
 * How many claims the gate has admitted, for all pages that are made of one reading of the campaigns. It asks the gate
 * only once about each campaign.
 */
export class GateCounts {
  /** By campaign id; the promises never reject. */
  private readonly answers = new Map<string, Promise<Answer>>();

  constructor(
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
  ) {}

  /** A campaign is missing in the answer when it is fenced, or while the gate cannot be trusted or reached. */
  async claimed(campaignIds: readonly string[]): Promise<Answer> {
    const { pass } = this.watch;
    if (pass === null) return new Map();
    const unasked = campaignIds.filter((id) => !this.answers.has(id));
    const asked = unasked.length === 0 ? null : this.ask(pass, unasked);
    if (asked !== null && this.answers.size + unasked.length <= MAX_KEPT) {
      for (const id of unasked) this.answers.set(id, asked);
    }
    const claimed = new Map<string, number>();
    for (const answer of new Set(campaignIds.map((id) => this.answers.get(id) ?? asked))) {
      for (const [id, count] of (await answer) ?? []) claimed.set(id, count);
    }
    return claimed;
  }

  private async ask(pass: GatePass, campaignIds: readonly string[]): Promise<Answer> {
    const claimed = new Map<string, number>();
    try {
      for (let from = 0; from < campaignIds.length; from += ASKED_AT_ONCE) {
        for (const gauge of await this.gate.gauge(pass, campaignIds.slice(from, from + ASKED_AT_ONCE))) {
          if (gauge.kind === 'gauge') claimed.set(gauge.campaignId, gauge.claimed);
        }
      }
    } catch {
      // Leave out what the gate does not answer. The gate has reported the failure to the watch.
    }
    return claimed;
  }
}

import { type GatePass, type IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../watch/epoch-watch.js';

/** Campaigns in one question: more would keep claims waiting while they are written out. */
const ASKED_AT_ONCE = 100;
/** Campaigns whose answer is kept. */
const MAX_KEPT = 20_000;

/** Claims by campaign id; a campaign that the gate cannot vouch for is missing. */
type Answer = ReadonlyMap<string, number>;

/**
 * How many claims the gate has admitted, for all who look at campaigns while one picture of them is shown: the gate is
 * asked about a campaign once, however many look at however many pages.
 */
export class GateCounts {
  /** By campaign id; none of them rejects. */
  private readonly answers = new Map<string, Promise<Answer>>();

  constructor(
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
  ) {}

  /** By campaign id. A campaign is missing while the gate cannot be trusted or reached, or cannot vouch for it. */
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
      // What the gate does not answer is left out; the watch has heard of it.
    }
    return claimed;
  }
}

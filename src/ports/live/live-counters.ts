import { type RefusalLabel } from '../../domain/refusals.js';
import { TimeBuckets } from './time-buckets.js';

export type CountedOutcome = 'accepted' | 'replayed' | RefusalLabel;

/** What one process counted of one campaign since it began to count it. Numbers only rise. */
export interface CampaignCounts {
  /** Claims by what became of them at the api. */
  readonly outcomes: Readonly<Partial<Record<CountedOutcome, number>>>;
  /** Coupons that this process has stored. */
  readonly issued: number;
  /** Claims by how long their answers took, as `TimeBuckets`. */
  readonly claimTimes: readonly number[];
  /** Coupons by the time from the gate's yes to the commit. */
  readonly rowTimes: readonly number[];
}

class CampaignCounters {
  readonly outcomes: Partial<Record<CountedOutcome, number>> = {};
  issued = 0;
  readonly claimTimes = new TimeBuckets();
  readonly rowTimes = new TimeBuckets();

  /** Changes whenever anything was counted. */
  changes = 0;
}

/** Campaigns that one process counts at once; those above it are not counted. */
const MAX_CAMPAIGNS = 1_000;
/** A campaign of which nothing was counted in this many calls of {@link LiveCounters.forgetQuiet} is forgotten. */
const QUIET_ROUNDS = 15;

/**
 * What this process counts of each campaign for those who watch a drop. `CounterPublisher` shows it to all processes
 * once a second. The hot path pays for it: a look-up by id, and an addition.
 *
 * Only campaigns that are known to exist may be counted: callers can invent any number of ids.
 */
export class LiveCounters {
  private readonly campaigns = new Map<string, CampaignCounters>();
  private readonly quiet = new Map<string, { changes: number; rounds: number }>();

  count(campaignId: string, outcome: CountedOutcome): void {
    const counters = this.of(campaignId);
    if (counters === undefined) return;
    counters.outcomes[outcome] = (counters.outcomes[outcome] ?? 0) + 1;
    counters.changes += 1;
  }

  /** The answer to a claim is ready. Ignored for a campaign of which nothing was counted: it may be an invented one. */
  answered(campaignId: string, ms: number): void {
    this.campaigns.get(campaignId)?.claimTimes.observe(ms);
  }

  /** A coupon is committed. */
  issued(campaignId: string, sinceClaimMs: number): void {
    const counters = this.of(campaignId);
    if (counters === undefined) return;
    counters.issued += 1;
    counters.changes += 1;
    counters.rowTimes.observe(sinceClaimMs);
  }

  /** Has anything to be shown? False when nothing was counted for a while. */
  get isEmpty(): boolean {
    return this.campaigns.size === 0;
  }

  /** A copy of all counts. */
  read(): Map<string, CampaignCounts> {
    return new Map(
      [...this.campaigns].map(([id, { outcomes, issued, claimTimes, rowTimes }]) => [
        id,
        { outcomes: { ...outcomes }, issued, claimTimes: claimTimes.read(), rowTimes: rowTimes.read() },
      ]),
    );
  }

  /** Call it once for each reading, so that campaigns of which nothing is counted any more take no memory. */
  forgetQuiet(): void {
    for (const [id, { changes }] of this.campaigns) {
      const seen = this.quiet.get(id);
      if (seen === undefined || seen.changes !== changes) {
        this.quiet.set(id, { changes, rounds: 0 });
      } else if (++seen.rounds >= QUIET_ROUNDS) {
        this.quiet.delete(id);
        this.campaigns.delete(id);
      }
    }
  }

  private of(campaignId: string): CampaignCounters | undefined {
    const known = this.campaigns.get(campaignId);
    if (known !== undefined || this.campaigns.size >= MAX_CAMPAIGNS) return known;
    const counters = new CampaignCounters();
    this.campaigns.set(campaignId, counters);
    return counters;
  }
}

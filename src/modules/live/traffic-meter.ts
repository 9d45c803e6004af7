import { type RefusalLabel } from '../../domain/refusals.js';
import { type CampaignCounts, type CountedOutcome } from '../../ports/live/live-counters.js';
import { type ProcessIdentity, type ProcessReport } from '../../ports/live/process-board.js';

/** How many samples the durations are taken from: ten seconds. With fewer, a p99 of a quiet drop would jump. */
const WINDOW = 10;

/** What processes do for a campaign, per second. */
export interface Rates {
  readonly claims: number;
  readonly replayed: number;
  readonly refused: number;
  readonly refusals: Readonly<Partial<Record<RefusalLabel, number>>>;
  readonly issued: number;
}

/** What all processes do for a campaign. */
export interface Traffic {
  /** null until a process was seen twice. */
  readonly rates: Rates | null;
  /** Durations of the last {@link WINDOW} samples, as `TimeBuckets`, summed over the processes. */
  readonly claimTimes: readonly number[];
  readonly rowTimes: readonly number[];
  readonly processes: readonly { readonly process: ProcessIdentity; readonly rates: Rates | null }[];
  /** False when only this process is in it, because the board did not answer. */
  readonly complete: boolean;
}

interface SeenProcess {
  readonly uptimeMs: number;
  readonly counts: CampaignCounts;
  readonly rates: Rates | null;
}

const NOTHING: CampaignCounts = { outcomes: {}, issued: 0, claimTimes: [], rowTimes: [] };

/**
 * Makes rates of the counters of one campaign, from one reading of the board to the next. Quantiles come from the sum of
 * the buckets of all processes: an average of their quantiles would be no quantile of anything.
 */
export class TrafficMeter {
  private readonly seen = new Map<string, SeenProcess>();
  private readonly window: { readonly claimTimes: readonly number[]; readonly rowTimes: readonly number[] }[] = [];

  constructor(private readonly campaignId: string) {}

  /** Call it once for each sample. */
  observe(reports: readonly ProcessReport[], complete: boolean): Traffic {
    const claimTimes: number[] = [];
    const rowTimes: number[] = [];
    const present = new Set(reports.map(({ process }) => process.id));
    // Processes that cannot be read now are not gone: what they do meanwhile counts when they are read again.
    if (complete) for (const id of this.seen.keys()) if (!present.has(id)) this.seen.delete(id);
    for (const { process, uptimeMs, campaigns } of reports) {
      const counts = campaigns.get(this.campaignId) ?? NOTHING;
      const before = this.seen.get(process.id);
      if (before === undefined) {
        this.seen.set(process.id, { uptimeMs, counts, rates: null });
      } else if (uptimeMs > before.uptimeMs) {
        const base = hasStartedAnew(before.counts, counts) ? NOTHING : before.counts;
        addTo(claimTimes, counts.claimTimes, base.claimTimes);
        addTo(rowTimes, counts.rowTimes, base.rowTimes);
        this.seen.set(process.id, { uptimeMs, counts, rates: ratesOf(base, counts, uptimeMs - before.uptimeMs) });
      }
    }
    this.window.push({ claimTimes, rowTimes });
    if (this.window.length > WINDOW) this.window.shift();
    const processes = reports
      .map(({ process }) => ({ process, rates: this.seen.get(process.id)?.rates ?? null }))
      .sort((a, b) => (a.process.instance < b.process.instance ? -1 : 1));
    return {
      rates: sumOf(processes.flatMap(({ rates }) => rates ?? [])),
      claimTimes: this.sumOfWindow('claimTimes'),
      rowTimes: this.sumOfWindow('rowTimes'),
      processes,
      complete,
    };
  }

  private sumOfWindow(name: 'claimTimes' | 'rowTimes'): number[] {
    const sum: number[] = [];
    for (const sample of this.window) addTo(sum, sample[name], []);
    return sum;
  }
}

/** A process that has counted nothing of a campaign for a while begins again from 0. */
function hasStartedAnew(before: CampaignCounts, now: CampaignCounts): boolean {
  if (now.issued < before.issued) return true;
  return Object.entries(before.outcomes).some(
    ([outcome, count]) => (now.outcomes[outcome as CountedOutcome] ?? 0) < count,
  );
}

function ratesOf(before: CampaignCounts, now: CampaignCounts, ms: number): Rates {
  const perSecond = (count: number): number => (count * 1_000) / ms;
  const { accepted = 0, replayed = 0, ...refusedNow } = now.outcomes;
  const refusals = Object.fromEntries(
    Object.entries(refusedNow).map(([label, count]) => [
      label,
      perSecond(count - (before.outcomes[label as RefusalLabel] ?? 0)),
    ]),
  ) as Partial<Record<RefusalLabel, number>>;
  return {
    claims: perSecond(accepted - (before.outcomes.accepted ?? 0)),
    replayed: perSecond(replayed - (before.outcomes.replayed ?? 0)),
    refused: Object.values(refusals).reduce((sum, rate) => sum + rate, 0),
    refusals,
    issued: perSecond(now.issued - before.issued),
  };
}

/** null of none. */
function sumOf(all: readonly Rates[]): Rates | null {
  if (all.length === 0) return null;
  const refusals: Partial<Record<RefusalLabel, number>> = {};
  for (const { refusals: some } of all) {
    for (const [label, rate] of Object.entries(some)) {
      refusals[label as RefusalLabel] = (refusals[label as RefusalLabel] ?? 0) + rate;
    }
  }
  const sum = (name: 'claims' | 'replayed' | 'refused' | 'issued'): number =>
    // mutant: one-process-for-all
    all.reduce((total, rates) => total + rates[name], 0);
  return { claims: sum('claims'), replayed: sum('replayed'), refused: sum('refused'), refusals, issued: sum('issued') };
}

/** Adds `counts − before` to the sums, bucket by bucket. */
function addTo(sums: number[], counts: readonly number[], before: readonly number[]): void {
  for (const [index, count] of counts.entries()) {
    sums[index] = (sums[index] ?? 0) + count - (before[index] ?? 0);
  }
}

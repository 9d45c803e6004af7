import { type Schemas } from '../../api/client.ts';

/** A campaign at one instant, with what all processes do for it. */
export type LiveSample = Schemas['LiveSample'];

/** How far back the charts go, ms. */
export const SPAN_MS = 900_000;
/** Samples come once a second. A longer time between two is a gap, which a chart must not draw a line across, ms. */
const GAP_MS = 2_500;

/** The samples of the last 15 minutes in order, without any that is there already. */
export function keepNewest(kept: readonly LiveSample[], arrived: readonly LiveSample[]): readonly LiveSample[] {
  const byInstant = new Map([...kept, ...arrived].map((sample) => [sample.at, sample]));
  const all = [...byInstant.values()].sort((a, b) => a.at - b.at);
  const newest = all[all.length - 1]?.at ?? 0;
  return all.filter(({ at }) => at > newest - SPAN_MS);
}

/** One line of a chart. */
export type ValueOf = (sample: LiveSample) => number | null;

/**
 * What a chart draws: instants in seconds, and the values of each line. A time without samples is an instant without
 * values, where the lines are interrupted.
 */
export function columnsOf(
  samples: readonly LiveSample[],
  values: readonly ValueOf[],
): [number[], ...(number | null)[][]] {
  const instants: number[] = [];
  const lines: (number | null)[][] = values.map(() => []);
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1];
    if (before !== undefined && sample.at - before.at > GAP_MS) {
      instants.push((before.at + 1_000) / 1_000);
      for (const line of lines) line.push(null);
    }
    instants.push(sample.at / 1_000);
    for (const [which, value] of values.entries()) lines[which]?.push(value(sample));
  }
  return [instants, ...lines];
}

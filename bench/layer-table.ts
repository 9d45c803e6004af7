import { type Turn } from './processor.js';
import { median, medianWithRange, show } from './statistics.js';

/** The layers of one profile, from the bare server on. Each has the turns of the same rounds. */
export interface Bisection {
  readonly profile: string;
  readonly layers: readonly { readonly layer: string; readonly turns: readonly Turn[] }[];
}

/**
 * One row for each layer. What a layer adds is the median of the rounds' own differences, since all of them share the
 * machine's speed in a round; so the additions need not sum up to the last row.
 */
export function layerTable({ profile, layers }: Bisection): string[] {
  const all = layers.map(({ turns }) => turns.map(answering));
  return [
    `From the bare server to the service, ${profile}: processor time of the process that answers, user and kernel.`,
    '',
    '| up to this layer | µs a request, median (range) | more than before, median (range) | of bare, median (range) | servers, µs | requests/s |',
    '| --- | --- | --- | --- | --- | --- |',
    ...layers.map(({ layer, turns }, at) => {
      const times = all[at] ?? [];
      const [before, bare] = [all[at - 1] ?? [], all[0] ?? []];
      const more = times.map((time, round) => time - (before[round] ?? NaN));
      const ratio = times.map((time, round) => time / (bare[round] ?? NaN));
      const cells = [
        layer,
        medianWithRange(times, 1),
        at === 0 ? '' : medianWithRange(more, 1),
        at === 0 ? '' : medianWithRange(ratio, 2),
        serversOf(turns),
        show(median(turns.map(({ perSecond }) => perSecond))),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

function answering({ processor }: Turn): number {
  return Object.values(processor?.microseconds ?? {})[0] ?? NaN;
}

/** Redis and Kafka, each by its name. */
function serversOf(turns: readonly Turn[]): string {
  const names = Object.keys(turns[0]?.processor?.microseconds ?? {}).slice(1);
  return names
    .map((name) => `${name} ${median(turns.map(({ processor }) => processor?.microseconds[name] ?? NaN)).toFixed(1)}`)
    .join(', ');
}

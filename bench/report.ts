import { cpus } from 'node:os';

/** One thing measured in turn with its yardstick; each pair is [measured, yardstick], in the same unit. */
export interface Comparison {
  readonly name: string;
  readonly yardstick: string;
  /** The ratio to reach; 0 where it is only reported. */
  readonly atLeast: number;
  readonly pairs: readonly (readonly [number, number])[];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function ratios({ pairs }: Comparison): number[] {
  return pairs.map(([value, base]) => value / base);
}

export function markdown(comparisons: readonly Comparison[]): string {
  const lines = [
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, everything on the one machine.`,
    '',
    '| what | against | ratio, median (range) | at least | per second, median |',
    '| --- | --- | --- | --- | --- |',
    ...comparisons.map((comparison) => {
      const all = ratios(comparison);
      const range = `${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)}, ${all.length} rounds`;
      const goal = comparison.atLeast === 0 ? 'reported' : comparison.atLeast.toFixed(2);
      const rates = [0, 1].map((side) => Math.round(median(comparison.pairs.map((pair) => pair[side] as number))));
      const [value, base] = rates.map((perSecond) => perSecond.toLocaleString('en'));
      return `| ${comparison.name} | ${comparison.yardstick} | **${median(all).toFixed(2)}** (${range}) | ${goal} | ${value} against ${base} |`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

const ROW = 28;
const LEFT = 470;
const SCALE = 260;

/** Bars of the median ratios; the line across each is what it has to reach. */
export function svg(comparisons: readonly Comparison[]): string {
  const height = comparisons.length * ROW + 40;
  const rows = comparisons.map((comparison, index) => {
    const all = ratios(comparison);
    const y = 30 + index * ROW;
    const x = (ratio: number) => LEFT + Math.min(ratio, 1.3) * SCALE;
    const middle = median(all);
    const goal =
      comparison.atLeast === 0
        ? ''
        : `<line x1="${x(comparison.atLeast)}" x2="${x(comparison.atLeast)}" y1="${y - 2}" y2="${y + 18}" stroke="#c00" stroke-width="2"/>`;
    return [
      `<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${comparison.name}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${x(middle) - LEFT}" height="16" fill="#4a7"/>`,
      `<line x1="${x(Math.min(...all))}" x2="${x(Math.max(...all))}" y1="${y + 8}" y2="${y + 8}" stroke="#222"/>`,
      goal,
      `<text x="${x(Math.max(...all, comparison.atLeast)) + 6}" y="${y + 13}">${middle.toFixed(2)}</text>`,
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="880" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="880" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18">ratio to the yardstick of the same run; red: at least</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

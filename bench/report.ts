import { type Bisection, layerTable } from './layer-table.js';
import { type ProcessorComparison, processorTable } from './processor-table.js';
import { median, medianWithRange, show } from './statistics.js';

/** One thing, measured in turn with its yardstick. Each pair is [measured, yardstick] in the same unit. */
export interface Comparison {
  readonly name: string;
  readonly yardstick: string;
  /** The ratio to reach; 0 or undefined if it is only reported. */
  readonly atLeast?: number;
  /** The ratio not to exceed, if less is better. */
  readonly atMost?: number;
  /** By default, per second. */
  readonly unit?: string;
  readonly pairs: readonly (readonly [number, number])[];
}

/** A figure without a yardstick, measured once or more often. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  /** The median must not exceed this. */
  readonly atMost?: number;
}

function ratios({ pairs }: Comparison): number[] {
  return pairs.map(([value, base]) => value / base);
}

function goalOf(
  { atLeast = 0, atMost }: { readonly atLeast?: number; readonly atMost?: number },
  reached: number,
): string {
  if (atMost !== undefined) return `≤ ${atMost}${reached > atMost ? ', missed' : ''}`;
  if (atLeast === 0) return 'reported';
  return `≥ ${atLeast.toFixed(2)}${reached < atLeast ? ', missed' : ''}`;
}

/** All results of a run. */
export interface Results {
  readonly comparisons: readonly Comparison[];
  readonly processor: readonly ProcessorComparison[];
  readonly layers: readonly Bisection[];
  readonly figures: readonly Figure[];
}

/** @param machine stands above each table, so that a table that is copied elsewhere says where it is from. */
export function markdown({ comparisons, processor, layers, figures }: Results, load: string, machine: string): string {
  const tables: string[][] = layers.map(layerTable);
  if (processor.length > 0) tables.push(processorTable(processor));
  if (comparisons.length > 0) tables.push(comparisonTable(comparisons));
  if (figures.length > 0) tables.push(figureTable(figures));
  const origin = `${machine}; servers and load on the one machine, load by ${load}.`;
  return `${tables.map((lines) => [origin, '', ...lines].join('\n')).join('\n\n')}\n`;
}

function comparisonTable(comparisons: readonly Comparison[]): string[] {
  return [
    "A ratio is the median of the rounds' own ratios; the medians at the end are each side's.",
    '',
    '| what | against | ratio, median (range) | goal | medians |',
    '| --- | --- | --- | --- | --- |',
    ...comparisons.map((comparison) => {
      const all = ratios(comparison);
      const [value, base] = [0, 1].map((side) => show(median(comparison.pairs.map((pair) => pair[side] as number))));
      const unit = comparison.unit ?? '/s';
      const { name, yardstick } = comparison;
      return `| ${name} | ${yardstick} | ${medianWithRange(all, 2)} | ${goalOf(comparison, median(all))} | ${value} against ${base} ${unit} |`;
    }),
  ];
}

function figureTable(figures: readonly Figure[]): string[] {
  return [
    '| what | median (range) | goal |',
    '| --- | --- | --- |',
    ...figures.map((figure) => {
      const { name, unit, values } = figure;
      const range =
        values.length === 1 ? '' : ` (${show(Math.min(...values))}–${show(Math.max(...values))}, ${values.length}×)`;
      return `| ${name} | **${show(median(values))} ${unit}**${range} | ${goalOf(figure, median(values))} |`;
    }),
  ];
}

const ROW = 28;
const LEFT = 520;
const SCALE = 180;
/** Larger ratios are drawn at the edge. */
const WIDEST = 1.8;

/** A chart of the median ratios for which more is better. The line across each bar is its goal. */
export function svg(comparisons: readonly Comparison[]): string {
  const shown = comparisons.filter(({ atMost }) => atMost === undefined);
  const height = shown.length * ROW + 40;
  const rows = shown.map((comparison, index) => {
    const all = ratios(comparison);
    const { atLeast = 0, yardstick } = comparison;
    const others = shown.filter(({ name }) => name === comparison.name);
    const name = others.length === 1 ? comparison.name : `${comparison.name}, against ${yardstick}`;
    const y = 30 + index * ROW;
    const x = (ratio: number) => LEFT + Math.min(ratio, WIDEST) * SCALE;
    const middle = median(all);
    const goal =
      atLeast === 0
        ? ''
        : `<line x1="${x(atLeast)}" x2="${x(atLeast)}" y1="${y - 2}" y2="${y + 18}" stroke="#c00" stroke-width="2"/>`;
    return [
      `<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${name}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${x(middle) - LEFT}" height="16" fill="#4a7"/>`,
      `<line x1="${x(Math.min(...all))}" x2="${x(Math.max(...all))}" y1="${y + 8}" y2="${y + 8}" stroke="#222"/>`,
      goal,
      `<text x="${x(Math.max(...all, atLeast)) + 6}" y="${y + 13}">${middle.toFixed(2)}</text>`,
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="900" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18">ratio to the yardstick of the same run; red: at least</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

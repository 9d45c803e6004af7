import { type ProcessorUse } from './processor.js';
import { median, medianWithRange, show } from './statistics.js';

/** The processor time of one thing and of its yardsticks, round by round in turn. */
export interface ProcessorComparison {
  readonly name: string;
  /** The ratio to the first yardstick that is not to be exceeded; undefined if it is only reported. */
  readonly atMost?: number;
  readonly own: readonly ProcessorUse[];
  readonly yardsticks: readonly { readonly yardstick: string; readonly uses: readonly ProcessorUse[] }[];
}

/**
 * One row for each process. The process that answers is compared with the one of the first yardstick that answers, round
 * by round.
 */
export function processorTable(comparisons: readonly ProcessorComparison[]): string[] {
  return [
    'Processor time of each process for a request, user and kernel. The ratio is that of the processes that answer.',
    '',
    '| what | process | µs a request, median (range) | of the first yardstick, median (range) | goal | cores idle |',
    '| --- | --- | --- | --- | --- | --- |',
    ...comparisons.flatMap(rowsOf),
  ];
}

function rowsOf({ name, atMost, own, yardsticks }: ProcessorComparison): string[] {
  const [first] = yardsticks;
  const ratios = first === undefined ? [] : ratiosOf(own, first.uses);
  return [
    ...processRows(name, own, (process) => process, ratios, goalOf(atMost, median(ratios))),
    ...yardsticks.flatMap(({ yardstick, uses }, at) => {
      const nameOf = (process: string, index: number): string => (index === 0 ? yardstick : `${yardstick}: ${process}`);
      return processRows(name, uses, nameOf, at === 0 || first === undefined ? [] : ratiosOf(uses, first.uses), '');
    }),
  ];
}

function processRows(
  name: string,
  uses: readonly ProcessorUse[],
  nameOf: (process: string, index: number) => string,
  ratios: readonly number[],
  goal: string,
): string[] {
  return processesOf(uses).map((process, index) => {
    const micros = uses.map(({ microseconds }) => microseconds[process] ?? NaN);
    const cells = [name, nameOf(process, index), medianWithRange(micros, 1)];
    if (index > 0) return row(...cells, '', '', '');
    const idle = show(median(uses.map(({ idleCores }) => idleCores)));
    return row(...cells, ratios.length === 0 ? '' : medianWithRange(ratios, 2), goal, idle);
  });
}

/** The time of the process that answers, divided by that of the yardstick in the same round. */
function ratiosOf(uses: readonly ProcessorUse[], base: readonly ProcessorUse[]): number[] {
  const times = [uses, base].map((side) => {
    const [answering = ''] = processesOf(side);
    return side.map(({ microseconds }) => microseconds[answering] ?? NaN);
  }) as [number[], number[]];
  return times[0].map((time, round) => time / (times[1][round] ?? NaN));
}

function processesOf(uses: readonly ProcessorUse[]): string[] {
  return Object.keys(uses[0]?.microseconds ?? {});
}

function goalOf(atMost: number | undefined, reached: number): string {
  if (atMost === undefined) return 'reported';
  return `≤ ${atMost}${reached > atMost ? ', missed' : ''}`;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

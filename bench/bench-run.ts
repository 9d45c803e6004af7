import { type Bisection } from './layer-table.js';
import { type ProcessorUse, type Turn } from './processor.js';
import { type ProcessorComparison } from './processor-table.js';
import { type Comparison, type Figure } from './report.js';

/** Measures a rate over this many seconds, and the processor time with it where it can. */
export type Rate = (seconds: number) => Promise<number | Turn>;

/** A rate to compare with. */
export interface Yardstick {
  readonly yardstick: string;
  /** The ratio to reach; 0 if it is only reported. */
  readonly atLeast: number;
  readonly rate: Rate;
  /** How many times as much processor time as this yardstick a request may take; undefined if it is only reported. */
  readonly processorAtMost?: number;
}

/** One run of the bench: how long and how often it measures, and its results. */
export class BenchRun {
  readonly comparisons: Comparison[] = [];
  readonly processor: ProcessorComparison[] = [];
  readonly layers: Bisection[] = [];
  readonly figures: Figure[] = [];

  constructor(
    readonly rounds: number,
    readonly seconds: number,
    /** Seconds under load before anything counts: at first, code is still being compiled and rates rise. */
    readonly warmUpSeconds: number,
    private readonly only: string | undefined,
  ) {}

  /** True if the command line asks for one of these. */
  wants(...names: readonly string[]): boolean {
    return names.some((name) => this.only === undefined || name.includes(this.only));
  }

  /** Measures one thing and its yardsticks in turn, so that changes of the machine's speed meet all of them. */
  async compare(name: string, measured: Rate, ...yardsticks: readonly [Yardstick, ...Yardstick[]]): Promise<void> {
    if (!this.wants(name)) return;
    const all = [...yardsticks.map(({ rate }) => rate), measured];
    const rounds = await this.inTurn(all, (turns) => {
      const own = turns.at(-1) as Turn;
      const against = yardsticks.map(({ yardstick }, at) => ratioTo(yardstick, own, turns[at] as Turn));
      this.say(`${name}: ${showTurn(own)}, ${against.join(', ')}`);
    });
    for (const [at, { yardstick, atLeast }] of yardsticks.entries()) {
      const pairs = rounds.map((turns) => [turns.at(-1)?.perSecond ?? NaN, turns[at]?.perSecond ?? NaN] as const);
      this.comparisons.push({ name, yardstick, atLeast, pairs });
    }
    const own = usesOf(rounds, all.length - 1);
    if (own.length === 0) return;
    const atMost = yardsticks[0].processorAtMost;
    this.processor.push({
      name,
      ...(atMost === undefined ? {} : { atMost }),
      own,
      yardsticks: yardsticks.map(({ yardstick }, at) => ({ yardstick, uses: usesOf(rounds, at) })),
    });
  }

  /** Warms all of them up, and then measures each once in each round. @returns the turns of each round, in their order. */
  async inTurn(all: readonly Rate[], onRound: (turns: readonly Turn[]) => void): Promise<Turn[][]> {
    for (const rate of all) await rate(this.warmUpSeconds);
    const rounds: Turn[][] = [];
    for (let round = 0; round < this.rounds; round++) {
      const turns = new Array<Turn>(all.length);
      // A different one begins in each round, because each leaves something behind for the next.
      for (let turn = 0; turn < all.length; turn++) {
        const which = (round + turn) % all.length;
        const measure = await (all[which] as Rate)(this.seconds);
        turns[which] = typeof measure === 'number' ? { perSecond: measure } : measure;
      }
      rounds.push(turns);
      onRound(turns);
    }
    return rounds;
  }

  /** Records a figure that has no yardstick. */
  note(figure: Figure): void {
    this.figures.push(figure);
    this.say(`${figure.name}: ${figure.values.map(show).join(', ')} ${figure.unit}`);
  }

  /** @throws if a result is not a usable number. */
  requireNumbers(): void {
    const all = [
      ...this.comparisons.map(({ name, pairs }) => ({ name, values: pairs.map(([value, base]) => value / base) })),
      ...this.processor.flatMap(({ name, own, yardsticks }) =>
        [own, ...yardsticks.map(({ uses }) => uses)].map((uses) => ({
          name: `${name}, processor time`,
          values: uses.flatMap(({ microseconds }) => Object.values(microseconds)),
        })),
      ),
      ...this.layers.flatMap(({ layers }) =>
        layers.map(({ layer, turns }) => ({
          name: layer,
          values: turns.flatMap(({ processor }) => Object.values(processor?.microseconds ?? { none: NaN })),
        })),
      ),
      ...this.figures,
    ];
    if (all.length === 0) throw new Error('nothing was measured');
    for (const { name, values } of all) {
      if (values.length === 0 || !values.every(Number.isFinite)) {
        throw new Error(`${name}: ${values.join(', ') || 'nothing'}`);
      }
    }
  }

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}

/** The processor times of one side, of each round; none if that side has none. */
function usesOf(rounds: readonly (readonly Turn[])[], side: number): ProcessorUse[] {
  return rounds.flatMap((turns) => turns[side]?.processor ?? []);
}

function ratioTo(yardstick: string, own: Turn, base: Turn): string {
  return `${(own.perSecond / base.perSecond).toFixed(2)} of ${yardstick} (${showTurn(base)})`;
}

/** The rate, and the processor time of the process that answers. */
function showTurn({ perSecond, processor }: Turn): string {
  const [answering] = Object.values(processor?.microseconds ?? {});
  return answering === undefined ? show(perSecond) : `${show(perSecond)} at ${answering.toFixed(0)} µs`;
}

function show(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

import { type Comparison, type Figure } from './report.js';

/** Measures a rate over this many seconds. */
export type Rate = (seconds: number) => Promise<number>;

/** A rate to compare with. */
export interface Yardstick {
  readonly yardstick: string;
  /** The ratio to reach; 0 if it is only reported. */
  readonly atLeast: number;
  readonly rate: Rate;
}

/** One run of the bench: how long and how often it measures, and its results. */
export class BenchRun {
  readonly comparisons: Comparison[] = [];
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
    for (const rate of all) await rate(this.warmUpSeconds);
    const rounds: number[][] = [];
    for (let round = 0; round < this.rounds; round++) {
      const values = new Array<number>(all.length);
      // A different one begins in each round, because each leaves something behind for the next.
      for (let turn = 0; turn < all.length; turn++) {
        const which = (round + turn) % all.length;
        values[which] = await (all[which] as Rate)(this.seconds);
      }
      rounds.push(values);
      const value = values.at(-1) as number;
      const against = yardsticks.map(({ yardstick }, at) => ratioTo(yardstick, value, values[at] as number));
      this.say(`${name}: ${show(value)}, ${against.join(', ')}`);
    }
    for (const [at, { yardstick, atLeast }] of yardsticks.entries()) {
      const pairs = rounds.map((values) => [values.at(-1) as number, values[at] as number] as const);
      this.comparisons.push({ name, yardstick, atLeast, pairs });
    }
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

function ratioTo(yardstick: string, value: number, base: number): string {
  return `${(value / base).toFixed(2)} of ${yardstick} (${show(base)})`;
}

function show(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

import { type Comparison, type Figure } from './report.js';

/** Measures a rate over so many seconds. */
export type Rate = (seconds: number) => Promise<number>;

/** What something is compared with. */
export interface Yardstick {
  readonly yardstick: string;
  /** The ratio to reach; 0 where it is only reported. */
  readonly atLeast: number;
  readonly rate: Rate;
}

/** How long and how often is measured, and what was found. */
export class BenchRun {
  readonly comparisons: Comparison[] = [];
  readonly figures: Figure[] = [];

  constructor(
    readonly rounds: number,
    readonly seconds: number,
    /** Under load, before anything counts: until then code is still being compiled, and rates rise. */
    readonly warmUpSeconds: number,
    private readonly only: string | undefined,
  ) {}

  /** Was this asked for? */
  wants(...names: readonly string[]): boolean {
    return names.some((name) => this.only === undefined || name.includes(this.only));
  }

  /** One thing and its yardsticks, in turn: all see the same moods of the machine. */
  async compare(name: string, measured: Rate, ...yardsticks: readonly [Yardstick, ...Yardstick[]]): Promise<void> {
    if (!this.wants(name)) return;
    const all = [...yardsticks.map(({ rate }) => rate), measured];
    for (const rate of all) await rate(this.warmUpSeconds);
    const rounds: number[][] = [];
    for (let round = 0; round < this.rounds; round++) {
      const values = new Array<number>(all.length);
      // Another one begins in each round: what one leaves behind, the next one finds.
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

  /** Something that has no yardstick. */
  note(figure: Figure): void {
    this.figures.push(figure);
    this.say(`${figure.name}: ${figure.values.map(show).join(', ')} ${figure.unit}`);
  }

  /** @throws where something was measured that cannot be. */
  demandNumbers(): void {
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

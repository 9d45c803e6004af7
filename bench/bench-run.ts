import { type Comparison, type Figure } from './report.js';

/** How long and how often is measured, and what was found. */
export class BenchRun {
  readonly comparisons: Comparison[] = [];
  readonly figures: Figure[] = [];

  constructor(
    readonly rounds: number,
    readonly seconds: number,
    private readonly only: string | undefined,
  ) {}

  /** Was this asked for? */
  wants(...names: readonly string[]): boolean {
    return names.some((name) => this.only === undefined || name.includes(this.only));
  }

  /** One thing against its yardstick, in turn: both see the same moods of the machine. */
  async compare(
    name: string,
    yardstick: string,
    atLeast: number,
    measured: () => Promise<number>,
    against: () => Promise<number>,
  ): Promise<void> {
    if (!this.wants(name)) return;
    const pairs: [number, number][] = [];
    for (let round = 0; round < this.rounds; round++) {
      // The order changes with the round: what the first one leaves behind, the second one finds.
      const first = round % 2 === 0 ? await against() : await measured();
      const second = round % 2 === 0 ? await measured() : await against();
      const [value, base] = round % 2 === 0 ? [second, first] : [first, second];
      pairs.push([value, base]);
      this.say(`${name}: ${show(value)} against ${show(base)}, ${(value / base).toFixed(2)}`);
    }
    this.comparisons.push({ name, yardstick, atLeast, pairs });
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

function show(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

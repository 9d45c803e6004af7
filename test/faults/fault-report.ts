import { CONTRADICTIONS } from '../../oracle/verdict.js';
import { type FaultRecord, type P99 } from './fault-test.js';

/** The result of all rounds of one fault. */
export interface FaultSummary {
  readonly row: number;
  readonly what: string;
  readonly rounds: number;
  readonly failed: number;
  readonly accepted: number;
  readonly lost: number;
  readonly over: number;
  readonly dup: number;
  readonly ghost: number;
  readonly stuck: number;
  readonly under: number;
  /** Answers and rows that contradict one another. Tables of earlier runs have none. */
  readonly contradictions?: number;
  /** The slowest of all rounds. */
  readonly slowestMs: number;
  readonly recoveryMs: number;
  /** The numbers of the worst round, if they were measured. Both are of the same round. */
  readonly p99: P99 | null;
  /** The random choices of its rounds, if chance decides about more than the moment. */
  readonly drawn: readonly string[];
  /** The seeds of the rounds that failed. */
  readonly failedSeeds: readonly number[];
}

const COUNTS = ['lost', 'over', 'dup', 'ghost', 'stuck', 'under'] as const;

export function summarize(records: readonly FaultRecord[]): FaultSummary[] {
  const groups = new Map<string, FaultRecord[]>();
  for (const record of records) {
    const key = `${record.row} ${record.what}`;
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const summaries = [...groups.values()].map((rounds): FaultSummary => {
    const [{ row, what }] = rounds as [FaultRecord];
    const sum = (of: (record: FaultRecord) => number) => rounds.reduce((total, record) => total + of(record), 0);
    const most = (of: (record: FaultRecord) => number) => Math.max(...rounds.map(of));
    const counts = Object.fromEntries(
      COUNTS.map((name) => [name, sum(({ verdict }) => verdict?.[name] ?? 0)]),
    ) as Record<(typeof COUNTS)[number], number>;
    const failed = rounds.filter(({ failure }) => failure !== null);
    return {
      row,
      what,
      rounds: rounds.length,
      failed: failed.length,
      accepted: sum(({ accepted }) => accepted),
      ...counts,
      contradictions: sum(({ verdict }) => CONTRADICTIONS.reduce((all, name) => all + (verdict?.[name] ?? 0), 0)),
      slowestMs: most(({ slowestMs }) => slowestMs),
      recoveryMs: most(({ recoveryMs }) => recoveryMs),
      p99: rounds.reduce<P99 | null>((worst, { p99 }) => slower(worst, p99), null),
      drawn: rounds.flatMap(({ drawn }) => drawn ?? []),
      failedSeeds: failed.map(({ seed }) => seed),
    };
  });
  return inOrder(summaries);
}

/** Adds up the rounds of both. */
export function merged(some: readonly FaultSummary[], more: readonly FaultSummary[]): FaultSummary[] {
  const keyOf = ({ row, what }: FaultSummary) => `${row} ${what}`;
  const others = new Map(more.map((one) => [keyOf(one), one]));
  const both = some.map((one): FaultSummary => {
    const other = others.get(keyOf(one));
    if (other === undefined) return one;
    others.delete(keyOf(one));
    const counts = Object.fromEntries(COUNTS.map((name) => [name, one[name] + other[name]]));
    return {
      ...one,
      ...(counts as Record<(typeof COUNTS)[number], number>),
      contradictions: (one.contradictions ?? 0) + (other.contradictions ?? 0),
      rounds: one.rounds + other.rounds,
      failed: one.failed + other.failed,
      accepted: one.accepted + other.accepted,
      slowestMs: Math.max(one.slowestMs, other.slowestMs),
      recoveryMs: Math.max(one.recoveryMs, other.recoveryMs),
      p99: slower(one.p99, other.p99),
      drawn: [...(one.drawn ?? []), ...(other.drawn ?? [])],
      failedSeeds: [...one.failedSeeds, ...other.failedSeeds],
    };
  });
  return inOrder([...both, ...others.values()]);
}

/** The one that was slower during its fault. Tables of earlier runs may have none. */
function slower(one: P99 | null, other: P99 | null): P99 | null {
  if (!one || !other) return one ?? other;
  return one.duringMs > other.duringMs ? one : other;
}

function inOrder(summaries: FaultSummary[]): FaultSummary[] {
  return summaries.sort((a, b) => a.row - b.row || a.what.localeCompare(b.what));
}

/**
 * One line for each fault, with the worst times of all rounds in seconds. Below the table, facts that only a few faults
 * have.
 */
export function toMarkdown(summaries: readonly FaultSummary[]): string {
  const head = [
    '#',
    'fault',
    'rounds',
    'failed',
    '202s',
    ...COUNTS,
    'contradictions',
    'slowest answer',
    'all kept after',
  ];
  const seconds = (ms: number) => (ms === 0 ? '–' : `${(ms / 1_000).toFixed(2)} s`);
  const lines = summaries.map((one) => [
    one.row,
    one.what,
    one.rounds,
    one.failed,
    one.accepted,
    ...COUNTS.map((name) => one[name]),
    one.contradictions ?? 0,
    seconds(one.slowestMs),
    seconds(one.recoveryMs),
  ]);
  const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
  const measured = summaries.flatMap(({ row, what, p99 }) =>
    !p99 ? [] : [`- ${row}, ${what}: ${p99.duringMs.toFixed(1)} ms, ${p99.beforeMs.toFixed(1)} ms before\n`],
  );
  const drawn = summaries.flatMap(({ row, drawn: draws = [] }) => draws.map((draw) => `- ${row}: ${draw}\n`));
  const list = (title: string, items: readonly string[]) =>
    items.length === 0 ? '' : `\n${title}:\n\n${items.join('')}`;
  return table + list('p99 of a claim during the fault', measured) + list('Drawn', drawn);
}

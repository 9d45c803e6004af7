import { it } from '@jest/globals';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Verdict } from '../../oracle/verdict.js';
import { type Drop } from '../support/drop.js';
import { NIGHTLY, VARIANTS } from './variants.js';

/** FAULT_SEED repeats the random moments of a run. */
const SEED = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** How many rounds each fault has. A slow one has three at most. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 1);
const MOST_SLOW_ROUNDS = 3;
/** Leaves out faults that take a minute or more. */
const BRIEF = process.env.FAULT_BRIEF !== undefined;
/** Leaves out the variants, too. */
const GATE = process.env.FAULT_GATE !== undefined;
/** Has those that take minutes, too. */
const AT_NIGHT = process.env.FAULT_NIGHTLY !== undefined;
/** The file for the outcome of each round, one JSON object a line; see test/faults/run.ts. */
const RECORDS = process.env.FAULT_RECORDS;
/** The directory for what callers heard in rounds that failed. */
const HISTORIES = process.env.FAULT_HISTORIES;

/** The time within which 99 of 100 claims are answered, ms. */
export interface P99 {
  readonly beforeMs: number;
  readonly duringMs: number;
}

/** What one round of one fault came to. */
export interface FaultRecord {
  readonly row: number;
  readonly what: string;
  readonly seed: number;
  /** 202s. */
  readonly accepted: number;
  /** Null if the test ended before the judgement. */
  readonly verdict: Verdict | null;
  readonly slowestMs: number;
  /** ms from the end of the fault until every promise was kept. */
  readonly recoveryMs: number;
  /** Null if it was not measured. */
  readonly p99: P99 | null;
  /** The random choices, if chance decides about more than the moment. */
  readonly drawn: string | null;
  /** Why the test failed; null if it passed. */
  readonly failure: string | null;
}

/** The results that a test records while it runs. */
interface Running {
  judged: Pick<FaultRecord, 'accepted' | 'verdict' | 'slowestMs' | 'recoveryMs'> | null;
  p99: P99 | null;
  drawn: string | null;
  readonly drops: Drop[];
}

/** A test fails by itself this much earlier than Jest's timeout, ms. Otherwise its round would not be recorded. */
const BEFORE_TIMEOUT_MS = 5_000;

let running: Running = { judged: null, p99: null, drawn: null, drops: [] };
let state = 0;

/**
 * A test for the row with this number in docs/reliability.md. Its random moments depend only on the run's seed, its
 * name and its round, so it can be repeated alone.
 */
export function fault(
  row: number,
  what: string,
  run: () => Promise<void>,
  { slow = false, timeoutMs = 180_000 } = {},
): void {
  if (isLeftOut(what, slow)) {
    process.stdout.write(`left out: #${row} ${what}\n`);
    return;
  }
  const rounds = slow || NIGHTLY.has(what) ? Math.min(ROUNDS, MOST_SLOW_ROUNDS) : ROUNDS;
  for (let round = 0; round < rounds; round++) {
    const title = `#${row} ${what}`;
    it(
      round === 0 ? title : `${title} (round ${round + 1})`,
      async () => {
        const seed = SEED + round;
        state = hash(`${seed} ${title}`);
        running = { judged: null, p99: null, drawn: null, drops: [] };
        let failure: string | null = null;
        try {
          await within(timeoutMs - BEFORE_TIMEOUT_MS, run());
        } catch (error) {
          failure = (error as Error).message;
          (error as Error).message += `\n(FAULT_SEED=${seed})${writeHistories(`${row}-${seed}`)}`;
          throw error;
        } finally {
          const judged = running.judged ?? { accepted: 0, verdict: null, slowestMs: 0, recoveryMs: 0 };
          write({ row, what, seed, ...judged, p99: running.p99, drawn: running.drawn, failure });
        }
      },
      timeoutMs,
    );
  }
}

/** True if the fault is left out. A describe with no test left must be left out too, because Jest refuses it. */
export function isLeftOut(what: string, slow = false): boolean {
  return (slow && (BRIEF || GATE)) || (GATE && VARIANTS.has(what)) || (!AT_NIGHT && NIGHTLY.has(what));
}

/** Writes down what the callers of this drop heard, if the running fault fails. */
export function keepHistory(drop: Drop): Drop {
  running.drops.push(drop);
  return drop;
}

/** @returns where they are, to be appended to a message. */
function writeHistories(name: string): string {
  if (HISTORIES === undefined) return '';
  mkdirSync(HISTORIES, { recursive: true });
  return running.drops
    .map((drop, at) => {
      const file = join(HISTORIES, `${name}-${at + 1}.json`);
      writeFileSync(file, JSON.stringify(drop));
      return `\n(what callers heard: ${file})`;
    })
    .join('');
}

/** Records the outcome of the running fault. The last call counts. */
export function recordOutcome(drop: Drop, verdict: Verdict | null, recoveryMs: number): void {
  running.judged = {
    accepted: drop.promised().length,
    verdict,
    slowestMs: Math.round(drop.slowestMs()),
    recoveryMs: Math.round(recoveryMs),
  };
}

/** Records how fast claims were answered before the fault and during it. */
export function recordP99(p99: P99): void {
  running.p99 = p99;
}

/** Records and prints the random choices. */
export function recordDraw(drawn: string): void {
  running.drawn = drawn;
  process.stdout.write(`${drawn}\n`);
}

/** An integer from `min` to `max`, the next of the test's own sequence (mulberry32). */
export function between(min: number, max: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return min + (((mixed ^ (mixed >>> 14)) >>> 0) % (Math.floor(max) - Math.ceil(min) + 1));
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function write(record: FaultRecord): void {
  if (RECORDS !== undefined) appendFileSync(RECORDS, `${JSON.stringify(record)}\n`);
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

import { type WriteStream } from 'node:tty';
import { type LoadProgress, TELL_MS } from './load/drive.js';

const BAR = 24;
const CLEAR_LINE = '\r\u001b[2K';
/** Shown codes, at most; the others are summed up. */
const MOST_CODES = 4;

/** Says how far the rehearsal is: on a terminal on one line that changes, otherwise in a line a second. */
export class ProgressLine {
  private lastAnswered = 0;
  private lastAt = performance.now();
  private shown = false;
  private began: number | undefined;

  constructor(private readonly output: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>) {}

  tell(progress: LoadProgress): void {
    const at = performance.now();
    this.began ??= this.lastAt = at - TELL_MS;
    const rate = ((progress.answered - this.lastAnswered) * 1_000) / Math.max(1, at - this.lastAt);
    [this.lastAnswered, this.lastAt] = [progress.answered, at];
    const line = lineOf(progress, rate, (at - this.began) / 1_000, this.output.isTTY);
    if (!this.output.isTTY) return void this.output.write(`${line}\n`);
    this.output.write(CLEAR_LINE + line.slice(0, (this.output.columns || 120) - 1));
    this.shown = true;
  }

  /** A line that stays. */
  say(line: string): void {
    this.output.write(`${this.shown ? CLEAR_LINE : ''}${line}\n`);
    this.shown = false;
  }

  /** Leaves the line as it is. */
  end(): void {
    if (this.shown) this.output.write('\n');
    this.shown = false;
  }
}

export function lineOf(
  { planned, answered, words, recent }: LoadProgress,
  rate: number,
  seconds: number,
  withBar: boolean,
): string {
  const part = planned === 0 ? 1 : answered / planned;
  const bar = '█'.repeat(Math.round(part * BAR)).padEnd(BAR, '░');
  const all = Object.entries(words).sort(([, a], [, b]) => b - a);
  const rest = all.slice(MOST_CODES).reduce((sum, [, count]) => sum + count, 0);
  const codes = all.slice(0, MOST_CODES).map(([word, count]) => `${word} ${number(count)}`);
  return [
    `${withBar ? `${bar} ` : ''}${String(Math.floor(part * 100)).padStart(3)}% ${number(answered)}/${number(planned)}`,
    `${number(Math.round(rate))}/s`,
    recent.count === 0
      ? 'no answer'
      : `p50 ${duration(recent.percentile(0.5))} p99 ${duration(recent.percentile(0.99))}`,
    ...codes,
    ...(rest === 0 ? [] : [`others ${number(rest)}`]),
    `${seconds.toFixed(0)} s`,
  ].join(' · ');
}

function number(value: number): string {
  return value.toLocaleString('en');
}

export function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(ms >= 10_000 ? 0 : 1)} s`;
  return `${ms.toFixed(ms >= 10 ? 0 : 1)} ms`;
}

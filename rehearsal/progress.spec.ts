import { describe, expect, it } from '@jest/globals';
import { Histogram } from './load/histogram.js';
import { ProgressLine } from './progress.js';

const progress = (answered: number, words: Record<string, number>) => {
  const recent = Histogram.empty();
  for (let ms = 1; ms <= 100; ms++) recent.record(ms);
  return { planned: 2_000, asked: answered, answered, words, recent };
};
const WORDS = {
  '202': 100,
  '409 sold-out': 850,
  '409 already-claimed': 30,
  '503 busy': 15,
  '429 x': 3,
  'no answer': 2,
};

describe('the progress of a rehearsal', () => {
  const written = (isTTY: boolean, columns = 200) => {
    let text = '';
    const output = { isTTY, columns, write: (piece: string) => ((text += piece), true) };
    const line = new ProgressLine(output as never);
    line.tell(progress(1_000, WORDS));
    line.say('something else');
    line.tell(progress(2_000, { '202': 2_000 }));
    line.end();
    return text;
  };

  it('is a line for each second where it goes to a file', () => {
    const lines = written(false).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(
      /^ 50% 1,000\/2,000 · [\d,]+\/s · p50 50 ms p99 99 ms · 409 sold-out 850 · 202 100 · 409 already-claimed 30 · 503 busy 15 · others 5 · 1 s$/,
    );
    expect(lines[2]).toContain('100% 2,000/2,000');
  });

  it('is one line with a bar on a terminal, which other lines push down', () => {
    const text = written(true);
    expect(text).toContain('████████████░░░░░░░░░░░░');
    expect(text.split('\n')).toHaveLength(3);
  });

  it('is never longer than the terminal is wide', () => {
    const lines = written(true, 60).split(/\n|\r\u001b\[2K/);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(60);
  });
});

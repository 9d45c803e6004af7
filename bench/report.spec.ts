import { describe, expect, it } from '@jest/globals';
import { markdown, type Results } from './report.js';

const NOTHING: Results = { comparisons: [], processor: [], layers: [], figures: [] };
const use = (idleCores: number, microseconds: Record<string, number>) => ({ idleCores, microseconds });

describe('the tables of a run', () => {
  it('each name the machine, so that a table that is copied says where it is from', () => {
    const text = markdown(
      {
        comparisons: [{ name: 'claims', yardstick: 'bare', atLeast: 0.5, pairs: [[1, 2]] }],
        processor: [{ name: 'claims', own: [use(0, { api: 2 })], yardsticks: [] }],
        layers: [{ profile: 'embedded', layers: [] }],
        figures: [{ name: 'a start', unit: 's', values: [1] }],
      },
      'wrk',
      '2 × a processor, Node v20',
    );

    expect(
      text.match(/^2 × a processor, Node v20; servers and load on the one machine, load by wrk\.$/gm),
    ).toHaveLength(4);
  });

  it('compare rates round by round', () => {
    const pairs = [
      [50, 100],
      [90, 100],
      [20, 100],
    ] as const;

    expect(rows({ ...NOTHING, comparisons: [{ name: 'claims', yardstick: 'bare', atLeast: 0.6, pairs }] })).toEqual([
      '| claims | bare | **0.50** (0.20–0.90, 3 rounds) | ≥ 0.60, missed | 50.0 against 100 /s |',
    ]);
  });

  it('compare the process that answers with the yardstick that answers, and show the others', () => {
    const own = [
      use(0.5, { api: 120, Redis: 20 }),
      use(0.4, { api: 100, Redis: 16 }),
      use(0.6, { api: 140, Redis: 17 }),
    ];
    const bare = [40, 50, 35].map((time) => use(0.3, { server: time }));
    const other = [80, 100, 105].map((time) => use(0.1, { java: time, mysqld: 9 }));
    const yardsticks = [
      { yardstick: 'bare', uses: bare },
      { yardstick: 'other', uses: other },
    ];

    expect(rows({ ...NOTHING, processor: [{ name: 'claims', atMost: 1.6, own, yardsticks }] })).toEqual([
      '| claims | api | **120.0** (100.0–140.0, 3 rounds) | **3.00** (2.00–4.00, 3 rounds) | ≤ 1.6, missed | 0.50 |',
      '| claims | Redis | **17.0** (16.0–20.0, 3 rounds) |  |  |  |',
      '| claims | bare | **40.0** (35.0–50.0, 3 rounds) |  |  | 0.30 |',
      '| claims | other | **100.0** (80.0–105.0, 3 rounds) | **2.00** (2.00–3.00, 3 rounds) |  | 0.10 |',
      '| claims | other: mysqld | **9.0** (9.0–9.0, 3 rounds) |  |  |  |',
    ]);
  });
});

function rows(results: Results): string[] {
  return markdown(results, 'wrk', 'a machine')
    .split('\n')
    .filter((line) => line.startsWith('| claims'));
}

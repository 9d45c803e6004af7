import { describe, expect, it } from '@jest/globals';
import { Histogram } from '../load/histogram.js';
import { PROMISES } from '../promises.js';
import { type Report, reportOf } from '../report.js';
import { certificatePage } from './page.js';
import { TEXTS } from './texts.js';

const INSTANT = Date.UTC(2026, 11, 1);

function report(over: Partial<Report> = {}): Report {
  const times = Histogram.empty();
  for (let call = 0; call < 40; call++) times.record(call);
  const made = reportOf({
    brokenOff: null,
    startedAt: new Date(INSTANT).toISOString(),
    seed: 1,
    command: 'npm run rehearse',
    campaign: { id: 'c', name: '<script>alert(1)</script> & "noon"', total: 20, made: true },
    service: { version: '1', node: '20', profile: 'embedded', url: 'http://127.0.0.1:3000/', rebuilt: false },
    options: { users: 40 },
    marks: [{ deed: 'frozen', target: 'Redis', from: 500, to: 900 }],
    judgement: {
      promises: PROMISES.map((id) => ({ id, state: 'kept', checked: 20, broken: 0 })),
      examples: ['lost: <b>u1</b>'],
      kept: true,
    },
    calls: Array.from({ length: 40 }, (_, call) => ({
      userId: `u${call}`,
      word: call < 20 ? '202' : '409 sold-out',
      due: call * 100,
      at: call * 100,
      ms: call,
      manner: 'press',
    })),
    lastCalls: [],
    coupons: Array.from({ length: 20 }, (_, call) => ({
      userId: `u${call}`,
      claimId: `c${call}`,
      sequence: call + 1,
      claimedAt: INSTANT + call,
      issuedAt: INSTANT + call + 30,
    })),
    times,
    lateness: times,
    stock: [
      { at: 0, remaining: 20 },
      { at: 1_900, remaining: 0 },
    ],
    start: 0,
  });
  return { ...made, ...over };
}

describe('the report', () => {
  it('adds up', () => {
    const { figures, timeline } = report();
    expect(figures).toMatchObject({ users: 40, calls: 40, accepted: 20, coupons: 20, soldOutAfterSeconds: 2.02 });
    expect(figures.rowTimes).toMatchObject({ count: 20, p50: 30, max: 30 });
    expect(figures.seconds).toBeCloseTo(3.939);
    const sum = (of: (row: (typeof timeline.rows)[number]) => number) =>
      timeline.rows.reduce((all, row) => all + of(row), 0);
    expect([sum(({ due }) => due), sum(({ accepted }) => accepted), sum(({ refused }) => refused)]).toEqual([
      40, 20, 20,
    ]);
    expect(timeline.rows[0]).toMatchObject({ second: 0, remaining: 20 });
    expect(timeline.rows.at(-1)?.remaining).toBe(0);
  });

  it('counts the time of a call where it was due, and its answer where it came', () => {
    const late = { userId: 'u', word: '202', due: 0, at: 900, ms: 100, manner: 'press' } as const;
    const next = { ...late, userId: 'v', due: 2_000, at: 2_000, ms: 10 };
    const { timeline } = reportOf({ ...partsOf(), calls: [late, next] });
    const rowAt = (second: number) => timeline.rows.find((row) => row.second === second);
    expect(rowAt(0)).toMatchObject({ due: 1, accepted: 0, p50: 1_000 });
    expect(rowAt(1)).toMatchObject({ due: 0, accepted: 1, p50: null });
  });
});

describe('calls after the load', () => {
  const late = { userId: 'u', word: '409 sold-out', due: 9_000, at: 9_000, ms: 5, manner: 'other-tab' } as const;
  const won = { ...late, word: '202', due: 0, at: 0 };
  const made = () => reportOf({ ...partsOf(), calls: [won], lastCalls: [late, { ...late, userId: 'v' }] });

  it('are told apart from those of the load', () => {
    const { figures } = made();
    expect(figures).toMatchObject({
      calls: 3,
      afterwards: 2,
      soldOutAfterSeconds: null,
      answers: { '202': 1, '409 sold-out': 2 },
      answersAfterwards: { '409 sold-out': 2 },
    });
    const page = certificatePage(made(), 'en');
    expect(page).toContain('<tr><th scope="row">409 sold-out</th><td class="n">2</td><td class="n">2</td></tr>');
    expect(page).toContain('<tr><th scope="row">202</th><td class="n">1</td><td class="n">0</td></tr>');
    expect(page).toContain(TEXTS.en.figureNames.afterwards);
  });
});

describe('an outage during the load', () => {
  const call = (userId: string, word: string, at: number, manner: 'press' | 'hang-up' = 'press') =>
    ({ userId, word, due: at, at, ms: 0, manner }) as const;
  const made = (...calls: ReturnType<typeof call>[]) => reportOf({ ...partsOf(), calls });

  it('is told under the verdict: how long nobody heard yes or no, and who left without', () => {
    const report = made(
      call('a', '202', 1_000),
      call('b', '503 issuer-unavailable', 2_000),
      call('c', 'no answer', 4_000),
      call('d', '503 busy', 5_000),
      call('b', '409 sold-out', 10_000),
      call('e', 'no answer', 10_100, 'hang-up'),
    );
    expect(report.figures.unanswered).toEqual({ longestSeconds: 9, users: 2 });
    const page = certificatePage(report, 'en');
    expect(page).toContain('For 9 s nobody was told yes or no. People who left with 503 or no answer alone: 2.');
  });

  it('counts until the end of the load, and not the quiet time in which nobody asked', () => {
    expect(made(call('a', '202', 1_000), call('b', '409 sold-out', 60_000)).figures.unanswered).toEqual({
      longestSeconds: 0,
      users: 0,
    });
    expect(made(call('a', '202', 1_000), call('b', '503 busy', 4_000)).figures.unanswered).toEqual({
      longestSeconds: 3,
      users: 1,
    });
    expect(certificatePage(made(call('a', '202', 1_000)), 'en')).not.toContain('nobody was told');
  });
});

function partsOf() {
  const empty = Histogram.empty();
  return {
    brokenOff: null,
    startedAt: '',
    seed: 1,
    command: '',
    campaign: { id: 'c', name: 'c', total: 1, made: true },
    service: { version: '1', node: '20', profile: 'embedded', url: '', rebuilt: false },
    options: {},
    marks: [],
    judgement: { promises: [], examples: [], kept: true },
    lastCalls: [],
    coupons: [],
    times: empty,
    lateness: empty,
    stock: [],
    start: 0,
  };
}

describe.each(['ko', 'en'] as const)('the page in %s', (language) => {
  const page = (over: Partial<Report> = {}) => certificatePage(report(over), language);
  const texts = TEXTS[language];

  it('loads nothing, runs nothing, and shows names as they are', () => {
    expect(page()).not.toMatch(/<(?:script|link|img|iframe|object)\b|\bon\w+="|url\(|@import|\b(?:href|src)=/);
    expect(page()).not.toContain('<b>u1');
    expect(page()).toContain('&#60;script&#62;alert(1)');
    expect(page()).toContain(`<html lang="${language}">`);
  });

  it('has a row for each promise, and the verdict in words and not in colour alone', () => {
    for (const id of PROMISES) expect(page()).toContain(texts.promiseNames[id].replaceAll("'", '&#39;'));
    expect(page()).toContain(`✓ ${texts.kept}`);
    expect(page({ verdict: 'broken' })).toContain(`✗ ${texts.broken}`);
  });

  it('has a table with the same rows beside each chart, and marks what was done', () => {
    const charts = page().split('<figure>').slice(1);
    expect(charts).toHaveLength(3);
    for (const chart of charts) {
      const table = chart.slice(chart.indexOf('<details>'), chart.indexOf('</details>'));
      expect(table.match(/<tr>/g)).toHaveLength(report().timeline.rows.length + 1);
      expect(chart).toContain(texts.deeds.frozen('Redis'));
    }
    // Not a line of a chart is told by its colour alone.
    expect(page()).toContain('stroke-dasharray');
  });

  it('says in its first line that it was broken off, and does not say that everything was kept', () => {
    const brokenOff = { during: 'load', afterSeconds: 3.2, note: '' } as const;
    const words = texts.brokenOff.load('3.2');
    expect(page({ brokenOff }).split('\n')[0]).toContain(words);
    expect(page({ brokenOff })).toContain(`<body>\n<p class="broken-off">${words}</p>`);
    expect(page({ brokenOff })).toContain(texts.keptSoFar);
    expect(page({ brokenOff })).not.toContain(texts.kept);
  });
});

import { describe, expect, it } from '@jest/globals';
import { bytes, type System, troublesOf } from './words.ts';

const server = { up: true, awaySince: null, trouble: null, answerMs: 1 };
const WELL = {
  gate: { state: 'open', trouble: null, downSince: null },
  redis: server,
  claimLog: { ...server, topic: { unusable: null } },
  database: server,
} as unknown as System;
const away = { ...server, up: false, awaySince: '2026-12-01T03:00:00.000Z', trouble: 'ECONNREFUSED' };

describe('what stands in the way of claims', () => {
  it('is nothing when all is well, also without Redis and a topic', () => {
    expect(troublesOf(WELL)).toEqual([]);
    expect(troublesOf({ ...WELL, redis: null, claimLog: { ...WELL.claimLog, topic: null } })).toEqual([]);
  });

  it('names each part that is away, since when, and why; the gate first', () => {
    const all = {
      gate: { ...WELL.gate, state: 'fenced', trouble: 'fenced', downSince: '2026-12-01T03:00:01.000Z' },
      redis: away,
      claimLog: { ...away, topic: { unusable: 'min.insync.replicas is 1' } },
      database: away,
    } as unknown as System;
    const troubles = troublesOf(all);
    expect(troubles.map(({ since, why }) => [since, why])).toEqual([
      ['2026-12-01T03:00:01.000Z', 'fenced'],
      ['2026-12-01T03:00:00.000Z', 'ECONNREFUSED'],
      ['2026-12-01T03:00:00.000Z', 'ECONNREFUSED'],
      ['2026-12-01T03:00:00.000Z', 'ECONNREFUSED'],
      [null, 'min.insync.replicas is 1'],
    ]);
  });

  it('tells of a gate that is open and whose last call has failed', () => {
    const gate = { ...WELL.gate, trouble: 'timeout' } as System['gate'];
    expect(troublesOf({ ...WELL, gate })).toHaveLength(1);
  });
});

it.each([
  [0, '0 B'],
  [1_023, '1,023 B'],
  [1_536, '1.5 KiB'],
  [20 * 1_024 ** 3, '20 GiB'],
])('%i bytes are %s', (count, text) => {
  expect(bytes(count, 'en-US')).toBe(text);
});

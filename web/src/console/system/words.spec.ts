import { describe, expect, it } from '@jest/globals';
import { bytes, diskState, gateState, serverState, type System } from './words.ts';

const WELL = {
  gate: { state: 'open', trouble: null, downSince: null },
  redis: { up: true },
  claimLog: { up: true },
  database: { up: true },
} as unknown as System;

const gateToneOf = (changed: object) => gateState({ ...WELL, ...changed } as System).tone;

describe('the badge of the gate', () => {
  it('is green while claims can be admitted, also without one of log and database', () => {
    expect(gateToneOf({})).toBe('good');
    expect(gateToneOf({ redis: null, claimLog: { up: false } })).toBe('good');
    expect(gateToneOf({ database: { up: false } })).toBe('good');
  });

  it.each([
    ['its server refuses', { gate: { state: 'open', trouble: 'OOM', downSince: '2026-12-01T03:00:00.000Z' } }],
    ['it is down for a reason that is not known', { gate: { ...WELL.gate, downSince: '2026-12-01T03:00:00.000Z' } }],
    ['its server is away', { redis: { up: false } }],
    ['nothing could keep a claim', { claimLog: { up: false }, database: { up: false } }],
    ['it is closed', { gate: { ...WELL.gate, state: 'fenced' } }],
  ])('is not green while %s', (_why, changed) => {
    expect(gateToneOf(changed)).toBe('bad');
  });
});

it('a server that answers a question and refuses claims is not called away', () => {
  expect(serverState({ up: true, answerMs: 1 }).word.en).toBe('Answers');
  expect(serverState({ up: false, answerMs: 1 }).word.en).toBe('Cannot be used');
  expect(serverState({ up: false, answerMs: null }).word.en).toBe('Away');
});

it.each([
  [0, 'bad'],
  [999_999_999, 'bad'],
  [1e9, 'good'],
])('a disk with %i bytes is %s', (freeBytes, tone) => {
  expect(diskState({ freeBytes, totalBytes: 2e9, usedBytes: 0 }).tone).toBe(tone);
});

it.each([
  [0, '0 B'],
  [1_023, '1,023 B'],
  [1_536, '1.5 KiB'],
  [20 * 1_024 ** 3, '20 GiB'],
])('%i bytes are %s', (count, text) => {
  expect(bytes(count, 'en-US')).toBe(text);
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, Client } from './client.js';
import { Drop } from './drop.js';

/** Answers each call as the test says; null: not at all. */
class Scripted extends Client {
  next: { readonly status: number; readonly code?: string } | null = null;

  override async apply(): Promise<Answer> {
    if (this.next === null) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const { status, code } = this.next;
    return { status, headers: new Headers(), body: code === undefined ? { claimId: 'c', sequence: 1 } : { code } };
  }
}

describe('a drop', () => {
  let directory: string;
  let drop: Drop;
  let service: Scripted;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-drop-'));
    drop = new Drop('campaign', 2, join(directory, '202.jsonl'));
    service = new Scripted('http://127.0.0.1');
  });
  afterEach(() => {
    drop.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const press = (userId: string, answer: Scripted['next']) => {
    service.next = answer;
    return drop.press(service, userId);
  };
  const ACCEPTED = { status: 202 };
  const SOLD_OUT = { status: 409, code: 'sold-out' };

  it('closes its own file, and no other that was given its number since', () => {
    drop.close();
    // The lowest number that is free: the one that has just become so.
    const other = openSync(join(directory, 'other'), 'w');
    try {
      drop.close();
      expect(fstatSync(other).size).toBe(0);
    } finally {
      closeSync(other);
    }
  });

  it('knows who was told too early that everything is sold', async () => {
    await press('first', ACCEPTED);
    await press('misled', SOLD_OUT);
    // Nothing was taken of this one.
    await press('refused', { status: 503, code: 'issuer-unavailable' });
    await press('misled-too', SOLD_OUT);
    await press('second', ACCEPTED);
    await press('late', SOLD_OUT);
    expect(drop.soldOutTooEarly()).toEqual(['misled', 'misled-too']);
  });

  it.each([
    ['is in doubt', { status: 503, code: 'claim-unconfirmed' }],
    ['was not answered', null],
  ])('takes a claim that %s for one that may hold a slot', async (_, answer) => {
    await press('first', ACCEPTED);
    await press('perhaps', answer);
    await press('late', SOLD_OUT);
    expect(drop.soldOutTooEarly()).toEqual([]);
  });

  it('counts a user once, however often there was an answer', async () => {
    await press('first', { status: 503, code: 'claim-unconfirmed' });
    await press('first', ACCEPTED);
    await press('misled', SOLD_OUT);
    expect(drop.soldOutTooEarly()).toEqual(['misled']);
  });

  it('takes nothing that campaigns say of themselves for granted', async () => {
    await press('early', { status: 409, code: 'campaign-not-started' });
    expect(drop.undocumented()).toEqual(['409 campaign-not-started']);
    expect(drop.undocumented({ campaign: ['409 campaign-not-started'] })).toEqual([]);
  });

  it('excuses a call without answer only where the process that it was made to is no more', async () => {
    service.lastAsked = 'http://127.0.0.1:1';
    await press('unheard', null);
    expect(drop.undocumented()).toEqual(['no answer']);
    expect(drop.undocumented({ killed: true, alive: ['http://127.0.0.1:1'] })).toEqual(['no answer']);
    expect(drop.undocumented({ killed: true, alive: ['http://127.0.0.1:2'] })).toEqual([]);
  });
});

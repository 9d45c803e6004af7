import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, Client } from './client.js';
import { Drop } from './drop.js';

/** Answers each call as the test says; null means no answer. */
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

  it('closes its own file, and not another file that got the same number later', () => {
    drop.close();
    // The system gives the lowest free number, which is the one that was just closed.
    const other = openSync(join(directory, 'other'), 'w');
    try {
      drop.close();
      expect(fstatSync(other).size).toBe(0);
    } finally {
      closeSync(other);
    }
  });

  it('knows which users were told too early that all coupons are sold', async () => {
    await press('first', ACCEPTED);
    await press('misled', SOLD_OUT);
    // This user took no slot.
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

  it('counts a user once, however many answers the user got', async () => {
    await press('first', { status: 503, code: 'claim-unconfirmed' });
    await press('first', ACCEPTED);
    await press('misled', SOLD_OUT);
    expect(drop.soldOutTooEarly()).toEqual(['misled']);
  });

  it('allows the states of a campaign as answers only where the test names them', async () => {
    await press('early', { status: 409, code: 'campaign-not-started' });
    expect(drop.undocumented()).toEqual(['409 campaign-not-started']);
    expect(drop.undocumented({ campaign: ['409 campaign-not-started'] })).toEqual([]);
  });

  it('excuses a call without an answer only if its process is gone', async () => {
    service.lastAsked = 'http://127.0.0.1:1';
    await press('unheard', null);
    expect(drop.undocumented()).toEqual(['no answer']);
    expect(drop.undocumented({ killed: true, alive: ['http://127.0.0.1:1'] })).toEqual(['no answer']);
    expect(drop.undocumented({ killed: true, alive: ['http://127.0.0.1:2'] })).toEqual([]);
  });
});

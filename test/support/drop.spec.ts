import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
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

  it('has the 202 on the disk, with what it says, as soon as the caller has it', async () => {
    const claimedAt = '2026-11-30T12:00:00.000Z';
    service.apply = () =>
      Promise.resolve({ status: 202, headers: new Headers(), body: { claimId: 'c', sequence: 7, claimedAt } });
    await drop.press(service, 'first');
    const [call] = drop.calls;
    expect(JSON.parse(readFileSync(join(directory, '202.jsonl'), 'utf8'))).toEqual({
      campaignId: 'campaign',
      userId: 'first',
      claimId: 'c',
      sequence: 7,
      claimedAt: Date.parse(claimedAt),
      asked: call?.at,
      heard: (call?.at ?? 0) + (call?.ms ?? 0),
      at: expect.any(String),
    });
  });

  it('looks at the status and the stock for one of so many winners', async () => {
    let claims = 0;
    const bodies: Record<string, unknown> = {
      '/health/ready': { gate: { epoch: 5 } },
      '/api/campaigns/campaign': { version: 3, remaining: 42 },
    };
    const server = createServer(({ method, url = '' }, response) => {
      const claim = { claimId: `c${claims}`, sequence: claims + 1, claimedAt: new Date(0).toISOString() };
      const body = method === 'POST' ? (claims++, claim) : (bodies[url] ?? { claimId: url });
      response.writeHead(method === 'POST' ? 202 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const watched = new Drop('campaign', 9, join(directory, 'watched.jsonl'), { lookEvery: 3 });
    try {
      for (let user = 0; user < 4; user++) await watched.press(new Client(url), `u${user}`);
      await watched.looked();
    } finally {
      watched.close();
      server.close();
    }
    const status = (user: number) => ({
      userId: `u${user}`,
      claimId: `c${user}`,
      status: 200,
      shown: `/api/campaigns/campaign/claims/u${user}`,
    });
    expect(watched.statusLooks).toEqual([status(0), status(3)]);
    const stock = { url, epoch: 5, version: 3, remaining: 42, asked: expect.any(Number), heard: expect.any(Number) };
    expect(watched.stockLooks).toEqual([stock, stock]);
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

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, Client, inParallel, tally } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

describe('issuing coupons', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
  });
  afterAll(() => service.stop());

  /** Waits until every claim of the campaign is a row, and returns the audit. */
  const settled = (campaignId: string, rows: number) =>
    eventually(async () => {
      const audit = await client.audit(campaignId);
      expect(audit).toMatchObject({ rows, issued: rows, pending: 0, drift: 0 });
      return audit;
    });

  const status = (campaignId: string, userId: string) => client.get(`/api/campaigns/${campaignId}/claims/${userId}`);

  it('turns the first call of a user into one coupon', async () => {
    const answer = await client.claim(1);
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      status: 'success',
      message: '쿠폰 발급 신청이 완료되었습니다.',
      claimId: expect.stringMatching(ULID),
      campaignId: 'default',
      sequence: expect.any(Number),
      claimedAt: expect.stringMatching(INSTANT),
    });
    expect(answer.headers.get('location')).toBe('/api/campaigns/default/claims/1');
    const issued = await eventually(async () => {
      const proof = { 'x-claim-id': answer.body.claimId as string };
      const found = await client.get(answer.headers.get('location') ?? '', proof);
      expect(found.body.status).toBe('ISSUED');
      return found;
    });
    expect(issued.body).toMatchObject({
      claimId: answer.body.claimId,
      sequence: answer.body.sequence,
      claimedAt: answer.body.claimedAt,
      issuedAt: expect.stringMatching(INSTANT),
      code: expect.stringMatching(/^\S{12,}$/),
    });
  });

  it('shows a user who asks again the claim that already exists', async () => {
    const first = await client.claim('asks-again');
    const second = await client.claim('asks-again');
    expect(second.status).toBe(409);
    expect(second.headers.get('content-type')).toBe('application/problem+json');
    const { campaignId, sequence, claimedAt } = first.body;
    expect(second.body).toMatchObject({ type: 'urn:coupon:problem:already-claimed', code: 'already-claimed' });
    expect(second.body.claim).toEqual({ campaignId, sequence, claimedAt });
    expect(second.headers.get('location')).toBe('/api/campaigns/default/claims/asks-again');
  });

  it('issues exactly 100 coupons to 1,000 users who come at once', async () => {
    const campaign = await client.createCampaign(100);
    const users = Array.from({ length: 1_000 }, (_, index) => `crowd-${index}`);
    const answers = await inParallel(users, 200, (user) => client.claim(user, campaign));
    expect(tally(answers.map((answer) => `${answer.status} ${answer.body.code ?? ''}`))).toEqual({
      '202 ': 100,
      '409 sold-out': 900,
    });
    const sequences = answers.filter(({ status }) => status === 202).map(({ body }) => body.sequence as number);
    expect(sequences.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    await settled(campaign, 100);
  });

  it('says sold out for good once every claim is settled, and asks to come back before', async () => {
    const campaign = await client.createCampaign(1);
    expect((await client.claim('winner', campaign)).status).toBe(202);
    const answers: Answer[] = [];
    await eventually(async () => {
      const answer = await client.claim('late', campaign);
      answers.push(answer);
      expect(answer.body).toMatchObject({ code: 'sold-out', final: true });
    });
    const claim = await client.get(`/api/campaigns/${campaign}/claims/winner`);
    expect(claim.body.status).toBe('ISSUED');
    for (const { body, headers } of answers) {
      expect(headers.get('retry-after')).toBe(body.final === true ? null : '5');
    }
  });

  it('gives one user who calls 1,000 times at once one coupon', async () => {
    const campaign = await client.createCampaign(100);
    const answers = await inParallel(Array(1_000).fill('same'), 200, (user: string) => client.claim(user, campaign));
    expect(tally(answers.map(({ status }) => status))).toEqual({ 202: 1, 409: 999 });
    const claims = new Set(answers.map(({ body }) => (body.sequence ?? body.claim.sequence) as number));
    expect(claims.size).toBe(1);
    await settled(campaign, 1);
  });

  it('keeps 20 campaigns apart that are claimed at once', async () => {
    const totals = Array.from({ length: 20 }, (_, index) => 5 + index);
    const campaigns = await inParallel(totals, 5, (total) => client.createCampaign(total));
    const calls = campaigns.flatMap((campaign) => Array.from({ length: 40 }, (_, user) => ({ campaign, user })));
    const shuffled = calls.map((call) => ({ call, at: Math.random() })).sort((a, b) => a.at - b.at);
    const answers = await inParallel(shuffled, 200, async ({ call }) => ({
      campaign: call.campaign,
      answer: await client.claim(`u-${call.user}`, call.campaign),
    }));
    for (const [index, campaign] of campaigns.entries()) {
      const own = answers.filter((entry) => entry.campaign === campaign).map(({ answer }) => answer.status);
      const total = totals[index] ?? 0;
      expect(tally(own)).toEqual({ 202: total, 409: 40 - total });
      await settled(campaign, total);
    }
  });

  it('reads a JSON integer as its decimal text', async () => {
    const campaign = await client.createCampaign(5);
    expect((await client.claim(7, campaign)).status).toBe(202);
    const again = await client.claim('7', campaign);
    expect(again.body.code).toBe('already-claimed');
  });

  it('keeps users apart whose names differ only in case', async () => {
    const campaign = await client.createCampaign(5);
    const answers = await Promise.all(['alice', 'Alice', 'ALICE'].map((user) => client.claim(user, campaign)));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    await settled(campaign, 3);
  });

  it('repeats the first answer to the same idempotency key, and only to it', async () => {
    const campaign = await client.createCampaign(5);
    const key = { 'idempotency-key': 'order 66' };
    const first = await client.claim('replays', campaign, key);
    expect(first.status).toBe(202);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const at: Answer[] = [await client.claim('replays', campaign, key)];
    await settled(campaign, 1);
    at.push(await client.claim('replays', campaign, key));
    for (const again of at) {
      expect(again.status).toBe(202);
      expect(again.body).toEqual(first.body);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
    }
    const other = await client.claim('replays', campaign, { 'idempotency-key': 'another' });
    expect(other.body.code).toBe('already-claimed');
    const otherUser = await client.claim('replays-too', campaign, key);
    expect(otherUser.headers.get('idempotent-replayed')).toBeNull();
    await settled(campaign, 2);
  });

  it.each(['', 'x'.repeat(256)])('refuses the idempotency key %j', async (key) => {
    const answer = await client.claim('bad-key', undefined, { 'idempotency-key': key });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('invalid-idempotency-key');
  });

  it('answers in English where the caller prefers it', async () => {
    const campaign = await client.createCampaign(1);
    const english = { 'accept-language': 'en-GB, ko;q=0.5' };
    const accepted = await client.claim('english', campaign, english);
    expect(accepted.headers.get('content-language')).toBe('en');
    expect(accepted.headers.get('vary')).toMatch(/accept-language/i);
    expect(accepted.body.message).toMatch(/^[\x20-\x7e]+$/);
    const refused = await client.claim('too-late', campaign, english);
    expect(refused.body).toMatchObject({ code: 'sold-out', title: 'Sold out' });
    const korean = await client.claim('too-late', campaign);
    expect(korean.headers.get('content-language')).toBe('ko');
    expect(korean.body.title).toBe('소진');
  });

  it('does not find a claim that does not exist', async () => {
    const campaign = await client.createCampaign(1);
    expect((await status(campaign, 'nobody')).body.code).toBe('claim-not-found');
    expect((await status('no-such-campaign', 'nobody')).body.code).toBe('campaign-not-found');
  });

  it('answers an unknown campaign without starting a rebuild', async () => {
    const before = (await client.get('/health/ready')).body.gate.epoch;
    const answers = await inParallel(
      Array.from({ length: 50 }, (_, index) => `invented-${index}`),
      10,
      (campaign) => client.claim('u', campaign),
    );
    expect(tally(answers.map(({ status, body }) => `${status} ${body.code}`))).toEqual({
      '404 campaign-not-found': 50,
    });
    const after = await client.get('/health/ready');
    expect(after.body).toMatchObject({ status: 'ok', gate: { state: 'open', epoch: before } });
  });

  it('lists a user’s coupons newest first, and shows the codes to the admin alone', async () => {
    const campaigns = await inParallel([1, 2, 3], 1, (total) => client.createCampaign(total));
    for (const campaign of campaigns) {
      await client.claim('collector', campaign);
      await settled(campaign, 1);
    }
    const newestFirst = [...campaigns].reverse();
    const all = await client.get('/api/users/collector/coupons');
    expect(all.body.items.map((item: { campaignId: string }) => item.campaignId)).toEqual(newestFirst);
    expect(all.body.items[0]).toEqual({
      campaignId: newestFirst[0],
      sequence: 1,
      issuedAt: expect.stringMatching(INSTANT),
    });
    const withCodes = await client.admin('GET', '/api/users/collector/coupons');
    expect(withCodes.body.items[0]).toMatchObject({
      claimId: expect.stringMatching(ULID),
      code: expect.stringMatching(/^\S{12,}$/),
    });
    const pages: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Answer = await client.get(
        `/api/users/collector/coupons?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      pages.push(...page.body.items.map((item: { campaignId: string }) => item.campaignId));
      cursor = page.body.nextCursor;
    }
    expect(pages).toEqual(newestFirst);
  });
});

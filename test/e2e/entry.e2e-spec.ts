import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { ulid } from 'ulid';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';
import { Siteverify, TURNSTILE_SECRET } from '../support/siteverify.js';

/** The cheapest proof: 256 tries of 100 iterations on average. */
const COST = 100;

describe('the entry', () => {
  let siteverify: Siteverify;
  let service: Service;
  let client: Client;
  beforeAll(async () => {
    siteverify = await Siteverify.start();
    service = await startService({ TURNSTILE_SECRET, TURNSTILE_URL: siteverify.url, ENTRY_RATE_LIMIT: 'off' });
    client = new Client(service.url);
  });
  afterAll(async () => {
    await service.stop();
    await siteverify.stop();
  });

  const user = () => `user-${ulid()}`;
  const enter = (campaign: string, body: object, at = client): Promise<Answer> =>
    at.send('POST', `/api/campaigns/${campaign}/entry`, { body });
  const challengeOf = async (campaign: string, userId: string): Promise<Answer['body']> => {
    const { status, body } = await client.get(`/api/campaigns/${campaign}/challenge?userId=${userId}`);
    expect(status).toBe(200);
    return body;
  };
  const claimWith = (token: string, userId: string, campaign: string): Promise<Answer> =>
    client.claim(userId, campaign, { 'x-entry-token': token });
  const change = (campaign: string, terms: object): Promise<Answer> =>
    client.admin('PATCH', `/api/admin/campaigns/${campaign}`, { body: terms, ifMatch: '*' });
  /** Every api has heard of it. */
  const isRequired = (campaign: string): Promise<unknown> =>
    Promise.all(
      service.urls.map((url) =>
        eventually(async () => {
          expect((await new Client(url).claim(user(), campaign)).body.code).toBe('entry-required');
        }),
      ),
    );
  /** A campaign that begins when every api knows what it asks for. */
  const campaignWith = async (terms: object): Promise<string> => {
    const startsAt = '2099-01-01T00:00Z';
    const campaign = await client.createCampaign(100, { requireEntry: true, startsAt, ...terms });
    await isRequired(campaign);
    await change(campaign, { startsAt: '2020-01-01T00:00Z' });
    return campaign;
  };
  const solved = async (campaign: string, userId: string): Promise<string> => {
    const challenge = (await challengeOf(campaign, userId)) as Challenge;
    const solution = await solveChallenge({ challenge, deriveKey });
    return Buffer.from(JSON.stringify({ challenge, solution })).toString('base64');
  };

  it('is asked for where the campaign requires it, and says where it is', async () => {
    const campaign = await campaignWith({});
    const entry = `/api/campaigns/${campaign}/entry`;
    const { status, headers, body } = await client.claim(user(), campaign);
    expect([status, body.code, body.entry, body.reason]).toEqual([403, 'entry-required', entry, 'missing']);
    expect(headers.get('link')).toBe(`<${entry}>; rel="urn:coupon:relation:entry"`);
    const [alice, bob] = [user(), user()];
    const { status: created, body: given } = await enter(campaign, { userId: alice });
    expect(created).toBe(201);
    expect(Date.parse(given.expiresAt) - Date.parse(given.notBefore)).toBe(3_600_000);
    expect((await claimWith(given.token, bob, campaign)).body).toMatchObject({
      code: 'entry-required',
      reason: 'invalid',
    });
    expect((await claimWith(`${given.token}x`, alice, campaign)).body.reason).toBe('invalid');
    expect((await claimWith(given.token, alice, campaign)).status).toBe(202);
    expect((await claimWith(given.token, alice, campaign)).body.code).toBe('already-claimed');
    const other = await campaignWith({});
    expect((await claimWith(given.token, alice, other)).body.reason).toBe('invalid');
    const { gate } = await client.audit(other);
    expect(gate).toBe(0);
  });

  it('is asked for everywhere within a second of the change, and no longer after the next one', async () => {
    const campaign = await client.createCampaign(100);
    expect((await client.claim(user(), campaign)).status).toBe(202);
    const { body } = await change(campaign, { requireEntry: true, challenge: 'proof-of-work', challengeCost: COST });
    expect(body).toMatchObject({ requireEntry: true, challenge: 'proof-of-work', challengeCost: COST, version: 2 });
    await isRequired(campaign);
    expect((await change(campaign, { requireEntry: false })).body.requireEntry).toBe(false);
    await Promise.all(
      service.urls.map((url) =>
        eventually(async () => expect((await new Client(url).claim(user(), campaign)).status).toBe(202)),
      ),
    );
  });

  it('is open to who has done the work, with the solver of ALTCHA, and to no other user with that proof', async () => {
    const campaign = await campaignWith({ challenge: 'proof-of-work', challengeCost: COST });
    const [alice, bob] = [user(), user()];
    const { status, body } = await enter(campaign, { userId: alice });
    const challenge = `/api/campaigns/${campaign}/challenge`;
    expect([status, body.code, body.challenge]).toEqual([403, 'challenge-failed', challenge]);
    const answer = await solved(campaign, alice);
    expect((await enter(campaign, { userId: bob, answer })).body.code).toBe('challenge-failed');
    const given = await enter(campaign, { userId: alice, answer });
    expect(given.status).toBe(201);
    expect((await claimWith(given.body.token, alice, campaign)).status).toBe(202);
  });

  it('is open to who has passed Turnstile, once a token', async () => {
    const campaign = await campaignWith({ challenge: 'turnstile' });
    const alice = user();
    const widget = await challengeOf(campaign, alice);
    const answer = siteverify.pass(widget);
    const given = await enter(campaign, { userId: alice, answer });
    expect(given.status).toBe(201);
    expect((await claimWith(given.body.token, alice, campaign)).status).toBe(202);
    expect((await enter(campaign, { userId: alice, answer })).body.code).toBe('challenge-failed');
    expect((await enter(campaign, { userId: user(), answer: siteverify.pass(widget) })).body.code).toBe(
      'challenge-failed',
    );
  });

  it('is closed with a code of its own while Turnstile does not answer', async () => {
    const campaign = await campaignWith({ challenge: 'turnstile' });
    const alice = user();
    const answer = siteverify.pass(await challengeOf(campaign, alice));
    siteverify.mode = 'breaks';
    const { status, headers, body } = await enter(campaign, { userId: alice, answer });
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'challenge-unavailable', '2']);
    siteverify.mode = 'works';
    expect((await enter(campaign, { userId: alice, answer })).status).toBe(201);
  });

  it('refuses a token from before the campaign asked for a challenge', async () => {
    const campaign = await campaignWith({});
    const alice = user();
    const { token } = (await enter(campaign, { userId: alice })).body;
    await change(campaign, { challenge: 'proof-of-work', challengeCost: COST });
    for (const url of service.urls) {
      const api = new Client(url);
      await eventually(async () => expect((await enter(campaign, { userId: user() }, api)).status).toBe(403));
      const { body } = await api.claim(alice, campaign, { 'x-entry-token': token });
      expect(body.reason).toBe('invalid');
    }
  });

  it('exists for stored campaigns alone, and counts what became of its calls', async () => {
    expect((await enter('nothing-here', { userId: 'u' })).body.code).toBe('campaign-not-found');
    expect((await client.get('/api/campaigns/nothing-here/challenge?userId=u')).body.code).toBe('campaign-not-found');
    expect((await challengeOf('default', 'u')).challenge).toBe('none');
    const { body } = await client.get('/metrics');
    for (const outcome of ['admitted', 'failed', 'unavailable']) {
      expect(body).toMatch(new RegExp(`^coupon_entries_total\\{outcome="${outcome}"\\} [1-9]`, 'm'));
    }
    expect(body).toMatch(/^coupon_claims_total\{campaign="[^"]+",outcome="entry_required"\} [1-9]/m);
  });
});

describe('the entry of a service', () => {
  it('without TURNSTILE_SECRET has no campaign with Turnstile', async () => {
    const service = await startService();
    const client = new Client(service.url);
    const terms = { name: 'n', total: 1, challenge: 'turnstile' };
    const made = await client.admin('POST', '/api/admin/campaigns', { body: terms });
    const { challenge } = terms;
    const changed = await client.admin('PATCH', '/api/admin/campaigns/default', { body: { challenge }, ifMatch: '*' });
    await service.stop();
    for (const { status, body } of [made, changed]) {
      expect([status, body.code]).toEqual([400, 'validation-failed']);
      expect(body.errors).toMatchObject([
        { in: 'body', pointer: '/challenge', detail: expect.stringContaining('TURNSTILE_SECRET') },
      ]);
    }
  });

  it('with CHALLENGE_FAIL=open lets in who has an answer while Turnstile is away, and says so in the metrics', async () => {
    const siteverify = await Siteverify.start();
    const service = await startService({ TURNSTILE_SECRET, TURNSTILE_URL: siteverify.url, CHALLENGE_FAIL: 'open' });
    const client = new Client(service.url);
    try {
      const campaign = await client.createCampaign(10, { challenge: 'turnstile' });
      const enter = (body: object) => client.send('POST', `/api/campaigns/${campaign}/entry`, { body });
      siteverify.mode = 'breaks';
      const { status, body } = await enter({ userId: 'u1', answer: 'any' });
      expect(status).toBe(201);
      // It says that the challenge was passed, also when Turnstile judges again.
      expect(Date.parse(body.expiresAt) - Date.parse(body.notBefore)).toBe(600_000);
      expect((await enter({ userId: 'u1' })).body.code).toBe('challenge-failed');
      siteverify.mode = 'throttles';
      expect((await enter({ userId: 'u1', answer: 'any' })).body.code).toBe('busy');
      siteverify.mode = 'works';
      expect((await enter({ userId: 'u1', answer: 'any' })).body.code).toBe('challenge-failed');
      expect((await client.get('/metrics')).body).toMatch(/^coupon_entries_total\{outcome="unchecked"\} 1/m);
    } finally {
      await service.stop();
      await siteverify.stop();
    }
  });

  it('is for the user of the key’s choice with IDENTITY=key, and for nobody without one', async () => {
    const service = await startService({ IDENTITY: 'key' });
    const client = new Client(service.url);
    const paths = ['/api/campaigns/default/entry', '/api/campaigns/default/challenge?userId=u'];
    const call = (path: string, headers: Record<string, string> = {}) =>
      path.endsWith('entry')
        ? client.send('POST', path, { body: { userId: 'u' }, headers })
        : client.send('GET', path, { headers });
    try {
      const keyOf = async (role: string): Promise<string> =>
        (await client.admin('POST', '/api/admin/keys', { body: { name: role, role } })).body.key;
      const [issuer, viewer] = [await keyOf('issuer'), await keyOf('viewer')];
      for (const path of paths) {
        expect((await call(path)).status).toBe(401);
        expect((await call(path, { authorization: `Bearer ${viewer}` })).body.code).toBe('role-not-allowed');
        expect((await call(path, { authorization: `Bearer ${issuer}` })).status).toBeLessThan(300);
      }
      const unnamed = { headers: { authorization: `Bearer ${issuer}` } };
      const noUser = [
        await client.send('POST', '/api/campaigns/default/entry', { ...unnamed, body: {} }),
        await client.send('GET', '/api/campaigns/default/challenge', unnamed),
      ];
      expect(noUser.map(({ status, body }) => [status, body.errors[0].in, body.errors[0].pointer])).toEqual([
        [400, 'body', '/userId'],
        [400, 'query', '/userId'],
      ]);
    } finally {
      await service.stop();
    }
  });

  it('is limited per address: an IPv6 network counts as one', async () => {
    const service = await startService({ ENTRY_RATE_LIMIT: '2/1h', TRUST_PROXY: '1' });
    const client = new Client(service.url);
    const enter = (address: string) =>
      client.send('POST', '/api/campaigns/default/entry', {
        body: { userId: 'u' },
        headers: { 'x-forwarded-for': address },
      });
    try {
      for (const address of ['2001:db8::1', '2001:db8::2']) expect((await enter(address)).status).toBe(201);
      const { status, headers, body } = await enter('2001:db8::3');
      expect([status, headers.get('content-type'), body.code]).toEqual([
        429,
        'application/problem+json',
        'too-many-requests',
      ]);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(3_000);
      expect([...headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
      expect((await enter('2001:db8:0:1::1')).status).toBe(201);
      expect((await enter('192.0.2.1')).status).toBe(201);
      // Neither claims nor other reads are limited.
      const other = { 'x-forwarded-for': '2001:db8::3' };
      expect((await client.get('/api/campaigns/default', other)).status).toBe(200);
      expect((await client.claim('u', 'default', other)).status).toBe(202);
      expect((await client.get('/api/campaigns/default/challenge?userId=u', other)).status).toBe(200);
    } finally {
      await service.stop();
    }
  });
});

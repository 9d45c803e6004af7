import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { type KeyRole } from '../../src/platform/identity/key-role.js';
import { type Answer, Client, inParallel, tally } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const CODE = /^\S{12,}$/;

let service: Service;
let client: Client;

async function start(env: Record<string, string>): Promise<void> {
  service = await startService(env);
  client = new Client(...service.urls);
}

/** A header with a new key of the role. */
async function keyOf(role: KeyRole): Promise<Record<string, string>> {
  const { body } = await client.admin('POST', '/api/admin/keys', { body: { name: `a ${role}`, role } });
  return { authorization: `Bearer ${body.key as string}` };
}

const statusOf = (campaign: string, user: string, headers: Record<string, string> = {}): Promise<Answer> =>
  client.get(`/api/campaigns/${campaign}/claims/${user}`, headers);
const couponsOf = (user: string, headers: Record<string, string> = {}): Promise<Answer> =>
  client.get(`/api/users/${user}/coupons`, headers);

const issued = (campaign: string, user: string, headers: Record<string, string> = {}): Promise<Answer> =>
  eventually(async () => {
    const answer = await statusOf(campaign, user, headers);
    expect(answer.body.status).toBe('ISSUED');
    return answer;
  });

const word = ({ status, body }: Answer): string => `${status} ${body.code ?? ''}`.trim();

describe('callers with IDENTITY=open', () => {
  let campaign: string;

  beforeAll(async () => {
    await start({});
    campaign = await client.createCampaign(1_000);
  });
  afterAll(() => service.stop());

  it('who guess the user of a claim get neither its id nor its code', async () => {
    const users = Array.from({ length: 50 }, (_, index) => `guessed-${index}`);
    await inParallel(users, 10, async (user) => expect((await client.claim(user, campaign)).status).toBe(202));
    for (const user of users) {
      const { body } = await issued(campaign, user);
      expect(Object.keys(body).sort()).toEqual(['claimedAt', 'issuedAt', 'sequence', 'status']);
      const { items } = (await couponsOf(user)).body;
      expect(Object.keys(items[0]).sort()).toEqual(['campaignId', 'issuedAt', 'sequence']);
      const again = await client.apply(user, campaign);
      expect(Object.keys(again.body.claim).sort()).toEqual(['campaignId', 'claimedAt', 'sequence']);
    }
  });

  it('who got the 202 prove the claim by its id, and only that claim', async () => {
    const { claimId } = (await client.claim('winner', campaign)).body;
    const other = (await client.claim('other', campaign)).body.claimId as string;
    const proof = { 'x-claim-id': claimId as string };
    expect((await issued(campaign, 'winner', proof)).body).toMatchObject({
      claimId,
      code: expect.stringMatching(CODE),
    });
    for (const wrong of [other, '', claimId.toLowerCase(), `${claimId} `.repeat(2), 'é'.repeat(26)]) {
      const { body } = await statusOf(campaign, 'winner', { 'x-claim-id': Buffer.from(wrong).toString('latin1') });
      expect([body.claimId, body.code]).toEqual([undefined, undefined]);
    }
    expect(word(await statusOf(campaign, 'nobody', proof))).toBe('404 claim-not-found');
  });

  it('cannot find the id of a neighbour’s claim from their own', async () => {
    const users = Array.from({ length: 200 }, (_, index) => `neighbour-${index}`);
    const answers = await inParallel(users, 100, (user) => client.claim(user, campaign));
    const parts = answers.map(({ body }) => (body.claimId as string).slice(10, 14));
    expect(new Set(parts).size).toBeGreaterThan(190);
  });

  it('who lost the 202 get it again with the same Idempotency-Key, and so the proof', async () => {
    const key = { 'idempotency-key': '6f2c4c1e-lost' };
    const lost = await client.claim('lost', campaign, key);
    const again = await client.claim('lost', campaign, key);
    expect([again.status, again.body]).toEqual([202, lost.body]);
    const proof = { 'x-claim-id': again.body.claimId as string };
    expect((await issued(campaign, 'lost', proof)).body.code).toMatch(CODE);
  });

  it('see codes and ids by their role', async () => {
    await client.claim('of-roles', campaign);
    await issued(campaign, 'of-roles');
    for (const [role, sees] of [
      ['viewer', false],
      ['redeemer', false],
      ['issuer', true],
      ['operator', true],
      ['admin', true],
    ] as const) {
      const headers = await keyOf(role);
      const status = (await statusOf(campaign, 'of-roles', headers)).body;
      const [coupon] = (await couponsOf('of-roles', headers)).body.items;
      expect([role, 'code' in status, 'claimId' in status, 'code' in coupon, 'claimId' in coupon]).toEqual([
        role,
        ...Array(4).fill(sees),
      ]);
    }
  });

  it('may send whatever credential they have to a claim, and only a right one to a read', async () => {
    const wrong = { authorization: 'Bearer not-a-key-of-this-service' };
    expect((await client.claim('with-credential', campaign, wrong)).status).toBe(202);
    const refused = await statusOf(campaign, 'with-credential', wrong);
    expect([word(refused), refused.headers.get('www-authenticate')]).toEqual([
      '401 unauthorized',
      'Bearer realm="coupons", error="invalid_token"',
    ]);
  });

  it('may be called me, like any other name', async () => {
    expect((await client.claim('me', campaign)).status).toBe(202);
    expect((await issued(campaign, 'me')).body.status).toBe('ISSUED');
  });
});

describe('callers with IDENTITY=key', () => {
  let campaign: string;
  let shop: Record<string, string>;

  beforeAll(async () => {
    await start({ IDENTITY: 'key' });
    campaign = await client.createCampaign(1_000);
    shop = await keyOf('issuer');
  });
  afterAll(() => service.stop());

  it('without a credential learn nothing, whatever they ask about', async () => {
    await client.claim('known', campaign, shop);
    for (const answer of [
      await client.apply('known', campaign),
      await client.apply('known', 'no-such-campaign'),
      await statusOf(campaign, 'known'),
      await statusOf(campaign, 'unknown'),
      await statusOf('no-such-campaign', 'known'),
      await statusOf(campaign, 'me'),
      await couponsOf('known'),
    ]) {
      expect([word(answer), answer.headers.get('www-authenticate')]).toEqual([
        '401 unauthorized',
        'Bearer realm="coupons"',
      ]);
    }
    expect((await client.get(`/api/campaigns/${campaign}`)).status).toBe(200);
  });

  it('with an issuer’s key claim for every user, and read all of it', async () => {
    const answer = await client.claim('a', campaign, shop);
    expect(answer.status).toBe(202);
    const { claimId } = answer.body;
    const status = await issued(campaign, 'a', shop);
    expect(status.body).toMatchObject({ claimId, code: expect.stringMatching(CODE) });
    const { items } = (await couponsOf('a', shop)).body;
    expect(items).toEqual([expect.objectContaining({ claimId, code: status.body.code })]);
    const again = await client.apply('a', campaign, shop);
    expect(word(again)).toBe('409 already-claimed');
    expect(again.body.claim).toMatchObject({ claimId: expect.stringMatching(ULID) });
    expect(again.headers.get('location')).toBe(`/api/campaigns/${campaign}/claims/a`);
    expect((await client.claim('b', campaign, shop)).status).toBe(202);
  });

  it('issue exactly what there is under one key', async () => {
    const small = await client.createCampaign(20);
    const users = Array.from({ length: 200 }, (_, index) => `crowd-${index}`);
    const answers = await inParallel(users, 100, (user) => client.claim(user, small, shop));
    expect(tally(answers.map(word))).toEqual({ '202': 20, '409 sold-out': 180 });
  });

  it('claim by no other role, and read by the roles of operators', async () => {
    await client.claim('of-roles', campaign, shop);
    await issued(campaign, 'of-roles', shop);
    for (const role of ['viewer', 'operator', 'admin', 'redeemer'] as const) {
      const headers = await keyOf(role);
      const claim = await client.apply('c', campaign, headers);
      expect([role, word(claim), claim.body.neededRole]).toEqual([role, '403 role-not-allowed', 'issuer']);
      const status = await statusOf(campaign, 'of-roles', headers);
      const coupons = await couponsOf('of-roles', headers);
      if (role === 'redeemer') {
        expect([word(status), word(coupons)]).toEqual(['403 role-not-allowed', '403 role-not-allowed']);
        expect(word(await statusOf(campaign, 'unknown', headers))).toBe('403 role-not-allowed');
      } else {
        const [coupon] = coupons.body.items;
        const seen = [status.body.claimId, coupon.claimId, 'code' in status.body, 'code' in coupon];
        const [id, codes] = [expect.stringMatching(ULID), role !== 'viewer'];
        expect([role, ...seen]).toEqual([role, id, id, codes, codes]);
      }
    }
    expect(word(await client.admin('POST', '/api/coupons/apply', { body: { userId: 'c' } }))).toBe(
      '403 role-not-allowed',
    );
  });

  it('do not prove a claim by its id', async () => {
    const { claimId } = (await client.claim('proved', campaign, shop)).body;
    await issued(campaign, 'proved', shop);
    const proof = { 'x-claim-id': claimId as string };
    expect(word(await statusOf(campaign, 'proved', proof))).toBe('401 unauthorized');
    expect((await statusOf(campaign, 'proved', { ...(await keyOf('viewer')), ...proof })).body.code).toBeUndefined();
  });

  it('are no users, so me stands for nobody', async () => {
    for (const answer of [
      await statusOf(campaign, 'me', shop),
      await couponsOf('me', shop),
      await client.apply('me', campaign, shop),
    ]) {
      expect(word(answer)).toBe('400 validation-failed');
      expect(answer.body.errors).toMatchObject([{ pointer: '/userId', detail: expect.stringContaining('me') }]);
    }
  });

  it('have to name a user', async () => {
    const answer = await client.send('POST', '/api/coupons/apply', { body: {}, headers: shop });
    expect(word(answer)).toBe('400 validation-failed');
    expect(answer.body.errors).toMatchObject([{ in: 'body', pointer: '/userId' }]);
  });

  it('are refused within 5 s after their key was revoked, by every process', async () => {
    const headers = await keyOf('issuer');
    const id = (headers['authorization'] ?? '').split('_')[2] as string;
    expect((await client.claim('before', campaign, headers)).status).toBe(202);
    expect((await client.admin('DELETE', `/api/admin/keys/${id}`)).status).toBe(200);
    await inParallel(service.urls, 2, (url) =>
      eventually(async () => {
        expect(word(await new Client(url).apply('after', campaign, headers))).toBe('401 unauthorized');
      }, 10_000),
    );
    expect(word(await client.apply('still', campaign, shop))).toBe('202');
  });

  it('are slowed when they guess keys, and a key that was right before goes on', async () => {
    const guess = () => client.apply('guess', campaign, { authorization: `Bearer cpn_issuer_${'0'.repeat(70)}` });
    await eventually(async () => expect(word(await guess())).toBe('429 too-many-requests'));
    expect((await client.claim('goes-on', campaign, shop)).status).toBe(202);
  });

  it('are told by the document what each call needs', async () => {
    const { paths, components } = (await client.get('/docs-json')).body;
    const claim = paths['/api/coupons/apply'].post;
    const status = paths['/api/campaigns/{campaignId}/claims/{userId}'].get;
    const coupons = paths['/api/users/{userId}/coupons'].get;
    expect(claim.security).toEqual([{ issuer: [] }]);
    for (const read of [status, coupons]) expect(read.security).toEqual([{ issuer: [] }, { admin: [] }]);
    expect(Object.keys(components.securitySchemes).sort()).toEqual(['admin', 'issuer', 'session']);
    for (const call of [claim, status, coupons]) {
      expect(Object.keys(call.responses)).toEqual(expect.arrayContaining(['401', '403', '429', '503']));
    }
    expect(status.parameters.map(({ name }: { name?: string }) => name)).not.toContain('X-Claim-Id');
    expect(components.schemas.Application.required).toEqual(['userId']);
    expect(paths['/api/campaigns'].get.security).toBeUndefined();
  });
});

describe('callers with IDENTITY=jwt', () => {
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let directory: string;
  let campaign: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-callers-'));
    const file = join(directory, 'issuer.pem');
    writeFileSync(file, issuer.publicKey.export({ type: 'spki', format: 'pem' }));
    await start({
      IDENTITY: 'jwt',
      JWT_ISSUER: 'https://login.example',
      JWT_AUDIENCE: 'coupons',
      JWT_PUBLIC_KEY_FILE: file,
      JWT_ROLE_CLAIM: 'role',
      // The callers of this test press as often as they like.
      RATE_LIMIT_USER: 'off',
    });
    campaign = await client.createCampaign(1_000);
  });
  afterAll(async () => {
    await service.stop();
    rmSync(directory, { recursive: true });
  });

  /** A header with a token of the user; by default of the issuer, and for five minutes. */
  const as = async (
    user: string,
    {
      claims = {},
      key = issuer.privateKey,
      expires = '5m',
    }: { claims?: object; key?: KeyObject; expires?: string } = {},
  ): Promise<Record<string, string>> => {
    const token = await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
      .setIssuer('https://login.example')
      .setAudience('coupons')
      .setSubject(user)
      .setIssuedAt('-1h')
      .setExpirationTime(expires)
      .sign(key);
    return { authorization: `Bearer ${token}` };
  };
  const apply = (headers: Record<string, string>, body: object = {}): Promise<Answer> =>
    client.send('POST', '/api/coupons/apply', { body: { campaignId: campaign, ...body }, headers });

  it('claim for the user of their token, who need not be named, and for no other', async () => {
    const kim = await as('auth0|kim');
    for (const userId of ['auth0|lee', 'AUTH0|kim', 'me', 1]) {
      expect(word(await apply(kim, { userId }))).toBe('403 not-your-user');
    }
    const answer = await apply(kim);
    expect(answer.status).toBe(202);
    const again = await apply(kim, { userId: 'auth0|kim' });
    expect([word(again), again.body.claim.claimId]).toEqual(['409 already-claimed', answer.body.claimId]);
    expect((await client.audit(campaign)).gate).toBe(1);
  });

  it('read about themselves by name or as me, with codes, and about nobody else', async () => {
    const [reader, other] = [await as('reader'), await as('other')];
    const { claimId } = (await apply(reader)).body;
    await apply(other);
    const own = await issued(campaign, 'me', reader);
    expect(own.body).toMatchObject({ claimId, code: expect.stringMatching(CODE) });
    expect((await statusOf(campaign, 'reader', reader)).body).toEqual(own.body);
    for (const user of ['me', 'reader']) {
      expect((await couponsOf(user, reader)).body.items).toEqual([
        expect.objectContaining({ claimId, code: own.body.code }),
      ]);
    }
    const refused = [
      await statusOf(campaign, 'other', reader),
      await statusOf(campaign, 'never-claimed', reader),
      await statusOf('no-such-campaign', 'other', reader),
      await statusOf(campaign, 'other', { ...reader, 'x-claim-id': claimId as string }),
      await couponsOf('other', reader),
      await couponsOf('never-claimed', reader),
    ];
    expect(tally(refused.map(word))).toEqual({ '403 not-your-user': refused.length });
    // Nothing in the answer tells one from the other.
    const bodies = refused.slice(0, 2).map(({ body }) => ({ ...body, instance: '', requestId: '' }));
    expect(bodies[0]).toEqual(bodies[1]);
  });

  it('are refused without a token, with a wrong one and with an old one, and never locked out for it', async () => {
    const wrong: [string, Record<string, string>][] = [
      ['a stranger’s', await as('kim', { key: stranger.privateKey })],
      ['an old one', await as('kim', { expires: '-5m' })],
      ['half of one', { authorization: ((await as('kim'))['authorization'] ?? '').slice(0, -20) }],
    ];
    for (const [what, headers] of wrong) {
      for (let count = 0; count < 12; count++) {
        const answer = count % 2 === 0 ? await apply(headers) : await statusOf(campaign, 'me', headers);
        expect([what, word(answer), answer.headers.get('www-authenticate')]).toEqual([
          what,
          '401 unauthorized',
          'Bearer realm="coupons", error="invalid_token"',
        ]);
      }
    }
    const absent = await apply({});
    expect([word(absent), absent.headers.get('www-authenticate')]).toEqual([
      '401 unauthorized',
      'Bearer realm="coupons"',
    ]);
    expect(word(await apply(await as('a user')))).toBe('403 user-not-usable');
    expect((await apply(await as('not-locked-out'))).status).toBe(202);
    // A key that this process has not seen before is looked at, too.
    expect((await apply(await keyOf('issuer'), { userId: 'by-the-shop' })).status).toBe(202);
    expect((await client.get('/metrics')).body).toMatch(/^coupon_admin_refusals_total\{reason="wrong_token"\} 0$/m);
  });

  it('may be a shop’s server, which names the user', async () => {
    const shop = await keyOf('issuer');
    expect(word(await apply(shop))).toBe('400 validation-failed');
    expect((await apply(shop, { userId: 'customer' })).status).toBe(202);
    expect((await issued(campaign, 'customer', shop)).body.code).toMatch(CODE);
    expect((await statusOf(campaign, 'me', await as('customer'))).body.status).toBe('ISSUED');
    expect(word(await statusOf(campaign, 'me', shop))).toBe('400 validation-failed');
  });

  it('may be operators by a role in their token, who stay users in what they claim', async () => {
    await apply(await as('watched'));
    await issued(campaign, 'me', await as('watched'));
    const [operator, viewer] = [
      await as('op', { claims: { role: 'operator' } }),
      await as('vi', { claims: { role: 'viewer' } }),
    ];
    expect((await statusOf(campaign, 'watched', operator)).body.code).toMatch(CODE);
    const seen = (await statusOf(campaign, 'watched', viewer)).body;
    expect([seen.claimId, seen.code]).toEqual([expect.stringMatching(ULID), undefined]);
    expect(word(await apply(operator, { userId: 'watched' }))).toBe('403 not-your-user');
    expect((await apply(viewer)).status).toBe(202);
    expect((await issued(campaign, 'me', viewer)).body.code).toMatch(CODE);
  });

  it('issue exactly what there is to tokens of which each is new', async () => {
    const small = await client.createCampaign(20);
    const tokens = await Promise.all(Array.from({ length: 100 }, (_, index) => as(`crowd-${index}`)));
    const press = (headers: Record<string, string>) =>
      client.send('POST', '/api/coupons/apply', { body: { campaignId: small }, headers });
    const answers = await inParallel([...tokens, ...tokens], 50, press);
    expect(tally(answers.map(word))).toMatchObject({ '202': 20, '409 already-claimed': 20, '409 sold-out': 160 });
  });

  it('are told by the document what each call needs', async () => {
    const { paths, components } = (await client.get('/docs-json')).body;
    expect(paths['/api/coupons/apply'].post.security).toEqual([{ user: [] }, { issuer: [] }]);
    for (const path of ['/api/campaigns/{campaignId}/claims/{userId}', '/api/users/{userId}/coupons']) {
      const { security, responses } = paths[path].get;
      expect(security).toEqual([{ user: [] }, { issuer: [] }, { admin: [] }]);
      const codes = Object.keys(responses['403'].content['application/problem+json'].examples);
      expect(codes.sort()).toEqual(['not-your-user', 'role-not-allowed', 'user-not-usable']);
    }
    expect(components.securitySchemes.user).toMatchObject({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
    expect(components.schemas.Application.required).toBeUndefined();
  });
});

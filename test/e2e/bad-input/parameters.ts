import { describe, expect, it } from '@jest/globals';
import { refused } from '../../support/refusal.js';
import { APPLY, client, invalid, JSON_TYPE, post, refusedAt, send, service, TOKEN } from './fixture.js';

export function describeParameters(): void {
  describe('a user id', () => {
    it.each([
      ['missing', {}],
      ['empty', { userId: '' }],
      ['of 129 characters', { userId: 'u'.repeat(129) }],
      ['of one dot', { userId: '.' }],
      ['of two dots', { userId: '..' }],
      ['with a space', { userId: 'a b' }],
      ['with a space at its end', { userId: 'alice ' }],
      ['with an accent', { userId: 'álice' }],
      ['in Korean', { userId: '사용자' }],
      ['in full-width letters', { userId: 'ａｌｉｃｅ' }],
      ['with an emoji', { userId: '🎟' }],
      ['with a NUL', { userId: 'a\u0000' }],
      ['with a line break', { userId: 'a\n' }],
      ['with a slash', { userId: 'a/b' }],
      ['with a percent sign', { userId: 'a%7Cb' }],
      ['with a comma', { userId: 'a,b' }],
      ['with an ampersand', { userId: 'a&b' }],
      ['with a brace', { userId: '{a}' }],
      ['with a quote', { userId: "a'--" }],
      ['negative', { userId: -1 }],
      ['fractional', { userId: 1.5 }],
      ['of 2^53', { userId: 2 ** 53 }],
      ['of 10^300', { userId: 1e300 }],
      ['true', { userId: true }],
      ['false', { userId: false }],
      ['null', { userId: null }],
      ['an array', { userId: ['a'] }],
      ['an object', { userId: { a: 1 } }],
    ])('%s is refused', async (_what, body) => {
      invalid(APPLY, await post(APPLY, body), ['/userId']);
    });

    it('beyond every number is refused', async () => {
      const response = await send('POST', APPLY, { headers: JSON_TYPE, body: '{"userId":1e999}' });
      invalid(APPLY, response, ['/userId']);
    });

    it.each(['a%20b', 'u'.repeat(129), '%EC%82%AC', '%00', 'a,b', 'a;b', 'a%3Bb', 'a%257Cb'])(
      'in a path is refused as %s',
      async (user) => {
        const coupons = `/api/users/${user}/coupons`;
        invalid(coupons, await send('GET', coupons), ['/userId'], 'path');
        const claim = `/api/campaigns/default/claims/${user}`;
        invalid(claim, await send('GET', claim), ['/userId'], 'path');
      },
    );
  });

  describe('a campaign id', () => {
    const malformed = ['', 'c'.repeat(27), 'a b', 'a_b', '__proto__', 'a/b', 'a.b', '한', '{x}'];

    it.each([...malformed, 5, true, null, ['default'], {}])('%j is refused', async (campaignId) => {
      invalid(APPLY, await post(APPLY, { userId: 'a', campaignId }), ['/campaignId']);
    });

    // An escaped slash is refused before it can be taken for a part of an id.
    it.each(malformed.filter((id) => id !== '' && id !== 'a/b'))('in a path is refused as %j', async (id) => {
      for (const [method, path, headers] of [
        ['GET', `/api/campaigns/${encodeURIComponent(id)}`, {}],
        ['GET', `/api/campaigns/${encodeURIComponent(id)}/claims/a`, {}],
        ['GET', `/api/admin/campaigns/${encodeURIComponent(id)}/audit`, TOKEN],
        ['POST', `/api/admin/campaigns/${encodeURIComponent(id)}/pause`, TOKEN],
      ] as const) {
        invalid(path, await send(method, path, { headers }), ['/campaignId'], 'path');
      }
    });

    it.each(['nothing', 'DEFAULT', 'Default', 'constructor', 'toString', '01ARZ3NDEKTSV4RRFFQ69G5FAV'])(
      'that does not exist, such as %s, is not found',
      async (id) => {
        refusedAt(APPLY, await post(APPLY, { userId: 'a', campaignId: id }), 404, 'campaign-not-found');
        for (const path of [`/api/campaigns/${id}`, `/api/campaigns/${id}/claims/a`]) {
          refusedAt(path, await send('GET', path), 404, 'campaign-not-found');
        }
        const admin = `/api/admin/campaigns/${id}`;
        refusedAt(`${admin}/audit`, await send('GET', `${admin}/audit`, { headers: TOKEN }), 404, 'campaign-not-found');
        for (const action of ['pause', 'resume', 'close']) {
          const path = `${admin}/${action}`;
          refusedAt(path, await send('POST', path, { headers: TOKEN }), 404, 'campaign-not-found');
        }
        const patched = await send('PATCH', admin, {
          headers: { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' },
          body: '{"total":1}',
        });
        refusedAt(admin, patched, 404, 'campaign-not-found');
      },
    );
  });

  describe('a path', () => {
    it.each([
      '/index.html',
      '/api',
      '/api/coupons',
      '/api/coupons/apply//',
      '/api/coupons/apply/more',
      '/API/coupons/apply',
      '//api/coupons/apply',
      '/api/campaigns//',
      '/api/campaigns//claims/a',
      '/api/campaigns/default/claims',
      '/api/campaigns/default/claims/',
      '/api/campaigns/default/claims//',
      '/api/admin',
      '/api/admin/campaigns/default/open',
      '/.env',
      '/__proto__',
      '/constructor',
      '/health',
      '/favicon.ico',
    ])('%s is nowhere', async (path) => {
      refusedAt(path, await send('GET', path), 404, 'not-found');
      refusedAt(path, await post(path, { userId: 'a' }), 404, 'not-found');
    });

    it.each([
      ['GET', APPLY, 'POST'],
      ['PUT', APPLY, 'POST'],
      ['PATCH', APPLY, 'POST'],
      ['DELETE', APPLY, 'POST'],
      ['OPTIONS', APPLY, 'POST'],
      ['POST', '/api/campaigns', 'GET, HEAD'],
      ['DELETE', '/api/campaigns/default', 'GET, HEAD'],
      ['POST', '/api/campaigns/default/claims/a', 'GET, HEAD'],
      ['DELETE', '/api/users/a/coupons', 'GET, HEAD'],
      ['DELETE', '/api/admin/campaigns', 'GET, HEAD, POST'],
      ['PUT', '/api/admin/campaigns/default', 'GET, HEAD, PATCH, DELETE'],
      ['GET', '/api/admin/campaigns/default/close', 'POST'],
      ['PUT', '/api/admin/campaigns/default/audit', 'GET, HEAD'],
      ['POST', '/api/admin/failed-events', 'GET, HEAD'],
      ['GET', '/api/admin/failed-events/1/discard', 'POST'],
      ['GET', '/api/admin/failed-events/discard', 'POST'],
      ['GET', '/api/admin/failed-events/requeue', 'POST'],
      ['POST', '/health/live', 'GET, HEAD'],
      ['DELETE', '/health/ready', 'GET, HEAD'],
      ['PUT', '/metrics', 'GET, HEAD'],
    ])('does not answer %s %s, and says what it answers', async (method, path, allow) => {
      const response = await send(method, path, method === 'GET' ? {} : { headers: JSON_TYPE, body: '{"userId":"a"}' });
      refusedAt(path, response, 405, 'method-not-allowed');
      expect(response.headers.allow).toBe(allow);
    });

    it.each(['/api/users/%ZZ/coupons', '/%', '/api/campaigns/%C3%28', '/api/campaigns/%E0%80%80'])(
      'that cannot be decoded, such as %s, is a bad request',
      async (path) => {
        refusedAt(path, await send('GET', path), 400, 'bad-request');
      },
    );

    it('is repeated without its query, which may hold a secret', async () => {
      const response = await send('GET', '/nowhere?token=very-secret');
      expect(refused(response, 404, 'not-found').instance).toBe('/nowhere');
      expect(response.body).not.toContain('secret');
    });

    it('answers HEAD as GET, without a body', async () => {
      for (const [path, status] of [
        ['/api/campaigns', 200],
        ['/api/campaigns/default', 200],
        ['/health/live', 200],
        ['/health/ready', 200],
        ['/metrics', 200],
        ['/docs-json', 200],
        ['/api/campaigns/nothing', 404],
        ['/nowhere', 404],
        [APPLY, 405],
      ] as const) {
        const response = await fetch(new URL(path, service.url), { method: 'HEAD' });
        expect([path, response.status, await response.text()]).toEqual([path, status, '']);
        if (status >= 400) expect(response.headers.get('content-type')).toBe('application/problem+json');
        if (status === 405) expect(response.headers.get('allow')).toBe('POST');
      }
    });
  });

  describe('a list', () => {
    const lists: [string, Record<string, string>][] = [
      ['/api/campaigns', {}],
      ['/api/users/a/coupons', {}],
      ['/api/admin/failed-events', TOKEN],
    ];

    it.each([
      'limit=0',
      'limit=-1',
      'limit=1001',
      'limit=',
      'limit=x',
      'limit=1.5',
      'limit=1e2',
      'limit=%201',
      'limit=01',
    ])('is not given for %s', async (query) => {
      for (const [path, headers] of lists) {
        invalid(path, await send('GET', `${path}?${query}`, { headers }), ['/limit'], 'query');
      }
    });

    it('is not given for a parameter that comes twice or is unknown', async () => {
      for (const [path, headers] of lists) {
        invalid(path, await send('GET', `${path}?limit=1&limit=1`, { headers }), ['/limit'], 'query');
        invalid(path, await send('GET', `${path}?page=2`, { headers }), ['/page'], 'query');
        invalid(path, await send('GET', `${path}?Limit=2`, { headers }), ['/Limit'], 'query');
        invalid(path, await send('GET', `${path}?constructor=2`, { headers }), ['/constructor'], 'query');
      }
    });

    it('is not given for a property of the prototype', async () => {
      for (const [path, headers] of lists) {
        refusedAt(path, await send('GET', `${path}?__proto__=2`, { headers }), 400, 'validation-failed');
      }
    });

    it.each(['', 'broken', '%00', 'e30', 'bnVsbA', 'LTE', 'MS41', 'MA', 'IjEi', 'MQ==', 'x'.repeat(600)])(
      'is not given for the cursor %j',
      async (cursor) => {
        for (const [path, headers] of lists) {
          refusedAt(path, await send('GET', `${path}?cursor=${cursor}`, { headers }), 400, 'invalid-cursor');
        }
      },
    );

    it('is not given for the cursor of another list', async () => {
      await client.createCampaign(1);
      const { nextCursor } = (await client.get('/api/campaigns?limit=1')).body;
      for (const [path, headers] of lists.slice(1)) {
        refusedAt(path, await send('GET', `${path}?cursor=${nextCursor}`, { headers }), 400, 'invalid-cursor');
      }
    });

    it('of failed events accepts no filter without a meaning', async () => {
      const path = '/api/admin/failed-events';
      for (const [query, pointer] of [
        ['status=LOST', '/status'],
        ['status=dead', '/status'],
        ['status=DEAD&status=PENDING', '/status'],
        ['campaignId=', '/campaignId'],
        ['campaignId=a_b', '/campaignId'],
      ] as const) {
        invalid(path, await send('GET', `${path}?${query}`, { headers: TOKEN }), [pointer], 'query');
      }
    });

    it('is given for the limits 1 and 1,000', async () => {
      for (const [path, headers] of lists) {
        for (const limit of [1, 1_000]) {
          const response = await send('GET', `${path}?limit=${limit}`, { headers });
          expect([response.status, JSON.parse(response.body)]).toMatchObject([200, { items: expect.any(Array) }]);
        }
      }
    });
  });
}

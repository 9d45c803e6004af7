import { beforeAll, describe, expect, it } from '@jest/globals';
import { refused } from '../../support/refusal.js';
import { ADMIN_TOKEN } from '../../support/service.js';
import { at, client, fromAnotherAddress, HOUR, invalid, JSON_TYPE, post, refusedAt, send, TOKEN } from './fixture.js';

export function describeAdminCalls(): void {
  describe('an admin call', () => {
    let campaign: string;
    beforeAll(async () => {
      campaign = await client.createCampaign(10);
    });

    const calls = (): [string, string, string?][] => [
      ['POST', '/api/admin/campaigns', '{"name":"n","total":1}'],
      ['PATCH', `/api/admin/campaigns/${campaign}`, '{"total":1}'],
      ['POST', `/api/admin/campaigns/${campaign}/pause`],
      ['POST', `/api/admin/campaigns/${campaign}/resume`],
      ['POST', `/api/admin/campaigns/${campaign}/close`],
      ['POST', `/api/admin/campaigns/${campaign}/publish`],
      ['DELETE', `/api/admin/campaigns/${campaign}`],
      ['GET', '/api/admin/campaigns'],
      ['GET', `/api/admin/campaigns/${campaign}`],
      ['GET', `/api/admin/campaigns/${campaign}/audit`],
      ['GET', `/api/admin/campaigns/${campaign}/consequences?of=close`],
      ['GET', '/api/admin/failed-events'],
      ['GET', '/api/admin/failed-events/1/message'],
      ['GET', '/api/admin/failed-events/consequences?status=DEAD'],
      ['POST', '/api/admin/failed-events/requeue', '{"status":"DEAD","expected":0}'],
      ['POST', '/api/admin/failed-events/discard', '{"status":"DEAD","expected":0,"reason":"r"}'],
      ['POST', '/api/admin/failed-events/1/requeue'],
      ['POST', '/api/admin/failed-events/1/discard', '{"reason":"r"}'],
      ['POST', '/api/admin/keys', '{"name":"n","role":"viewer"}'],
      ['GET', '/api/admin/keys'],
      ['DELETE', '/api/admin/keys/01KBA0Z9M0Q3V5H8N2R4T6W8YA'],
      ['GET', '/api/admin/audit-log'],
      ['GET', '/api/admin/approvals'],
      ['POST', '/api/admin/approvals/01KBA0Z9M0Q3V5H8N2R4T6W8YB/approve'],
      ['POST', '/api/admin/approvals/01KBA0Z9M0Q3V5H8N2R4T6W8YB/reject'],
    ];

    it.each([
      undefined,
      '',
      'Bearer',
      'Bearer wrong',
      `Bearer ${ADMIN_TOKEN}x`,
      `Bearer ${ADMIN_TOKEN.slice(0, -1)}`,
      `Bearer ${ADMIN_TOKEN.toUpperCase()}`,
      `Bearer x, Bearer ${ADMIN_TOKEN}`,
      `Basic ${Buffer.from(`admin:${ADMIN_TOKEN}`).toString('base64')}`,
      ADMIN_TOKEN,
    ])('with the credentials %j is refused everywhere', async (authorization) => {
      const credentials: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
      for (const [method, path, body] of calls()) {
        const headers = {
          ...credentials,
          ...fromAnotherAddress(),
          'If-Match': '*',
          ...(body === undefined ? {} : JSON_TYPE),
        };
        const response = await send(method, path, { headers, ...(body === undefined ? {} : { body }) });
        refusedAt(path, response, 401, 'unauthorized');
        expect(response.headers['www-authenticate']).toMatch(/^Bearer realm=/);
      }
      expect((await client.get(`/api/campaigns/${campaign}`)).body).toMatchObject({ state: 'OPEN', version: 1 });
    });

    it('for the codes of a user needs the right token, if any', async () => {
      const path = '/api/users/a/coupons';
      const response = await send('GET', path, { headers: { Authorization: 'Bearer wrong', ...fromAnotherAddress() } });
      refusedAt(path, response, 401, 'unauthorized');
      expect((await send('GET', path)).status).toBe(200);
    });

    it('without a token does not learn what is wrong with its body', async () => {
      const response = await post('/api/admin/campaigns', { total: 0 });
      expect(refused(response, 401, 'unauthorized').errors).toBeUndefined();
    });

    describe('with a body', () => {
      const wrong: [string, Record<string, unknown>, string][] = [
        ['total 0', { total: 0 }, '/total'],
        ['total -1', { total: -1 }, '/total'],
        ['total 1.5', { total: 1.5 }, '/total'],
        ['total "100"', { total: '100' }, '/total'],
        ['total over ten million', { total: 10_000_001 }, '/total'],
        ['total 2^53', { total: 2 ** 53 }, '/total'],
        ['total null', { total: null }, '/total'],
        ['total true', { total: true }, '/total'],
        ['an end before the start', { startsAt: at(HOUR), endsAt: at(0) }, '/endsAt'],
        ['an end at the start', { startsAt: '2099-01-01T00:00:00Z', endsAt: '2099-01-01T09:00:00+09:00' }, '/endsAt'],
        ['30 February', { startsAt: '2026-02-30T00:00:00Z' }, '/startsAt'],
        ['29 February of a common year', { startsAt: '2027-02-29T00:00:00Z' }, '/startsAt'],
        ['month 13', { startsAt: '2026-13-01T00:00:00Z' }, '/startsAt'],
        ['hour 25', { endsAt: '2099-01-01T25:00:00Z' }, '/endsAt'],
        ['no time zone', { startsAt: '2026-03-01T00:00:00' }, '/startsAt'],
        ['a day alone', { startsAt: '2026-03-01' }, '/startsAt'],
        ['a number as an instant', { startsAt: 1_800_000_000_000 }, '/startsAt'],
        ['a year before 1970', { startsAt: '1969-12-31T23:59:59Z' }, '/startsAt'],
        ['a state that is no draft', { state: 'CLOSED' }, '/state'],
        ['an empty name', { name: '' }, '/name'],
        ['a blank name', { name: '   ' }, '/name'],
        ['a name of 201 characters', { name: '가'.repeat(201) }, '/name'],
        ['a control character', { name: 'a\u0007b' }, '/name'],
        ['a line break', { name: 'a\nb' }, '/name'],
        ['a bidirectional character', { name: 'a\u202eb' }, '/name'],
        ['a bidirectional isolate', { name: 'a\u2067b' }, '/name'],
        ['nothing to see', { name: '\u200b\u3164' }, '/name'],
        ['a hidden message', { name: `sale${String.fromCodePoint(0xe0041, 0xe0042)}` }, '/name'],
        ['half a surrogate pair', { name: 'a\ud800' }, '/name'],
        ['a number as its name', { name: 5 }, '/name'],
        ['null as its name', { name: null }, '/name'],
        ['a property that nobody knows', { colour: 'red' }, '/colour'],
        ['an id', { id: 'mine' }, '/id'],
        ['a counter', { issued: 5 }, '/issued'],
      ];

      it.each(wrong)('of %s makes no campaign and changes none', async (_what, change, pointer) => {
        const made = await post('/api/admin/campaigns', { name: 'n', total: 1, ...change }, TOKEN);
        invalid('/api/admin/campaigns', made, [pointer]);
        const path = `/api/admin/campaigns/${campaign}`;
        const headers = { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' };
        invalid(path, await send('PATCH', path, { headers, body: JSON.stringify(change) }), [pointer]);
        expect((await client.get(`/api/campaigns/${campaign}`)).body).toMatchObject({ total: 10, version: 1 });
      });

      it('without what is needed is refused', async () => {
        const path = '/api/admin/campaigns';
        invalid(path, await post(path, {}, TOKEN), ['/name', '/total']);
        invalid(path, await post(path, [], TOKEN), ['']);
        invalid(path, await send('POST', path, { headers: TOKEN }), ['']);
        const change = `/api/admin/campaigns/${campaign}`;
        const headers = { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' };
        invalid(change, await send('PATCH', change, { headers, body: '{}' }), ['']);
        invalid(change, await send('PATCH', change, { headers, body: 'null' }), ['']);
      });

      it('that ends in the past makes no campaign that starts now', async () => {
        const path = '/api/admin/campaigns';
        invalid(path, await post(path, { name: 'n', total: 1, endsAt: at(-HOUR) }, TOKEN), ['/endsAt']);
      });

      it.each(['{}', '[]', 'null', '""', '0', 'false'])(
        'of %s is too much for pause, resume, close and publish',
        async (body) => {
          for (const action of ['pause', 'resume', 'close', 'publish']) {
            const path = `/api/admin/campaigns/${campaign}/${action}`;
            invalid(path, await send('POST', path, { headers: { ...TOKEN, ...JSON_TYPE }, body }), ['']);
          }
          expect((await client.get(`/api/campaigns/${campaign}`)).body).toMatchObject({ state: 'OPEN', version: 1 });
        },
      );

      it('of another type, malformed or too large is refused as in other calls', async () => {
        for (const [method, path] of [
          ['POST', '/api/admin/campaigns'],
          ['PATCH', `/api/admin/campaigns/${campaign}`],
          ['POST', `/api/admin/campaigns/${campaign}/close`],
          ['POST', '/api/admin/failed-events/1/requeue'],
          ['POST', '/api/admin/failed-events/1/discard'],
        ] as const) {
          const headers = { ...TOKEN, 'If-Match': '*' };
          const json = { ...headers, ...JSON_TYPE };
          refusedAt(path, await send(method, path, { headers: json, body: '{' }), 400, 'malformed-json');
          const text = { headers: { ...headers, 'Content-Type': 'text/plain' }, body: 'x' };
          refusedAt(path, await send(method, path, text), 415, 'unsupported-media-type');
          refusedAt(
            path,
            await send(method, path, { headers: json, body: ' '.repeat(4_097) }),
            413,
            'payload-too-large',
          );
        }
      });
    });

    describe('with If-Match', () => {
      const patch = (condition: string | undefined) => {
        const headers = { ...TOKEN, ...JSON_TYPE, ...(condition === undefined ? {} : { 'If-Match': condition }) };
        return send('PATCH', `/api/admin/campaigns/${campaign}`, { headers, body: '{"name":"renamed"}' });
      };

      it.each<[string, string | undefined, number, string]>([
        ['missing', undefined, 428, 'precondition-required'],
        ['stale', '"0"', 412, 'precondition-failed'],
        ['of the future', '"2"', 412, 'precondition-failed'],
        ['weak', 'W/"1"', 412, 'precondition-failed'],
        ['of another spelling', '"01"', 412, 'precondition-failed'],
        ['empty', '', 400, 'invalid-if-match'],
        ['without quotes', '1', 400, 'invalid-if-match'],
        ['with one quote', '"1', 400, 'invalid-if-match'],
        ['without a comma', '"1" "2"', 400, 'invalid-if-match'],
        ['of * among others', '"1", *', 400, 'invalid-if-match'],
        ['of a weak tag in lower case', 'w/"1"', 400, 'invalid-if-match'],
      ])('%s changes nothing', async (_what, condition, status, code) => {
        refusedAt(`/api/admin/campaigns/${campaign}`, await patch(condition), status, code);
        expect((await client.get(`/api/campaigns/${campaign}`)).headers.get('etag')).toBe('"1"');
      });

      it('of the version, of a list with it, or of * changes it', async () => {
        const own = await client.createCampaign(1);
        for (const [condition, next] of [
          ['"1"', '"2"'],
          ['"7", "2"', '"3"'],
          ['*', '"4"'],
        ] as const) {
          const path = `/api/admin/campaigns/${own}`;
          const changed = await client.admin('PATCH', path, { body: { name: 'n' }, ifMatch: condition });
          expect([changed.status, changed.headers.get('etag')]).toEqual([200, next]);
        }
      });
    });
  });
}

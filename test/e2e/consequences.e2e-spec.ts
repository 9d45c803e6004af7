import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/ports/database/database.js';
import { claimEvent } from '../support/claims.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { failToPublish } from '../support/failed-events.js';
import { type Service, startService } from '../support/service.js';

describe('what an act would do', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    // Without the role retry, failed events stay as they are.
    service = await startService({ ROLES: 'api,consumer' });
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  const preview = (id: string, query: string) =>
    client.admin('GET', `/api/admin/campaigns/${id}/consequences?${query}`);

  describe('to a campaign', () => {
    let id: string;
    beforeAll(async () => {
      id = await client.createCampaign(10);
      for (const user of ['a', 'b', 'c']) await client.claim(user, id);
      await eventually(async () => expect((await client.audit(id)).issued).toBe(3));
    });

    it('is said in numbers before it is closed, and is what comes of it', async () => {
      const { status, body, headers } = await preview(id, 'of=close');
      expect([status, headers.get('etag')]).toEqual([200, '"1"']);
      expect(body).toEqual({
        campaignId: id,
        of: 'close',
        total: 10,
        newTotal: null,
        claimed: 3,
        unissued: 0,
        slotsClosed: 7,
        refusal: null,
        version: 1,
      });
    });

    it('is said before its total is lowered', async () => {
      expect((await preview(id, 'of=lower&total=4')).body).toMatchObject({
        newTotal: 4,
        slotsClosed: 6,
        refusal: null,
      });
      expect((await preview(id, 'of=lower&total=12')).body).toMatchObject({ slotsClosed: 0, refusal: null });
      expect((await preview(id, 'of=lower&total=2')).body).toMatchObject({ refusal: 'total-below-claimed' });
      await client.admin('PATCH', `/api/admin/campaigns/${id}`, { body: { total: 4 }, ifMatch: '"1"' });
      expect((await preview(id, 'of=close')).body).toMatchObject({ total: 4, claimed: 3, slotsClosed: 1, version: 2 });
    });

    it('that is closed closes no slot', async () => {
      await client.admin('POST', `/api/admin/campaigns/${id}/close`);
      expect((await preview(id, 'of=close')).body).toMatchObject({ claimed: 3, slotsClosed: 0, refusal: null });
      expect((await preview(id, 'of=lower&total=3')).body).toMatchObject({ refusal: 'campaign-closed' });
    });

    it.each([
      ['', '/of'],
      ['of=delete', '/of'],
      ['of=lower', '/total'],
      ['of=close&total=3', '/total'],
      ['of=lower&total=0', '/total'],
      ['of=lower&total=10000001', '/total'],
      ['of=lower&total=1.5', '/total'],
      ['of=close&when=now', '/when'],
    ])('is not asked with ?%s', async (query, pointer) => {
      const { status, body } = await preview(id, query);
      expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'validation-failed', pointer]);
    });

    it('is asked of a campaign that is there', async () => {
      const { status, body } = await preview('nowhere', 'of=close');
      expect([status, body.code]).toEqual([404, 'campaign-not-found']);
    });
  });

  describe('to failed events', () => {
    const PATH = '/api/admin/failed-events';
    let id: string;
    beforeAll(async () => {
      id = await client.createCampaign(10);
      const claims = ['a', 'b', 'c'].map((userId) => claimEvent({ campaignId: id, userId }));
      await failToPublish({ database: service.app.get(Database) }, ...claims);
    });
    const pending = () => ({ status: 'PENDING', campaignId: id });
    const act = (what: string, body: object) => client.admin('POST', `${PATH}/${what}`, { body });

    it('is counted, and done if the count is still right', async () => {
      const seen = await client.admin('GET', `${PATH}/consequences?status=PENDING&campaignId=${id}`);
      expect([seen.status, seen.body]).toEqual([200, { count: 3, claims: 3, unreadable: 0 }]);
      const wrong = await act('requeue', { ...pending(), expected: 2 });
      expect([wrong.status, wrong.body.code, wrong.body.count]).toEqual([412, 'precondition-failed', 3]);
      const requeued = await act('requeue', { ...pending(), expected: 3 });
      expect([requeued.status, requeued.body]).toEqual([200, { changed: 3, refused: {}, left: 3 }]);
      const discarded = await act('discard', { ...pending(), expected: 3, reason: 'a test' });
      expect([discarded.status, discarded.body]).toEqual([200, { changed: 3, refused: {}, left: 0 }]);
    });

    it.each([
      ['requeue', { expected: 1 }, '/status'],
      ['requeue', { status: 'RESOLVED', expected: 1 }, '/status'],
      ['requeue', { status: 'DEAD' }, '/expected'],
      ['requeue', { status: 'DEAD', expected: -1 }, '/expected'],
      ['requeue', { status: 'DEAD', expected: 1, reason: 'r' }, '/reason'],
      ['discard', { status: 'DEAD', expected: 1 }, '/reason'],
    ])('is not done by %s with %j', async (what, body, pointer) => {
      const answer = await act(what, body);
      expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([
        400,
        'validation-failed',
        pointer,
      ]);
    });
  });
});

import { describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { eventually } from '../../support/eventually.js';
import { decided } from '../../support/raw-http.js';
import { type ProblemBody } from '../../support/refusal.js';
import { APPLY, at, client, HOUR, post, refusedAt, send } from './fixture.js';

export function describeClaims(): void {
  describe('a claim', () => {
    let own: string;
    const claim = (userId: string, headers: Record<string, string> = { 'Idempotency-Key': ulid() }) =>
      decided(() => post(APPLY, { userId, campaignId: own }, headers));
    const settled = (rows: number) =>
      eventually(async () => {
        expect(await client.audit(own)).toMatchObject({ gate: rows, pending: 0, issued: rows, rows, drift: 0 });
      });

    it('before the start is refused with the time of the start', async () => {
      const startsAt = at(HOUR);
      own = await client.createCampaign(5, { startsAt });
      expect(refusedAt(APPLY, await claim('a'), 409, 'campaign-not-started').startsAt).toBe(startsAt);
      await settled(0);
    });

    it('after the end is refused', async () => {
      own = await client.createCampaign(5, { startsAt: at(-2 * HOUR), endsAt: at(HOUR) });
      const path = `/api/admin/campaigns/${own}`;
      await client.admin('PATCH', path, { body: { endsAt: at(-HOUR) }, ifMatch: '*' });
      refusedAt(APPLY, await claim('a'), 409, 'campaign-ended');
      await settled(0);
    });

    it.each([
      ['pause', 'campaign-paused'],
      ['close', 'campaign-closed'],
    ])('after a %s is refused', async (action, code) => {
      own = await client.createCampaign(5);
      await client.admin('POST', `/api/admin/campaigns/${own}/${action}`);
      refusedAt(APPLY, await claim('a'), 409, code);
      await settled(0);
    });

    it('is refused when all are taken, and shown when it is the user’s second', async () => {
      own = await client.createCampaign(1);
      const first = await claim('a');
      expect(first.status).toBe(202);
      expect(refusedAt(APPLY, await claim('b'), 409, 'sold-out').claim).toBeUndefined();
      const second = await claim('a');
      const { sequence, claimedAt } = JSON.parse(first.body) as ProblemBody;
      const expected = { campaignId: own, sequence, claimedAt };
      expect(refusedAt(APPLY, second, 409, 'already-claimed').claim).toEqual(expected);
      expect(second.headers.location).toBe(`/api/campaigns/${own}/claims/a`);
      await settled(1);
    });

    it('may come from users whose names mean something to JavaScript', async () => {
      const users = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '-', '_', '0'];
      own = await client.createCampaign(users.length);
      for (const user of users) {
        expect([user, (await claim(user)).status]).toEqual([user, 202]);
        refusedAt(APPLY, await claim(user), 409, 'already-claimed');
      }
      await settled(users.length);
      for (const user of users) {
        expect((await client.get(`/api/campaigns/${own}/claims/${user}`)).body.status).toBe('ISSUED');
      }
    });

    it.each(['', 'x'.repeat(256), 'é', 'a\tb'])('with the idempotency key %j is refused', async (key) => {
      own = await client.createCampaign(1);
      refusedAt(APPLY, await claim('a', { 'Idempotency-Key': key }), 400, 'invalid-idempotency-key');
      await settled(0);
    });

    it.each(['x'.repeat(255), '~', '"a b"'])('with the idempotency key %j is taken', async (key) => {
      own = await client.createCampaign(1);
      const first = await claim('a', { 'Idempotency-Key': key });
      const again = await claim('a', { 'Idempotency-Key': key });
      expect([first.status, again.status, again.headers['idempotent-replayed']]).toEqual([202, 202, 'true']);
      expect(again.body).toBe(first.body);
      await settled(1);
    });

    it('that does not exist is not found', async () => {
      own = await client.createCampaign(1);
      const path = `/api/campaigns/${own}/claims/a`;
      refusedAt(path, await send('GET', path), 404, 'claim-not-found');
    });
  });
}

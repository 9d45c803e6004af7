import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, inParallel } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { decided, request, text } from '../support/raw-http.js';
import { refused } from '../support/refusal.js';
import { type Service, startService } from '../support/service.js';
import { PROVIDER_IDS } from '../support/user-ids.js';

describe('users whose ids an identity provider gives', () => {
  let service: Service;
  let client: Client;
  let campaign: string;

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
    campaign = await client.createCampaign(PROVIDER_IDS.length);
  });
  afterAll(() => service.stop());

  const statusAt = async (path: string, headers?: Record<string, string>) => (await client.get(path, headers)).body;
  /** A GET whose target is sent as it is written here: URL parsers change some. */
  const getRaw = (target: string) =>
    decided(() => request([text(`GET ${target}`)], { port: Number(new URL(service.url).port) }));

  it('each get a coupon, which the Location of the answer leads to', async () => {
    const claims = await inParallel(PROVIDER_IDS, 5, async (userId) => {
      const { status, headers, body } = await client.claim(userId, campaign);
      expect([userId, status]).toEqual([userId, 202]);
      const location = `/api/campaigns/${campaign}/claims/${encodeURIComponent(userId)}`;
      expect(headers.get('location')).toBe(location);
      const again = await client.claim(userId, campaign);
      expect([again.body.code, again.headers.get('location')]).toEqual(['already-claimed', location]);
      await eventually(async () => {
        const proof = { 'x-claim-id': body.claimId as string };
        expect(await statusAt(location, proof)).toMatchObject({ status: 'ISSUED', claimId: body.claimId });
      });
      const { items } = await statusAt(`/api/users/${encodeURIComponent(userId)}/coupons`);
      expect(items).toMatchObject([{ campaignId: campaign, sequence: body.sequence }]);
      return body.claimId as string;
    });
    expect(new Set(claims).size).toBe(PROVIDER_IDS.length);
    expect(await client.audit(campaign)).toMatchObject({ rows: PROVIDER_IDS.length, drift: 0 });
  });

  it('are found under both spellings that clients give to @ : + and =, and | only with its escape', async () => {
    for (const userId of ['kim.minsu+drop@example.co.kr', 'urn:example:user:7', '~tilde_=padded==']) {
      const [escaped, plain] = await Promise.all(
        [encodeURIComponent(userId), userId].map((segment) => getRaw(`/api/campaigns/${campaign}/claims/${segment}`)),
      );
      expect([plain?.status, plain?.body]).toEqual([200, escaped?.body]);
    }
    const raw = refused(await getRaw(`/api/campaigns/${campaign}/claims/auth0|5f7c`), 400, 'bad-request');
    expect(raw.errors).toMatchObject([{ in: 'path', detail: expect.stringContaining('| (%7C)') }]);
    // An escape that nothing needs is refused, as everywhere in a path.
    refused(await getRaw(`/api/campaigns/${campaign}/claims/kim%2Eminsu`), 400, 'bad-request');
  });

  it.each(['.', '..'])('cannot be %j: a client resolves such a segment before it sends the path', async (userId) => {
    refused(await getRaw(`/api/campaigns/${campaign}/claims/${userId}`), 400, 'bad-request');
    expect(new URL(`/api/campaigns/${campaign}/claims/${userId}`, service.url).pathname).not.toContain('/claims/.');
    const { status, body } = await client.claim(userId, campaign);
    expect([status, body.code, body.errors]).toMatchObject([400, 'validation-failed', [{ pointer: '/userId' }]]);
  });
});

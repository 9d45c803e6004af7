import { describe, expect, it } from '@jest/globals';
import { refused } from '../../support/refusal.js';
import { APPLY, client, post, send, JSON_TYPE } from './fixture.js';

export function describeHeaders(): void {
  describe('a request id', () => {
    const id = async (given: string, path = '/api/campaigns') => {
      const response = await send('GET', path, { headers: { 'X-Request-Id': given } });
      return response.headers['x-request-id'] ?? '';
    };

    it.each(['a', 'A-z_0.9', 'x'.repeat(64), '0'])('%s comes back as it was', async (given) => {
      expect(await id(given)).toBe(given);
      const response = await send('GET', '/nowhere', { headers: { 'X-Request-Id': given } });
      expect(refused(response, 404, 'not-found').requestId).toBe(given);
    });

    it.each(['', 'x'.repeat(65), 'a b', 'a/b', 'a"b', 'é', 'a,b', '<script>', 'a\tb'])(
      '%j is replaced by one that is harmless',
      async (given) => {
        const made = await id(given);
        expect(made).toMatch(/^[\w.-]{1,64}$/);
        expect(made).not.toBe(given);
      },
    );

    it('is new for every request without one', async () => {
      const made = new Set<string | undefined>();
      for (let n = 0; n < 20; n++) made.add((await send('GET', '/health/live')).headers['x-request-id']);
      expect(made.size).toBe(20);
      expect(made).not.toContain(undefined);
    });
  });

  describe('the language', () => {
    it.each([
      [undefined, 'ko'],
      ['', 'ko'],
      ['ko', 'ko'],
      ['en', 'en'],
      ['EN', 'en'],
      ['en-US,en;q=0.9', 'en'],
      ['ko-KR,ko;q=0.9,en-US;q=0.8', 'ko'],
      ['en;q=0.9,ko;q=0.8', 'en'],
      ['en;q=0.8,ko;q=0.9', 'ko'],
      ['en,ko', 'ko'],
      ['fr', 'ko'],
      ['*', 'ko'],
      ['ko;q=0,*', 'en'],
      ['en;q=0', 'ko'],
      ['en;q=2', 'ko'],
      ['english please', 'ko'],
      ['en;q=0.001', 'en'],
      [`${'de,'.repeat(1_000)}en`, 'en'],
    ] as const)('of %j is answered in %s', async (accepted, language) => {
      const headers: Record<string, string> = accepted === undefined ? {} : { 'Accept-Language': accepted };
      const response = await send('POST', APPLY, { headers: { ...headers, ...JSON_TYPE }, body: '{"userId":""}' });
      const { errors } = refused(response, 400, 'validation-failed', language);
      expect(/[가-힣]/.test(errors[0].detail)).toBe(language === 'ko');
      const unrouted = await send('GET', '/nowhere', { headers });
      refused(unrouted, 404, 'not-found', language);
    });

    it('of a promise follows the same rule', async () => {
      const campaignId = await client.createCampaign(2);
      const korean = await post(APPLY, { userId: 'a', campaignId });
      const english = await post(APPLY, { userId: 'b', campaignId }, { 'Accept-Language': 'en' });
      expect([korean, english].map(({ headers }) => headers['content-language'])).toEqual(['ko', 'en']);
      for (const { headers } of [korean, english]) expect(headers.vary?.toLowerCase()).toContain('accept-language');
      expect(JSON.parse(korean.body)).toMatchObject({ status: 'success', message: '쿠폰 발급 신청이 완료되었습니다.' });
      expect(JSON.parse(english.body)).toMatchObject({ status: 'success', message: expect.stringMatching(/^[ -~]+$/) });
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createFastifyAdapter } from '../../../src/platform/http/server/fastify.js';
import { Client } from '../../support/client.js';
import { exchange, text } from '../../support/raw-http.js';
import { lastWord, refused } from '../../support/refusal.js';
import { type Service, startService } from '../../support/service.js';
import { APPLY, client, invalid, JSON_TYPE, port } from './fixture.js';

const WAIT_FOR_HEADERS_MS = 300;
const WAIT_FOR_BODY_MS = 600;

export function describeConnections(): void {
  describe('a connection', () => {
    let slow: Service;
    let slowPort: number;
    beforeAll(async () => {
      slow = await startService({}, { headers: WAIT_FOR_HEADERS_MS, request: WAIT_FOR_BODY_MS, checkInterval: 50 });
      slowPort = Number(new URL(slow.url).port);
    });
    afterAll(() => slow.stop());

    const body = '{"userId":"a"}';

    it('has the limits of the contract where a test does not shorten them', () => {
      expect(createFastifyAdapter().getHttpServer()).toMatchObject({
        headersTimeout: 5_000,
        requestTimeout: 10_000,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: 8_192,
      });
    });

    it('whose headers come too slowly is closed', async () => {
      refused(await lastWord([`POST ${APPLY} HTTP/1.1\r\nHost: x\r\n`], slowPort), 408, 'request-timeout');
    });

    it('whose body comes too slowly is closed', async () => {
      for (const framing of ['Content-Length: 14', 'Transfer-Encoding: chunked']) {
        const head = `POST ${APPLY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
        refused(await lastWord([head], slowPort), 408, 'request-timeout');
      }
      expect((await new Client(slow.url).audit('default')).gate).toBe(0);
    });

    it('whose headers are over 8 KB is closed', async () => {
      refused(
        await lastWord([text(`POST ${APPLY}`, { 'X-Large': 'x'.repeat(8_192) }, body)], port),
        431,
        'headers-too-large',
      );
      const many = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`X-${index}`, 'xxxxxxxxxx']));
      refused(await lastWord([text(`POST ${APPLY}`, many, body)], port), 431, 'headers-too-large');
      refused(await lastWord([text(`GET /${'x'.repeat(9_000)}`)], port), 431, 'headers-too-large');
    });

    const post = (...headers: string[]) =>
      `POST ${APPLY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers.join('\r\n')}\r\n\r\n`;

    it.each([
      ['a chunk without a size', `${post('Transfer-Encoding: chunked')}zz\r\n${body}\r\n0\r\n\r\n`],
      ['a chunk of a negative size', `${post('Transfer-Encoding: chunked')}-1\r\n${body}\r\n0\r\n\r\n`],
      ['a chunk longer than its size', `${post('Transfer-Encoding: chunked')}1\r\n${body}\r\n0\r\n\r\n`],
      ['a chunk of an endless size', `${post('Transfer-Encoding: chunked')}fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`],
      [
        'Content-Length with Transfer-Encoding',
        `${post('Content-Length: 14', 'Transfer-Encoding: chunked')}e\r\n${body}\r\n0\r\n\r\n`,
      ],
      [
        'Transfer-Encoding with Content-Length',
        `${post('Transfer-Encoding: chunked', 'Content-Length: 14')}e\r\n${body}\r\n0\r\n\r\n`,
      ],
      ['two Content-Lengths', post('Content-Length: 14', 'Content-Length: 15') + body],
      ['the same Content-Length twice', post('Content-Length: 14', 'Content-Length: 14') + body],
      ['a list of Content-Lengths', post('Content-Length: 14, 14') + body],
      ['a negative Content-Length', post('Content-Length: -14') + body],
      ['a Content-Length that is none', post('Content-Length: abc') + body],
      ['chunked that is not the last encoding', `${post('Transfer-Encoding: chunked, gzip')}e\r\n${body}\r\n0\r\n\r\n`],
      ['a blank before the colon', post('Content-Length : 14') + body],
      ['a folded header', post('X-Folded: a', ' b', 'Content-Length: 14') + body],
      ['no such method', 'CLAIM /api/coupons/apply HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['TLS', Buffer.from('160301020001000001fc0303', 'hex')],
    ])('that sends %s is closed', async (_what, bytes) => {
      refused(await lastWord([bytes], port), 400, 'bad-request');
    });

    it('that names no host is closed', async () => {
      refused(await lastWord([`POST ${APPLY} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`], port), 400, 'bad-request');
    });

    it('that smuggles a claim behind a bad request gets one answer', async () => {
      const hidden = text(`POST ${APPLY}`, JSON_TYPE, '{"userId":"smuggled"}');
      refused(
        await lastWord([post('Content-Length: 14', 'Transfer-Encoding: chunked'), '0\r\n\r\n', hidden], port),
        400,
        'bad-request',
      );
      expect((await client.get('/api/campaigns/default/claims/smuggled')).body.code).toBe('claim-not-found');
    });

    it('stays open after a refusal whose body was read', async () => {
      const bad = text(`POST ${APPLY}`, JSON_TYPE, '{"userId":""}');
      const { responses } = await exchange([bad, bad, bad], { port, answers: 3 });
      for (const response of responses) invalid(APPLY, response, ['/userId']);
      expect(responses).toHaveLength(3);
    });

    it('of others is not harmed by a broken one', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          await exchange([index % 2 === 0 ? 'nonsense\r\n\r\n' : post('Content-Length: 5', 'Content-Length: 6')], {
            port,
          });
          expect((await client.get('/health/ready')).status).toBe(200);
        }),
      );
    });
  });
}

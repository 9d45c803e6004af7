import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ulid } from 'ulid';
import { DatabaseError } from '../../../src/ports/database/database-error.js';
import { Database } from '../../../src/ports/database/database.js';
import { GateTimeoutError, GateUnavailableError } from '../../../src/ports/gate/issuance-gate.js';
import { UnwatchedGate } from '../../../src/ports/gate/unwatched-gate.js';
import { ClaimLog, ClaimLogUnavailableError } from '../../../src/ports/log/claim-log.js';
import { Client } from '../../support/client.js';
import { eventually } from '../../support/eventually.js';
import { decided, request, text } from '../../support/raw-http.js';
import { type Service, startService } from '../../support/service.js';
import { APPLY, type Call, JSON_TYPE, note, refusedAt, TOKEN } from './fixture.js';

export function describeOutages(): void {
  describe('while something is away', () => {
    const secret = 'SELECT code FROM coupons; coupon:{default}:7:meta';
    let broken: Service;
    let other: Client;
    let brokenPort: number;

    beforeAll(async () => {
      broken = await startService();
      other = new Client(broken.url);
      brokenPort = Number(new URL(broken.url).port);
    });
    afterAll(() => broken.stop());
    afterEach(() => void jest.restoreAllMocks());

    const ask = async (method: string, path: string, call: Call = {}) => {
      const response = await request([text(`${method} ${path}`, call.headers, call.body)], { port: brokenPort });
      note(method, path, response);
      return response;
    };
    const apply = (userId: string, key: string = ulid()) =>
      ask('POST', APPLY, {
        headers: { ...JSON_TYPE, 'Idempotency-Key': key },
        body: JSON.stringify({ userId, campaignId: 'default' }),
      });

    it('the gate, a claim is refused for now', async () => {
      jest.spyOn(broken.app.get(UnwatchedGate), 'claim').mockRejectedValueOnce(new GateUnavailableError(secret));
      refusedAt(APPLY, await apply('gate-away'), 503, 'issuer-unavailable');
    });

    it('the gate’s answer, a claim is named that may count', async () => {
      jest.spyOn(broken.app.get(UnwatchedGate), 'claim').mockRejectedValueOnce(new GateTimeoutError(secret));
      const { claimId } = refusedAt(APPLY, await apply('gate-silent'), 503, 'claim-unconfirmed');
      expect(claimId).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    });

    it('room in the queue, a claim is refused before it takes a slot', async () => {
      const before = (await other.audit('default')).gate;
      const log = broken.app.get(ClaimLog);
      Object.defineProperty(log, 'full', { configurable: true, get: () => true });
      try {
        refusedAt(APPLY, await apply('queue-full'), 503, 'issuer-unavailable');
      } finally {
        delete (log as { full?: boolean }).full;
      }
      expect((await other.audit('default')).gate).toBe(before);
    });

    it('log and database, a claim that is not durable is named', async () => {
      jest.spyOn(broken.app.get(ClaimLog), 'publish').mockRejectedValue(new ClaimLogUnavailableError(secret));
      const away = new DatabaseError('infrastructure', 'ECONNREFUSED', secret);
      jest.spyOn(broken.app.get(Database), 'transaction').mockRejectedValue(away);
      const response = await apply('not-durable');
      jest.restoreAllMocks();
      const { claimId } = refusedAt(APPLY, response, 503, 'claim-unconfirmed');
      refusedAt(APPLY, await apply('not-durable'), 409, 'already-claimed');
      const status = await other.claimStatus('default', 'not-durable', claimId as string);
      expect([status.status, status.body.claimId]).toEqual([200, claimId]);
    });

    it('the log alone, a claim is stored in the database instead', async () => {
      const publish = jest.spyOn(broken.app.get(ClaimLog), 'publish');
      publish.mockRejectedValue(new ClaimLogUnavailableError(secret));
      const response = await decided(() => apply('stored-instead', 'stored-instead'));
      expect([response.status, JSON.parse(response.body)]).toMatchObject([202, { status: 'success' }]);
      expect((await other.get('/api/campaigns/default/claims/stored-instead')).body.status).toBe('PENDING');
    });

    it('the database, reads and admin calls are refused for now', async () => {
      const database = broken.app.get(Database);
      const away = new DatabaseError('infrastructure', 'ECONNREFUSED', secret);
      for (const call of ['read', 'transaction', 'snapshot'] as const) {
        jest.spyOn(database, call).mockRejectedValue(away);
      }
      const json = { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' };
      const action = { ...TOKEN, 'If-Match': '*' };
      for (const [method, path, call] of [
        ['GET', '/api/campaigns', {}],
        ['GET', '/api/campaigns/default', {}],
        ['GET', '/api/campaigns/default/claims/a', {}],
        ['GET', '/api/users/a/coupons', {}],
        ['POST', '/api/admin/campaigns', { headers: json, body: '{"name":"n","total":1}' }],
        ['PATCH', '/api/admin/campaigns/default', { headers: json, body: '{"total":1}' }],
        ['POST', '/api/admin/campaigns/default/pause', { headers: action }],
        ['POST', '/api/admin/campaigns/default/resume', { headers: action }],
        ['POST', '/api/admin/campaigns/default/close', { headers: action }],
        ['GET', '/api/admin/campaigns/default/audit', { headers: action }],
        ['GET', '/api/admin/failed-events', { headers: action }],
        ['GET', '/api/admin/failed-events/1/message', { headers: action }],
        ['POST', '/api/admin/failed-events/1/requeue', { headers: action }],
        ['POST', '/api/admin/failed-events/1/discard', { headers: json, body: '{"reason":"r"}' }],
      ] as const) {
        refusedAt(path, await ask(method, path, call), 503, 'database-unavailable');
      }
    });

    it('something unexpected, the answer shows nothing about it', async () => {
      jest.spyOn(broken.app.get(Database), 'read').mockRejectedValue(new TypeError(secret));
      refusedAt('/api/campaigns', await ask('GET', '/api/campaigns'), 500, 'internal-error');
    });

    it('nothing any more, everything works again', async () => {
      await eventually(async () => expect((await other.get('/health/ready')).body.status).toBe('ok'));
      await eventually(async () => expect((await apply('afterwards', 'afterwards')).status).toBe(202));
      await eventually(async () => {
        expect((await other.get('/api/campaigns/default/claims/afterwards')).body.status).toBe('ISSUED');
      });
    });
  });
}

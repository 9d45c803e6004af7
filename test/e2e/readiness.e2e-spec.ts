import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { DatabaseError } from '../../src/ports/database/database-error.js';
import { Database } from '../../src/ports/database/database.js';
import { GateUnavailableError } from '../../src/ports/gate/issuance-gate.js';
import { UnwatchedGate } from '../../src/ports/gate/unwatched-gate.js';
import { ClaimLog } from '../../src/ports/log/claim-log.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

describe('readiness of a process whose api', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
  });
  afterAll(() => service.stop());
  afterEach(() => void jest.restoreAllMocks());

  const readyIs = (status: number, report: object) =>
    eventually(async () => {
      const answer = await client.get('/health/ready');
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject(report);
    });
  const claim = async (userId: string, campaignId: string) => {
    const { status, body } = await client.apply(userId, campaignId);
    return [status, body.code];
  };
  const metric = async (name: string) => {
    const line = (await client.get('/metrics')).body as unknown as string;
    return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.+)$`, 'm').exec(line)?.[1]);
  };

  it('admits claims is 200', () => readyIs(200, { status: 'ok', roles: { api: 'ready' } }));

  it('finds a gate that takes no claims is 503, without any claim, and 200 again by itself', async () => {
    const gate = service.app.get(UnwatchedGate);
    jest.spyOn(gate, 'checkWritable').mockRejectedValue(new GateUnavailableError('Redis refuses, it is out of memory'));
    await readyIs(503, { status: 'unavailable', dependencies: { gate: 'down' }, roles: { api: 'waiting' } });
    await eventually(async () => {
      expect(await metric('coupon_dependency_up{dependency="gate"}')).toBe(0);
      expect(await metric('coupon_role_ready{role="api"}')).toBe(0);
    });
    jest.restoreAllMocks();
    await readyIs(200, { status: 'ok', dependencies: { gate: 'up' } });
  });

  it('has a claim refused by the gate is 503, and the claim counts for its campaign', async () => {
    const id = await client.createCampaign(5);
    expect((await client.claim('first', id)).status).toBe(202);
    const gate = service.app.get(UnwatchedGate);
    const refusal = new GateUnavailableError('Redis refuses, it is out of memory');
    for (const call of ['claim', 'checkWritable'] as const) jest.spyOn(gate, call).mockRejectedValue(refusal);
    expect(await claim('second', id)).toEqual([503, 'issuer-unavailable']);
    expect((await client.get('/health/ready')).status).toBe(503);
    await eventually(async () => {
      expect(await metric(`coupon_claims_total{campaign="${id}",outcome="unavailable"}`)).toBe(1);
    });
  });

  it('has nowhere to store a claim is 503, and 200 again by itself', async () => {
    const id = await client.createCampaign(5);
    const log = service.app.get(ClaimLog);
    Object.defineProperty(log, 'away', { configurable: true, get: () => true });
    try {
      await readyIs(200, { status: 'degraded', dependencies: { claimLog: 'down' }, roles: { api: 'ready' } });
      const full = new DatabaseError('infrastructure', 'SQLITE_FULL', 'database or disk is full');
      jest.spyOn(service.app.get(Database), 'transaction').mockRejectedValue(full);
      expect((await client.apply('a', id)).body.code).toBe('claim-unconfirmed');
      await readyIs(503, { status: 'unavailable', dependencies: { claimLog: 'down', database: 'down', gate: 'up' } });
      expect(await claim('b', id)).toEqual([503, 'issuer-unavailable']);
      jest.restoreAllMocks();
      await readyIs(200, { status: 'degraded', dependencies: { database: 'up' } });
    } finally {
      delete (log as { away?: boolean }).away;
    }
    await readyIs(200, { status: 'ok' });
    // The refused claim has taken no slot.
    expect((await client.audit(id)).gate).toBe(1);
  });
});

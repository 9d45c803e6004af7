import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KEY_ROLES } from '../../src/platform/identity/key-role.js';
import { type Answer, Client } from '../support/client.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';

/** Who may make a call: everyone, or these roles and no others. */
type Access = 'everyone' | 'viewer' | 'operator' | 'admin';

/** Each call of the API. A call that has no row here fails the test, and so does a row without a call. */
const ACCESS: Readonly<Record<string, Access>> = {
  applyForCoupon: 'everyone',
  findClaim: 'everyone',
  listCouponsOfUser: 'everyone',
  listCampaigns: 'everyone',
  findCampaign: 'everyone',
  live: 'everyone',
  ready: 'everyone',
  metrics: 'everyone',
  auditCampaign: 'viewer',
  listCouponsOfCampaign: 'viewer',
  exportCouponsAsCsv: 'viewer',
  exportCouponsAsNdjson: 'viewer',
  listFailedEvents: 'viewer',
  requeueFailedEvent: 'operator',
  discardFailedEvent: 'operator',
  createCampaign: 'operator',
  changeCampaign: 'operator',
  pauseCampaign: 'operator',
  resumeCampaign: 'operator',
  closeCampaign: 'operator',
  listAuditLog: 'operator',
  createKey: 'admin',
  listKeys: 'admin',
  revokeKey: 'admin',
  downloadBackup: 'admin',
};

/** Who gets in where. The admin token is the admin whom no key has made. */
const MAY: Readonly<Record<Access, readonly string[]>> = {
  everyone: ['nobody', ...KEY_ROLES, 'the admin token'],
  viewer: ['viewer', 'operator', 'admin', 'the admin token'],
  operator: ['operator', 'admin', 'the admin token'],
  admin: ['admin', 'the admin token'],
};

/** Credentials that open nothing, whatever the call needs. */
const WORTHLESS = ['a revoked key', 'a key of another installation', 'a token', 'another scheme'];

interface Call {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly isBelowAdmin: boolean;
}

describe('every call of the API, for every caller', () => {
  let service: Service;
  let client: Client;
  let calls: Call[];
  const credentials = new Map<string, string>();

  beforeAll(async () => {
    // The address of each call is its own: ten wrong credentials of one address are followed by 429.
    service = await startService({ TRUST_PROXY: '1' });
    client = new Client(service.url);
    const { paths } = (await client.get('/docs-json')).body as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId }]) => ({
        id: operationId,
        method: method.toUpperCase(),
        path,
        isBelowAdmin: path.startsWith('/api/admin/'),
      })),
    );
    for (const role of KEY_ROLES) credentials.set(role, `Bearer ${await makeKey(role)}`);
    const admin = await makeKey('admin');
    const id = admin.split('_')[2] ?? '';
    expect((await client.admin('DELETE', `/api/admin/keys/${id}`)).status).toBe(200);
    credentials.set('the admin token', `Bearer ${ADMIN_TOKEN}`);
    credentials.set('a revoked key', `Bearer ${admin}`);
    credentials.set('a key of another installation', `Bearer cpn_admin_01ARZ3NDEKTSV4RRFFQ69G5FAV_${'A'.repeat(43)}`);
    credentials.set('a token', `Bearer eyJhbGciOiJub25lIn0.${Buffer.from('{"sub":"admin"}').toString('base64url')}.`);
    credentials.set('another scheme', `Basic ${Buffer.from(`admin:${ADMIN_TOKEN}`).toString('base64')}`);
  });
  afterAll(() => service.stop());

  async function makeKey(role: string): Promise<string> {
    const { body } = await client.admin('POST', '/api/admin/keys', { body: { name: `a ${role}`, role } });
    return body.key as string;
  }

  let addresses = 0;
  /** @param id of a campaign, a user and so on in the path. Nothing that a call names exists, unless it is said so. */
  const make = ({ method, path }: Call, caller: string, id = '01ARZ3NDEKTSV4RRFFQ69G5FAV'): Promise<Answer> => {
    const authorization = credentials.get(caller);
    addresses += 1;
    return client.send(method, path.replaceAll(/\{\w+\}/g, id), {
      ...(method === 'GET' ? {} : { body: {} }),
      headers: {
        'x-forwarded-for': `10.0.${addresses >> 8}.${addresses & 255}`,
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
  };
  const isLetIn = ({ status }: Answer) => status !== 401 && status !== 403 && status !== 429;

  it('has its row', () => {
    expect(calls.map(({ id }) => id).sort()).toEqual(Object.keys(ACCESS).sort());
  });

  it('lets in whom the row names, and no other one', async () => {
    for (const call of calls) {
      const access = ACCESS[call.id] ?? 'admin';
      for (const caller of MAY.everyone) {
        const answer = await make(call, caller);
        const row = [call.id, caller];
        expect([...row, isLetIn(answer)]).toEqual([...row, MAY[access].includes(caller)]);
        if (isLetIn(answer)) continue;
        expect([...row, answer.status, answer.body.code]).toEqual(
          caller === 'nobody' ? [...row, 401, 'unauthorized'] : [...row, 403, 'role-not-allowed'],
        );
        if (caller !== 'nobody') expect([...row, answer.body.neededRole]).toEqual([...row, access]);
      }
    }
  });

  it('is closed to credentials that were good once, or elsewhere', async () => {
    for (const call of calls.filter(({ isBelowAdmin }) => isBelowAdmin)) {
      for (const caller of WORTHLESS) {
        const { status, body, headers } = await make(call, caller);
        expect([call.id, caller, status, body.code]).toEqual([call.id, caller, 401, 'unauthorized']);
        expect(headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
      }
    }
  });

  it('says 401 and 403 in the same words, whether what it names exists or not', async () => {
    const campaign = await client.createCampaign(1);
    const named = calls.filter(({ path, isBelowAdmin }) => isBelowAdmin && path.includes('{campaignId}'));
    expect(named.length).toBeGreaterThan(4);
    for (const call of named) {
      for (const caller of ['nobody', 'a revoked key', 'redeemer']) {
        const [there, missing] = [await make(call, caller, campaign), await make(call, caller)];
        // The two that name the request itself.
        const own = { instance: expect.any(String), requestId: expect.any(String) };
        expect([call.id, caller, missing.body]).toEqual([call.id, caller, { ...there.body, ...own }]);
        expect(there.status).toBe(missing.status);
      }
    }
  });
});

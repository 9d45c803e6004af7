import { Logger } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimOf } from '../../../test/support/claims.js';
import { ADMIN_TOKEN, issueCoupons, openRecoveryApplication, startRecovery } from '../../../test/support/recovery.js';
import { createOpenApiDocument } from '../../platform/http/openapi/openapi.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';

Logger.overrideLogger(false);

let app: NestFastifyApplication;
let close: () => Promise<void>;
let database: Database;

beforeEach(async () => {
  ({ app, close } = await openRecoveryApplication());
  database = app.get(Database);
  const campaign = { id: 'default', name: 'default', total: 5, startsAt: 0, endsAt: null, state: 'OPEN' as const };
  await database.transaction((unit) => unit.campaigns.insert(campaign));
  await issueCoupons({ database } as never, [claimOf(1), claimOf(2)]);
  await startRecovery(app);
});

afterEach(async () => {
  await close();
});

const get = async (id: string, authorization: string | undefined = `Bearer ${ADMIN_TOKEN}`) => {
  const headers = authorization === '' ? {} : { authorization };
  const { statusCode, body } = await app.inject({ url: `/api/admin/campaigns/${id}/audit`, headers });
  return { status: statusCode, body: JSON.parse(body) as Record<string, unknown> };
};

describe('GET /api/admin/campaigns/:id/audit', () => {
  it('shows gate, counter, rows and failed events, and that they agree', async () => {
    expect(await get('default')).toEqual({
      status: 200,
      body: {
        campaignId: 'default',
        total: 5,
        gate: 2,
        leftGateAt: null,
        pending: 0,
        oldestPendingMs: null,
        issued: 2,
        rows: 2,
        rowsCountedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        failed: { PENDING: 0, PUBLISHING: 0, REPUBLISHED: 0, RESOLVED: 0, DEAD: 0, DISCARDED: 0 },
        drift: 0,
      },
    });
  });

  it('is for admins', async () => {
    expect(await get('default', '')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(await get('default', 'Bearer wrong')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  });

  it('knows neither an unknown campaign nor one that cannot be', async () => {
    expect(await get('nowhere')).toMatchObject({ status: 404, body: { code: 'campaign-not-found' } });
    expect(await get('a_b')).toMatchObject({ status: 400, body: { code: 'validation-failed' } });
  });

  it('says so when the database is away', async () => {
    database.snapshot = () => Promise.reject(new DatabaseError('infrastructure', 'ECONNREFUSED', 'refused'));
    expect(await get('default')).toMatchObject({ status: 503, body: { code: 'database-unavailable' } });
  });

  it('is in the document', () => {
    const { paths } = createOpenApiDocument(app);
    expect(paths['/api/admin/campaigns/{campaignId}/audit']?.get?.responses).toHaveProperty('200');
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { StoredApprovals } from '../../src/modules/approvals/stored-approvals.js';
import { Database } from '../../src/ports/database/database.js';
import { claimEvent } from '../support/claims.js';
import { type Answer, Client, inParallel, tally } from '../support/client.js';
import { failToPublish } from '../support/failed-events.js';
import { type Service, startService } from '../support/service.js';
import { tableRows } from '../support/table-rows.js';

describe('with TWO_PERSON=true', () => {
  let service: Service;
  let client: Client;
  const keys: Record<string, string> = {};

  beforeAll(async () => {
    service = await startService({ TWO_PERSON: 'true', ROLES: 'api,consumer' });
    client = new Client(service.url);
    // Kim and Lee are admins, Park is an operator: the bootstrap asks for their keys, and nobody can approve but by key. So the
    // first ones are made in the database, as npm run key does.
    for (const [name, role] of [
      ['kim', 'admin'],
      ['lee', 'admin'],
      ['park', 'operator'],
    ] as const) {
      const { KeyAdministration } = await import('../../src/modules/keys/key-administration.js');
      const outcome = await service.app
        .get(KeyAdministration, { strict: false })
        .create(
          { name, role, expiresAt: null },
          { actor: { id: 'command', name: 'test' }, requestId: null, address: null },
        );
      if (outcome.kind !== 'created') throw new Error(outcome.kind);
      keys[name] = outcome.text;
    }
  });
  afterAll(() => service.stop());
  afterEach(() => void jest.restoreAllMocks());

  const as = (who: string, method: string, path: string, options: { body?: unknown; ifMatch?: string } = {}) =>
    client.send(method, `/api/admin${path}`, {
      ...(options.body === undefined ? {} : { body: options.body }),
      headers: {
        authorization: `Bearer ${keys[who]}`,
        'accept-language': 'en',
        ...(options.ifMatch === undefined ? {} : { 'if-match': options.ifMatch }),
      },
    });
  const approve = (who: string, { body }: Answer) => as(who, 'POST', `/approvals/${body.id}/approve`);
  const reject = (who: string, { body }: Answer) => as(who, 'POST', `/approvals/${body.id}/reject`);
  const campaign = (id: string) => as('kim', 'GET', `/campaigns/${id}`).then(({ body }) => body);
  const codeOf = ({ status, body }: Answer) => [status, body.code];
  const audited = async (id: string) =>
    (await as('kim', 'GET', '/audit-log?limit=1000')).body.items
      .filter((entry: Answer['body']) => entry.subject === id)
      .map(({ action, actor, detail }: Answer['body']) => [action, actor.name, detail.requestedBy.name]);

  it('the session says that some acts need two', async () => {
    expect((await as('park', 'GET', '/session')).body.service).toMatchObject({ twoPerson: true });
  });

  it('a close waits for another operator, is done once, and leaves a line with both', async () => {
    const id = await client.createCampaign(5);
    for (const user of ['a', 'b']) await client.claim(user, id);
    const asked = await as('kim', 'POST', `/campaigns/${id}/close`);
    expect([asked.status, asked.body]).toMatchObject([
      202,
      {
        action: 'campaign.close',
        subject: id,
        campaignId: id,
        neededRole: 'operator',
        order: { version: 1 },
        consequences: { name: 'campaign of 5', total: 5, claimed: 2, slotsClosed: 3 },
        status: 'PENDING',
        requestedBy: { name: 'kim' },
        decidedBy: null,
        outcome: null,
      },
    ]);
    const { requestedAt, expiresAt } = asked.body;
    expect(Date.parse(expiresAt) - Date.parse(requestedAt)).toBe(15 * 60_000);
    expect(await campaign(id)).toMatchObject({ state: 'OPEN', version: 1 });
    expect((await as('park', 'GET', '/approvals?status=PENDING')).body.items).toContainEqual(asked.body);
    expect((await as('park', 'GET', `/approvals/${asked.body.id}`)).body).toEqual(asked.body);

    expect(codeOf(await approve('kim', asked))).toEqual([403, 'own-approval']);
    expect(await campaign(id)).toMatchObject({ state: 'OPEN', version: 1 });

    const approved = await approve('park', asked);
    expect([approved.status, approved.body]).toMatchObject([
      200,
      { status: 'EXECUTED', decidedBy: { name: 'park' }, outcome: { version: 2 } },
    ]);
    expect(await campaign(id)).toMatchObject({ state: 'CLOSED', version: 2 });
    expect((await approve('lee', asked)).body).toEqual(approved.body);
    expect(codeOf(await reject('lee', asked))).toEqual([409, 'approval-decided']);
    expect(await campaign(id)).toMatchObject({ version: 2 });
    expect(await audited(asked.body.id)).toEqual([
      ['approval.approve', 'park', 'kim'],
      ['approval.request', 'kim', 'kim'],
    ]);
    // It is closed already, and nobody has to approve that.
    expect((await as('kim', 'POST', `/campaigns/${id}/close`)).status).toBe(200);
  });

  it('a lowering is done exactly as it was asked for, and a raise at once', async () => {
    const id = await client.createCampaign(5);
    expect((await as('kim', 'PATCH', `/campaigns/${id}`, { body: { total: 9 }, ifMatch: '"1"' })).status).toBe(200);
    const change = { total: 7, name: 'less' };
    expect(codeOf(await as('kim', 'PATCH', `/campaigns/${id}`, { body: change, ifMatch: '"1"' }))).toEqual([
      412,
      'precondition-failed',
    ]);
    const asked = await as('kim', 'PATCH', `/campaigns/${id}`, { body: change, ifMatch: '"2"' });
    expect([asked.status, asked.body]).toMatchObject([
      202,
      {
        action: 'campaign.change',
        order: { version: 2, change },
        consequences: { total: 9, newTotal: 7, slotsClosed: 2 },
      },
    ]);
    expect(await campaign(id)).toMatchObject({ total: 9, version: 2 });
    expect((await approve('park', asked)).status).toBe(200);
    expect(await campaign(id)).toMatchObject({ ...change, version: 3 });
  });

  it.each(['"1"', '*'])(
    'what has changed since is not done, and it is said what has changed (If-Match: %s)',
    async (ifMatch) => {
      const id = await client.createCampaign(5);
      const asked = await as('kim', 'PATCH', `/campaigns/${id}`, { body: { total: 3 }, ifMatch });
      expect(asked.status).toBe(202);
      await as('lee', 'PATCH', `/campaigns/${id}`, { body: { total: 50 }, ifMatch: '*' });
      const outdated = await approve('park', asked);
      expect([outdated.status, outdated.body]).toMatchObject([
        409,
        {
          code: 'approval-outdated',
          reason: 'precondition-failed',
          now: { version: 2, state: 'OPEN', total: 50 },
          approval: { status: 'FAILED', order: { version: 1 }, decidedBy: { name: 'park' } },
        },
      ]);
      expect(await campaign(id)).toMatchObject({ total: 50, version: 2 });
      expect(codeOf(await approve('lee', asked))).toEqual([409, 'approval-decided']);
      expect((await audited(asked.body.id))[0]).toEqual(['approval.fail', 'park', 'kim']);
    },
  );

  it('what two operators approve at once is done once', async () => {
    const id = await client.createCampaign(5);
    const asked = await as('kim', 'POST', `/campaigns/${id}/close`);
    const answers = await inParallel(['park', 'lee', 'park', 'lee'], 4, (who) => approve(who, asked));
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 4 });
    expect(await campaign(id)).toMatchObject({ state: 'CLOSED', version: 2 });
    expect((await audited(asked.body.id)).map(([action]: string[]) => action)).toEqual([
      'approval.approve',
      'approval.request',
    ]);
  });

  it('a discard of many that two operators approve at once is done once', async () => {
    const id = await client.createCampaign(9);
    const claims = ['a', 'b', 'c'].map((userId) => claimEvent({ campaignId: id, userId }));
    await failToPublish({ database: service.app.get(Database) }, ...claims);
    const body = { status: 'PENDING', campaignId: id, expected: 3, reason: 'fraud' };
    const asked = await as('kim', 'POST', '/failed-events/discard', { body });
    // Both have counted the rows before one of them begins.
    const database = service.app.get(Database);
    const snapshot = database.snapshot.bind(database);
    let counted = 0;
    const bothHaveCounted = new Promise<void>((resolve) => {
      jest.spyOn(database, 'snapshot').mockImplementation(async (work) => {
        const seen = await snapshot(work);
        if (++counted === 2) resolve();
        await bothHaveCounted;
        return seen;
      });
    });
    const answers = await inParallel(['park', 'lee'], 2, (who) => approve(who, asked));
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 2 });
    expect((await as('kim', 'GET', `/approvals/${asked.body.id}`)).body).toMatchObject({
      status: 'EXECUTED',
      outcome: { changed: 3, refused: {}, left: 0 },
    });
    expect((await audited(asked.body.id)).map(([action]: string[]) => action)).toEqual([
      'approval.approve',
      'approval.request',
    ]);
  });

  it('what was rejected or taken back is not done', async () => {
    const id = await client.createCampaign(5);
    for (const who of ['park', 'kim']) {
      const asked = await as('kim', 'POST', `/campaigns/${id}/close`);
      const rejected = await reject(who, asked);
      expect([rejected.status, rejected.body]).toMatchObject([200, { status: 'REJECTED', decidedBy: { name: who } }]);
      expect((await reject('lee', asked)).status).toBe(200);
      expect(codeOf(await approve('lee', asked))).toEqual([409, 'approval-decided']);
    }
    expect(await campaign(id)).toMatchObject({ state: 'OPEN', version: 1 });
  });

  it('what nobody has approved in time is over, and stays in the list and in the audit', async () => {
    const id = await client.createCampaign(5);
    const asked = await as('kim', 'POST', `/campaigns/${id}/close`);
    await tableRows(service, 'UPDATE approvals SET expires_at = created_at WHERE id = ?', [asked.body.id]);
    const late = await approve('park', asked);
    expect([late.status, late.body]).toMatchObject([
      409,
      { code: 'approval-decided', approval: { status: 'EXPIRED' } },
    ]);
    expect(await campaign(id)).toMatchObject({ state: 'OPEN', version: 1 });
    expect((await as('park', 'GET', '/approvals?status=EXPIRED')).body.items).toEqual([late.body.approval]);
    expect((await audited(asked.body.id))[0]).toEqual(['approval.expire', 'service', 'kim']);
  });

  it('an end of its time while it is approved counts', async () => {
    const id = await client.createCampaign(5);
    const asked = await as('kim', 'POST', `/campaigns/${id}/close`);
    const approvals = service.app.get(StoredApprovals, { strict: false });
    const find = approvals.find.bind(approvals);
    // Each look finds it in its time, and its time is over right after the look.
    jest.spyOn(approvals, 'find').mockImplementation(async (approvalId) => {
      await tableRows(service, 'UPDATE approvals SET expires_at = created_at + 900000 WHERE id = ?', [approvalId]);
      const found = await find(approvalId);
      await tableRows(service, 'UPDATE approvals SET expires_at = created_at WHERE id = ?', [approvalId]);
      return found;
    });
    expect(codeOf(await approve('park', asked))).toEqual([409, 'approval-decided']);
    expect(await campaign(id)).toMatchObject({ state: 'OPEN', version: 1 });
  });

  it('a discard needs two, one or many, and a requeue one', async () => {
    const id = await client.createCampaign(9);
    const claims = ['a', 'b', 'c'].map((userId) => claimEvent({ campaignId: id, userId }));
    await failToPublish({ database: service.app.get(Database) }, ...claims);
    const list = async () => (await as('kim', 'GET', `/failed-events?campaignId=${id}`)).body.items as Answer['body'][];
    const [row] = await list();
    const one = await as('kim', 'POST', `/failed-events/${row.id}/discard`, {
      body: { reason: 'fraud' },
      ifMatch: '*',
    });
    expect([one.status, one.body]).toMatchObject([
      202,
      {
        action: 'failed-event.discard',
        subject: String(row.id),
        order: { version: 1, reason: 'fraud' },
        consequences: { claims: 1, claimId: expect.any(String) },
      },
    ]);
    const filter = { status: 'PENDING', campaignId: id };
    const many = await as('kim', 'POST', '/failed-events/discard', {
      body: { ...filter, expected: 3, reason: 'fraud' },
    });
    expect([many.status, many.body]).toMatchObject([
      202,
      { action: 'failed-events.discard', consequences: { count: 3, claims: 3 } },
    ]);
    expect((await list()).map(({ status }) => status)).toEqual(['PENDING', 'PENDING', 'PENDING']);

    expect((await approve('park', one)).body.outcome).toEqual({ status: 'DISCARDED', version: 2 });
    const outdated = await approve('park', many);
    expect([outdated.status, outdated.body]).toMatchObject([409, { code: 'approval-outdated', now: { count: 2 } }]);
    const again = await as('kim', 'POST', '/failed-events/discard', {
      body: { ...filter, expected: 2, reason: 'fraud' },
    });
    expect((await approve('park', again)).body.outcome).toEqual({ changed: 2, refused: {}, left: 0 });
    expect((await list()).map(({ status, note }) => [status, note])).toEqual(Array(3).fill(['DISCARDED', 'fraud']));
    expect((await as('kim', 'POST', '/failed-events/requeue', { body: { ...filter, expected: 0 } })).status).toBe(200);
  });

  it('keys of operators and admins need two admins, and open nothing before', async () => {
    const asked = await as('kim', 'POST', '/keys', { body: { name: 'choi', role: 'operator' } });
    expect([asked.status, asked.body]).toMatchObject([
      202,
      { action: 'key.create', neededRole: 'admin', consequences: { name: 'choi', role: 'operator' } },
    ]);
    expect(JSON.stringify(asked.body.order)).not.toContain('secretDigest');
    keys['choi'] = asked.body.key;
    expect((await as('choi', 'GET', '/campaigns')).status).toBe(401);
    expect(codeOf(await approve('park', asked))).toEqual([403, 'role-not-allowed']);
    expect(codeOf(await reject('park', asked))).toEqual([403, 'role-not-allowed']);
    expect((await approve('lee', asked)).status).toBe(200);
    const made = (await as('kim', 'GET', '/keys')).body.items.find((key: Answer['body']) => key.name === 'choi');
    expect(made).toMatchObject({ id: asked.body.subject, role: 'operator', revokedAt: null });
    // What only the one who has asked was shown, opens now. This process has known for a moment that it does not.
    const other = new Client(...service.urls);
    const opened = await other.send('GET', '/api/admin/campaigns', {
      headers: { authorization: `Bearer ${asked.body.key}` },
    });
    expect([200, 401]).toContain(opened.status);

    const revoking = await as('kim', 'DELETE', `/keys/${made.id}`);
    expect([revoking.status, revoking.body]).toMatchObject([
      202,
      { action: 'key.revoke', consequences: { name: 'choi' } },
    ]);
    expect((await approve('lee', revoking)).status).toBe(200);
    expect((await as('choi', 'GET', '/campaigns')).status).toBe(401);
    expect((await as('kim', 'DELETE', `/keys/${made.id}`)).status).toBe(200);
    // Keys that can approve nothing need no second admin.
    const viewer = await as('kim', 'POST', '/keys', { body: { name: 'v', role: 'viewer' } });
    expect([viewer.status, (await as('kim', 'DELETE', `/keys/${viewer.body.id}`)).status]).toEqual([201, 200]);
    const lines = JSON.stringify((await as('kim', 'GET', '/audit-log?limit=1000')).body);
    expect(lines).not.toContain('secretDigest');
  });

  it('pause and resume stay the act of one', async () => {
    const id = await client.createCampaign(5);
    for (const act of ['pause', 'resume']) {
      expect((await as('park', 'POST', `/campaigns/${id}/${act}`)).status).toBe(200);
    }
  });

  it('what was never asked is not found', async () => {
    const invented = { body: { id: '01ARZ3NDEKTSV4RRFFQ69G5FAV' } } as Answer;
    expect(codeOf(await approve('park', invented))).toEqual([404, 'approval-not-found']);
    expect(codeOf(await reject('park', invented))).toEqual([404, 'approval-not-found']);
    expect(codeOf(await as('park', 'GET', '/approvals/01ARZ3NDEKTSV4RRFFQ69G5FAV'))).toEqual([
      404,
      'approval-not-found',
    ]);
    expect(codeOf(await as('park', 'GET', '/approvals/x'))).toEqual([400, 'validation-failed']);
  });
});
